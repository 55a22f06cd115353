import { describe, expect, it } from 'vitest';
import { id, part, startSim, type Sim } from './client.js';

const accounts = [
  { accountid: id(1), name: 'Contoso', primarycontactid: id(11) },
  { accountid: id(2), name: 'Fabrikam' },
  { accountid: id(3), name: 'Empty' },
];
const contacts = [
  { contactid: id(11), lastname: 'A', parentcustomerid: id(1), new_score: 1 },
  { contactid: id(12), lastname: 'B', parentcustomerid: id(1), new_score: 2, originatingleadid: id(21) },
  { contactid: id(13), lastname: "O'Hara", parentcustomerid: id(2), new_score: 3 },
  { contactid: id(14), lastname: 'D' },
];
const leads = [{ leadid: id(21), firstname: 'Old', lastname: 'Lead' }];
const start = (): Promise<Sim> => startSim({ accounts, contacts, leads });

const names = async (sim: Sim, query: string): Promise<unknown[]> => {
  const answer = await sim.api('GET', query);
  expect(answer.message).toBeUndefined();
  return answer.rows.map((row) => row['lastname'] ?? row['name']);
};

describe('Reading along links', () => {
  it('expands parents, children and users, with what $select asks for', async () => {
    const sim = await start();
    const query =
      'contacts?$select=lastname&$expand=parentcustomerid_account($select=name),originatingleadid($select=fullname),ownerid($select=fullname)&$orderby=lastname';
    const answer = await sim.api('GET', query);
    expect(answer.json['@odata.context']).toContain('parentcustomerid_account(name)');
    expect(answer.rows[1]).toMatchObject({
      lastname: 'B',
      parentcustomerid_account: { name: 'Contoso', accountid: id(1) },
      originatingleadid: { fullname: 'Old Lead', leadid: id(21) },
      ownerid: { fullname: 'Maya Lindqvist' },
    });
    expect(answer.rows[2]).toMatchObject({ parentcustomerid_account: null, originatingleadid: null });
    const options = '$select=lastname;$filter=new_score gt 0;$orderby=lastname desc;$top=1';
    const account = await sim.api('GET', `accounts(${id(1)})?$expand=contact_customer_accounts(${options})`);
    expect(account.json['contact_customer_accounts']).toMatchObject([{ lastname: 'B' }]);
    const odd = [
      'nothere',
      'parentcustomerid',
      'ownerid($select=nothere)',
      'originatingleadid($expand=ownerid)',
    ];
    for (const term of odd) {
      expect((await sim.api('GET', `contacts?$expand=${term}`)).status, term).toBe(400);
    }
  });

  it('never answers 304 to what has expansions or annotations', async () => {
    const sim = await start();
    const path = `contacts(${id(11)})`;
    const same = { 'If-None-Match': (await sim.api('GET', path)).headers.get('etag') ?? '' };
    expect((await sim.api('GET', path, undefined, same)).status).toBe(304);
    expect((await sim.api('GET', `${path}?$expand=ownerid`, undefined, same)).status).toBe(200);
    const annotated = { ...same, Prefer: 'odata.include-annotations="*"' };
    expect((await sim.api('GET', path, undefined, annotated)).status).toBe(200);
  });

  it('names lookups in annotations', async () => {
    const sim = await start();
    const prefer = { Prefer: 'odata.include-annotations="*"' };
    expect((await sim.api('GET', `contacts(${id(11)})`, undefined, prefer)).json).toMatchObject({
      '_parentcustomerid_value@OData.Community.Display.V1.FormattedValue': 'Contoso',
      '_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname': 'account',
      '_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty':
        'parentcustomerid_account',
    });
  });

  it.each([
    ["lastname eq 'O''Hara'", ["O'Hara"]],
    [`_parentcustomerid_value eq ${id(1)}`, ['A', 'B']],
    ['_parentcustomerid_value eq null', ['D']],
    ["parentcustomerid_account/name eq 'FABRIKAM'", ["O'Hara"]],
    ["not (startswith(lastname,'A') or new_score gt 2) and new_score ne null", ['B']],
    ["(new_score ge 1 and new_score le 2) or lastname eq 'd'", ['A', 'B', 'D']],
    [
      `Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=['${id(11)}','${id(14)}'])`,
      ['A', 'D'],
    ],
    ["Microsoft.Dynamics.CRM.In(PropertyName='new_score',PropertyValues=['1','3'])", ['A', "O'Hara"]],
  ])('filters contacts by %s', async (filter, expected) => {
    const sim = await start();
    const query = `contacts?$select=lastname&$orderby=lastname&$filter=${encodeURIComponent(filter)}`;
    expect(await names(sim, query)).toEqual(expected);
  });

  it.each([
    ['contact_customer_accounts/any()', ['Contoso', 'Fabrikam']],
    ['not contact_customer_accounts/any()', ['Empty']],
    ['contact_customer_accounts/any(c:c/new_score gt 1)', ['Contoso', 'Fabrikam']],
    ['contact_customer_accounts/all(c: c/new_score gt 1)', ['Empty', 'Fabrikam']],
    [
      "contact_customer_accounts/any(c:c/lastname eq 'A' and (c/new_score eq 1)) or name eq 'empty'",
      ['Contoso', 'Empty'],
    ],
  ])('filters accounts by their contacts: %s', async (filter, expected) => {
    const sim = await start();
    expect(await names(sim, `accounts?$select=name&$orderby=name&$filter=${filter}`)).toEqual(expected);
  });

  it('refuses lambdas that it cannot read', async () => {
    const sim = await start();
    for (const filter of ['nothere/any()', 'contact_customer_accounts/any(c:x/lastname eq null)']) {
      expect((await sim.api('GET', `accounts?$filter=${filter}`)).status, filter).toBe(400);
    }
  });

  it('goes to a parent, to the children page by page, and counts them', async () => {
    const sim = await start();
    expect(
      (await sim.api('GET', `contacts(${id(11)})/parentcustomerid_account?$select=name`)).json,
    ).toMatchObject({
      name: 'Contoso',
    });
    expect((await sim.api('GET', `contacts(${id(14)})/parentcustomerid_account`)).status).toBe(204);
    const children = `accounts(${id(1)})/contact_customer_accounts`;
    const first = await sim.api('GET', `${children}?$select=lastname`, undefined, {
      Prefer: 'odata.maxpagesize=1',
    });
    const second = await sim.api('GET', String(first.json['@odata.nextLink']));
    expect([...first.rows, ...second.rows].map((row) => row['lastname'])).toEqual(['A', 'B']);
    expect((await sim.api('GET', `${children}/$count`)).text).toBe('2');
  });

  it('takes long addresses, and longer ones inside a batch', async () => {
    const sim = await start();
    const long = (length: number): string =>
      `contacts?$select=lastname&$filter=lastname eq '${'x'.repeat(length)}'`;
    expect((await sim.api('GET', long(32_000))).status).toBe(200);
    expect((await sim.api('GET', long(33_000))).status).toBe(414);
    expect((await sim.batch([part('GET', encodeURI(long(60_000)))])).parts).toMatchObject([{ status: 200 }]);
  });
});

