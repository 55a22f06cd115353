import { describe, expect, it } from 'vitest';
import { id, startSim, type Sim } from './client.js';

const people = [
  { contactid: id(1), firstname: 'Ana', lastname: 'Ruiz', emailaddress1: 'Ana@Example.com', jobtitle: null },
  { contactid: id(2), firstname: 'Bo', lastname: "O'Neil", emailaddress1: 'bo@example.com', jobtitle: 'CTO' },
  { contactid: id(3), firstname: '李', lastname: '雷', emailaddress1: null, donotbulkemail: true },
  { contactid: id(4), lastname: 'Zu', annualincome: 5000, birthdate: '1980-02-29', jobtitle: 'cto' },
];

const names = async (sim: Sim, filter: string): Promise<unknown[]> => {
  const query = `contacts?$select=lastname&$orderby=lastname asc&$filter=${encodeURIComponent(filter)}`;
  const answer = await sim.api('GET', query);
  expect(answer.status, answer.text).toBe(200);
  return answer.rows.map((row) => row['lastname']);
};

describe('Reading rows', () => {
  it('returns the selected columns, the key and an etag, nulls included', async () => {
    const sim = await startSim({ contacts: people });
    const answer = await sim.api('GET', `contacts(${id(1)})?$select=firstname,jobtitle`);
    const { '@odata.etag': etag, '@odata.context': context, ...row } = answer.json;
    expect(row).toEqual({ contactid: id(1), firstname: 'Ana', jobtitle: null });
    expect(etag).toMatch(/^W\/"\d+"$/);
    expect(answer.headers.get('etag')).toBe(etag);
    expect(context).toBe(`${sim.origin}/api/data/v9.2/$metadata#contacts(firstname,jobtitle)/$entity`);
  });

  it('brings all columns without a selection: computed name, version, owner and stamps', async () => {
    const sim = await startSim({ contacts: people });
    const { json } = await sim.api('GET', `contacts(${id(1)})`);
    expect(json).toMatchObject({
      fullname: 'Ana Ruiz',
      statecode: 0,
      statuscode: 1,
      followemail: true,
      merged: false,
    });
    expect(json['@odata.etag']).toBe(`W/"${String(json['versionnumber'])}"`);
    expect(json['createdon']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(json['_ownerid_value']).toBe(json['_modifiedby_value']);
    expect(Object.keys(json)).toEqual(
      expect.arrayContaining(['_masterid_value', '_originatingleadid_value']),
    );
  });

  it.each(['fullnam', 'FirstName', 'owneridname', 'ownerid'])('refuses to select %s', async (name) => {
    const sim = await startSim();
    const answer = await sim.api('GET', `contacts?$select=${name}`);
    expect(answer).toMatchObject({ status: 400, code: '0x80060888' });
    expect(answer.message).toBe(
      `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.contact'.`,
    );
  });

  it('answers 404 for a row, a set or a set in the wrong case that is not there', async () => {
    const sim = await startSim();
    expect(await sim.api('GET', `leads(${id(9)})`)).toMatchObject({ status: 404, code: '0x80040217' });
    expect(await sim.api('GET', 'Contacts')).toMatchObject({ status: 404, code: '0x8006088a' });
  });

  it('has no alternate keys', async () => {
    const sim = await startSim();
    const answer = await sim.api('GET', "contacts(emailaddress1='a%40b.com')");
    expect(answer).toMatchObject({ status: 400, code: '0x80060890' });
  });

  it('answers 304 when the etag still holds, and the row for the text null', async () => {
    const sim = await startSim({ contacts: people });
    const path = `contacts(${id(1)})?$select=firstname`;
    const etag = (await sim.api('GET', path)).headers.get('etag') ?? '';
    expect((await sim.api('GET', path, undefined, { 'If-None-Match': etag })).status).toBe(304);
    expect((await sim.api('GET', path, undefined, { 'If-None-Match': 'null' })).status).toBe(200);
  });

  it.each([
    ["emailaddress1 eq 'ana@EXAMPLE.com'", ['Ruiz']],
    ["lastname eq 'O''Neil'", ["O'Neil"]],
    ['emailaddress1 eq null', ['Zu', '雷']],
    ["jobtitle ne 'CTO'", ['Ruiz', '雷']],
    ["contains(lastname,'u') and not (firstname eq 'Ana')", ['Zu']],
    ["startswith(lastname,'ru') or endswith(emailaddress1,'@EXAMPLE.COM')", ["O'Neil", 'Ruiz']],
    ['donotbulkemail eq true', ['雷']],
    ['annualincome ge 5000 and annualincome lt 5000.5', ['Zu']],
    ['birthdate eq 1980-02-29', ['Zu']],
    [`contactid eq ${id(2)}`, ["O'Neil"]],
    ['modifiedon gt 2001-01-01T00:00:00Z and statecode eq 0', ["O'Neil", 'Ruiz', 'Zu', '雷']],
    [
      `Microsoft.Dynamics.CRM.In(PropertyName='emailaddress1',PropertyValues=["ANA@example.com","bo@example.com"])`,
      ["O'Neil", 'Ruiz'],
    ],
    [`Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=['${id(3)}'])`, ['雷']],
  ])('filters by %s', async (filter, expected) => {
    expect(await names(await startSim({ contacts: people }), filter)).toEqual(expected);
  });

  it('finds rows by an e-mail that was changed, and not by the one before', async () => {
    const sim = await startSim({ contacts: people });
    await sim.admin('PATCH', `/rows/contacts/${id(1)}`, { emailaddress1: 'BO@example.com' });
    const both = "emailaddress1 eq 'bo@example.com'";
    expect(await names(sim, both)).toEqual(["O'Neil", 'Ruiz']);
    expect(await names(sim, `${both} and firstname eq 'Ana'`)).toEqual(['Ruiz']);
    expect(await names(sim, "emailaddress1 eq 'ana@example.com'")).toEqual([]);
    await sim.admin('DELETE', `/rows/contacts/${id(2)}`);
    expect(await names(sim, both)).toEqual(['Ruiz']);
  });

  it('takes the arguments of a function from parameters', async () => {
    const sim = await startSim({ contacts: people });
    const call = 'Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)';
    const answer = await sim.api(
      'GET',
      `contacts?$select=lastname&$filter=${call}&@p1='lastname'&@p2=${encodeURIComponent('["Zu"]')}`,
    );
    expect(answer.rows).toMatchObject([{ lastname: 'Zu' }]);
  });

  it.each(['lastname eq', "nothere eq 'x'", 'length(lastname) eq 3', 'lastname eq 5', '(lastname eq null'])(
    'refuses the filter %s',
    async (filter) => {
      const sim = await startSim();
      const answer = await sim.api('GET', `contacts?$filter=${encodeURIComponent(filter)}`);
      expect(answer).toMatchObject({ status: 400, code: '0x80060888' });
    },
  );

  it('has no $skip', async () => {
    const sim = await startSim();
    expect((await sim.api('GET', 'contacts?$skip=5')).status).toBe(400);
  });

  it('orders, takes the top and counts', async () => {
    const sim = await startSim({ contacts: people });
    const answer = await sim.api(
      'GET',
      'contacts?$select=lastname&$orderby=lastname desc&$top=2&$count=true',
    );
    expect(answer.rows.map((row) => row['lastname'])).toEqual(['雷', 'Zu']);
    expect(answer.json['@odata.count']).toBe(4);
    expect(answer.json['@odata.nextLink']).toBeUndefined();
    expect((await sim.api('GET', 'contacts/$count')).text).toBe('4');
  });

  it.each(['', '&$orderby=lastname asc', '&$orderby=donotbulkemail desc,createdon asc'])(
    'pages through all rows once by opaque links%s',
    async (order) => {
      const contacts = Array.from({ length: 25 }, (_, n) => ({ contactid: id(n), lastname: `N${n % 4}` }));
      const sim = await startSim({ contacts });
      const seen: unknown[] = [];
      let link: string | undefined = `contacts?$select=lastname${order}`;
      let pages = 0;
      while (link !== undefined) {
        const page = await sim.api('GET', link, undefined, { Prefer: 'odata.maxpagesize=10' });
        expect(page.headers.get('preference-applied')).toBe('odata.maxpagesize=10');
        seen.push(...page.rows.map((row) => row['contactid']));
        const next: unknown = page.json['@odata.nextLink'];
        link = typeof next === 'string' ? next : undefined;
        pages += 1;
      }
      expect(pages).toBe(3);
      expect([...seen].sort()).toEqual(contacts.map(({ contactid }) => contactid));
    },
  );

  it('labels values when annotations are asked for', async () => {
    const sim = await startSim({ contacts: people });
    const prefer = { Prefer: 'odata.include-annotations="*"' };
    const path = `contacts(${id(3)})?$select=statecode,donotbulkemail,_ownerid_value`;
    const { json } = await sim.api('GET', path, undefined, prefer);
    expect(json).toMatchObject({
      'statecode@OData.Community.Display.V1.FormattedValue': 'Active',
      'donotbulkemail@OData.Community.Display.V1.FormattedValue': 'Do Not Allow',
      '_ownerid_value@OData.Community.Display.V1.FormattedValue': 'Maya Lindqvist',
      '_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname': 'systemuser',
    });
    const error = await sim.api('GET', 'contacts?$select=nothere', undefined, prefer);
    expect(error.text).toContain('"@Microsoft.PowerApps.CDS.ErrorDetails.ApiExceptionHttpStatusCode":"400"');
  });

  it('knows its users and how long it keeps changes', async () => {
    const sim = await startSim();
    const me = (await sim.api('GET', 'WhoAmI')).json['UserId'];
    const users = await sim.api(
      'GET',
      `systemusers?$select=fullname,applicationid&$filter=systemuserid eq ${String(me)}`,
    );
    expect(users.rows).toMatchObject([{ applicationid: sim.environment['DATAVERSE_CLIENT_ID'] }]);
    const organizations = await sim.api('GET', 'organizations?$select=expirechangetrackingindays');
    expect(organizations.rows).toMatchObject([{ expirechangetrackingindays: 7 }]);
  });
});