describe('Changing links', () => {
  it('sets, moves and removes them with $ref, under a new version of the row that holds the lookup', async () => {
    const sim = await start();
    const parent = async (n: number): Promise<unknown> =>
      (await sim.api('GET', `contacts(${id(n)})`)).json['_parentcustomerid_value'];
    const collection = `accounts(${id(2)})/contact_customer_accounts`;
    const reference = { '@odata.id': `${sim.origin}/api/data/v9.2/contacts(${id(14)})` };
    expect((await sim.api('POST', `${collection}/$ref`, reference)).status).toBe(204);
    expect(await parent(14)).toBe(id(2));
    const single = `contacts(${id(14)})/parentcustomerid_account/$ref`;
    expect((await sim.api('PUT', single, { '@odata.id': `accounts(${id(1)})` })).status).toBe(204);
    expect(await parent(14)).toBe(id(1));
    expect(
      (await sim.api('DELETE', `accounts(${id(1)})/contact_customer_accounts(${id(14)})/$ref`)).status,
    ).toBe(204);
    expect(await parent(14)).toBeNull();
    expect((await sim.api('DELETE', `contacts(${id(11)})/parentcustomerid_account/$ref`)).status).toBe(204);
    expect(await parent(11)).toBeNull();
    const missing = { '@odata.id': `accounts(${id(99)})` };
    expect(await sim.api('PUT', single, missing)).toMatchObject({ status: 404, code: '0x80040217' });
    expect((await sim.api('POST', single, missing)).status).toBe(405);
    expect(
      (await sim.api('DELETE', `accounts(${id(1)})/contact_customer_accounts(${id(14)})/$ref`)).status,
    ).toBe(404);
    expect((await sim.api('PUT', `contacts(${id(14)})/nothere/$ref`, missing)).status).toBe(404);
  });

  it('refuses to point at what is not there', async () => {
    const sim = await start();
    const bind = { 'parentcustomerid_account@odata.bind': `/accounts(${id(99)})` };
    expect((await sim.api('PATCH', `contacts(${id(14)})`, bind)).code).toBe('0x80040217');
    expect((await sim.api('POST', 'contacts', { lastname: 'x', ...bind })).code).toBe('0x80040217');
  });

  it('goes with the row that is deleted, or forbids it', async () => {
    const sim = await start();
    await sim.admin('PATCH', '/settings', { deleteWithChildren: 'restrict' });
    expect(await sim.api('DELETE', `accounts(${id(1)})`)).toMatchObject({ status: 405, code: '0x80040227' });
    expect((await sim.api('DELETE', `accounts(${id(3)})`)).status).toBe(204);
    await sim.admin('PATCH', '/settings', { deleteWithChildren: 'removeLink' });
    expect((await sim.api('DELETE', `accounts(${id(1)})`)).status).toBe(204);
    const left = await sim.api('GET', `contacts?$filter=lastname eq 'A' or lastname eq 'B'`);
    expect(left.rows.map((row) => row['_parentcustomerid_value'])).toEqual([null, null]);
  });
});

describe('Single properties', () => {
  const path = `contacts(${id(11)})`;

  it('are read, set and cleared', async () => {
    const sim = await start();
    expect((await sim.api('PUT', `${path}/jobtitle`, { value: 'CTO' })).status).toBe(204);
    expect((await sim.api('GET', `${path}/jobtitle`)).json).toMatchObject({ value: 'CTO' });
    expect((await sim.api('GET', `${path}/jobtitle/$value`)).text).toBe('CTO');
    expect((await sim.api('DELETE', `${path}/jobtitle`)).status).toBe(204);
    expect((await sim.api('GET', `${path}/jobtitle`)).status).toBe(204);
  });

  it('obey the rules of every update', async () => {
    const sim = await start();
    expect((await sim.api('PUT', `${path}/new_score`, { value: 5000 })).code).toBe('0x8004432f');
    expect((await sim.api('PUT', `${path}/new_creditrating`, { value: 'A' })).code).toBe('0x8004f507');
    expect((await sim.api('PUT', `${path}/jobtitle`, { nothing: 1 })).code).toBe('0x80048d19');
    expect((await sim.api('PUT', `${path}/nothere`, { value: 1 })).status).toBe(404);
    const stale = { 'If-Match': 'W/"1"' };
    expect((await sim.api('PUT', `${path}/jobtitle`, { value: 'x' }, stale)).code).toBe('0x80060882');
  });
});

describe('Accounts', () => {
  it('are a table like the others: written, tracked, described', async () => {
    const sim = await start();
    const load = await sim.api('GET', 'accounts?$select=name', undefined, { Prefer: 'odata.track-changes' });
    expect(load.rows).toHaveLength(3);
    await sim.api('PATCH', `accounts(${id(9)})?tag=x`, { name: 'New' }, { 'If-None-Match': '*' });
    await sim.api('DELETE', `accounts(${id(3)})`, undefined, { 'MSCRM.BypassCustomPluginExecution': 'true' });
    expect((await sim.api('GET', String(load.json['@odata.deltaLink']))).rows).toMatchObject([
      { name: 'New' },
      { id: id(3), reason: 'deleted' },
    ]);
    const definition = "EntityDefinitions(LogicalName='account')?$select=PrimaryNameAttribute,ObjectTypeCode";
    expect((await sim.api('GET', definition)).json).toMatchObject({
      PrimaryNameAttribute: 'name',
      ObjectTypeCode: 1,
    });
    const unless = { 'If-None-Match': '*' };
    expect((await sim.api('DELETE', `accounts(${id(2)})`, undefined, unless)).code).toBe('0x80060882');
  });
});
