import { describe, expect, it } from 'vitest';
import { id, startSim, type Answer, type Sim } from './client.js';

const contacts = [1, 2].map((n) => ({ contactid: id(n), lastname: `N${n}`, new_marketostamp: `m${n}` }));
const type = 'Microsoft.Dynamics.CRM.contact';

const send = (sim: Sim, message: string, targets: readonly object[]): Promise<Answer> =>
  sim.api('POST', `contacts/Microsoft.Dynamics.CRM.${message}`, {
    Targets: targets.map((one) => ({ '@odata.type': type, ...one })),
  });

const title = async (sim: Sim, n: number): Promise<unknown> =>
  (await sim.api('GET', `contacts(${id(n)})`)).json['jobtitle'];

describe('CreateMultiple, UpdateMultiple, UpsertMultiple', () => {
  it('answer ids in the order of the targets, or nothing', async () => {
    const sim = await startSim({ contacts });
    const made = await send(sim, 'CreateMultiple', [{ lastname: 'A' }, { contactid: id(9), lastname: 'B' }]);
    expect(made.status).toBe(200);
    expect(made.json['Ids']).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), id(9)]);
    const changed = await send(sim, 'UpdateMultiple', [{ contactid: id(1), jobtitle: 'CTO' }]);
    expect(changed.status).toBe(204);
    expect(await title(sim, 1)).toBe('CTO');
  });

  it('upsert by id and by alternate key, which must not be in the body of a new row', async () => {
    const sim = await startSim({ contacts });
    await sim.admin('POST', '/keys', { table: 'contact', name: 'k', columns: ['new_marketostamp'] });
    const at = (value: string): object => ({ '@odata.id': `contacts(new_marketostamp='${value}')` });
    const targets = [
      { ...at('m1'), jobtitle: 'A' },
      { ...at('m9'), lastname: 'New' },
      { contactid: id(2), jobtitle: 'B' },
    ];
    expect((await send(sim, 'UpsertMultiple', targets)).status).toBe(204);
    expect([await title(sim, 1), await title(sim, 2)]).toEqual(['A', 'B']);
    expect((await sim.api('GET', "contacts(new_marketostamp='m9')")).json).toMatchObject({ lastname: 'New' });
    const repeated = { ...at('m8'), new_marketostamp: 'm8', lastname: 'x' };
    expect(await send(sim, 'UpsertMultiple', [repeated])).toMatchObject({ status: 400, code: '0x80048d19' });
  });

  it.each([
    ['CreateMultiple', [{ lastname: 'ok' }, { lastname: 'bad', new_score: -1 }], '0x8004432f'],
    ['CreateMultiple', [{ lastname: 'ok' }, { contactid: id(1), lastname: 'again' }], '0x80040237'],
    [
      'UpdateMultiple',
      [
        { contactid: id(1), jobtitle: 'no' },
        { contactid: id(77), jobtitle: 'x' },
      ],
      '0x80040217',
    ],
    ['UpsertMultiple', [{ contactid: id(1), jobtitle: 'no' }, { lastname: 'Blocked' }], '0x80040265'],
  ])('%s: one bad row takes all back', async (message, targets, code) => {
    const sim = await startSim({ contacts });
    expect((await send(sim, message, targets)).code).toBe(code);
    expect((await sim.admin('GET', '/stats')).json).toMatchObject({ contacts: 2, writes: 0 });
    expect(await title(sim, 1)).toBeNull();
  });

  it('need a type on every target, and tables that have them', async () => {
    const sim = await startSim({ contacts });
    const path = 'contacts/Microsoft.Dynamics.CRM.CreateMultiple';
    expect((await sim.api('POST', path, { Targets: [{ lastname: 'x' }] })).code).toBe('0x80048d19');
    expect((await send(sim, 'DeleteMultiple', [])).message).toBe(
      'DeleteMultiple has not yet been implemented.',
    );
    const filter = "sdkmessageid/name eq 'UpdateMultiple' and primaryobjecttypecode eq 'contact'";
    const available = (): Promise<Answer> =>
      sim.api('GET', `sdkmessagefilters?$select=sdkmessagefilterid&$filter=${filter}`);
    expect((await available()).rows).toHaveLength(1);
    await sim.admin('PATCH', '/settings', { bulkMessageTables: ['lead'] });
    expect((await available()).rows).toHaveLength(0);
    expect((await send(sim, 'CreateMultiple', [{ lastname: 'x' }])).status).toBe(404);
  });
});

describe('BulkDelete', () => {
  const query = (condition: object): object => ({
    JobName: 'clean',
    SendEmailNotification: false,
    QuerySet: [
      {
        '@odata.type': 'Microsoft.Dynamics.CRM.QueryExpression',
        EntityName: 'contact',
        Criteria: { FilterOperator: 'And', Conditions: [condition], Filters: [] },
      },
    ],
  });

  it('is a job that deletes after it was answered', async () => {
    const sim = await startSim({ contacts });
    const Values = [{ Value: id(1), Type: 'System.Guid' }];
    const answer = await sim.api(
      'POST',
      'BulkDelete',
      query({ AttributeName: 'contactid', Operator: 'In', Values }),
    );
    expect(answer.status).toBe(200);
    const job = async (): Promise<unknown> =>
      (await sim.api('GET', `asyncoperations(${String(answer.json['JobId'])})`)).json['statuscode'];
    await expect.poll(job).toBe(30);
    expect((await sim.api('GET', 'contacts')).rows.map((row) => row['contactid'])).toEqual([id(2)]);
    const odd = query({ AttributeName: 'nothere', Operator: 'Equal', Values });
    expect((await sim.api('POST', 'BulkDelete', odd)).code).toBe('0x80041103');
  });
});

describe('Workflows of the customer', () => {
  const path = `contacts(${id(1)})`;
  const row = async (sim: Sim): Promise<Record<string, unknown>> => (await sim.api('GET', path)).json;

  it('change a column after a write, under a version and a name of their own', async () => {
    const sim = await startSim({ contacts });
    const workflows = [{ table: 'contact', on: 'update', whenSent: 'jobtitle', set: { new_score: 7 } }];
    expect((await sim.admin('PUT', '/workflows', { workflows })).status).toBe(200);
    await sim.api('PATCH', path, { department: 'x' });
    expect(await row(sim)).toMatchObject({ new_score: null });
    const headers = { Prefer: 'return=representation' };
    const answer = await sim.api('PATCH', path, { jobtitle: 'CTO' }, headers);
    const me = (await sim.api('GET', 'WhoAmI')).json['UserId'];
    const after = await row(sim);
    expect(after).toMatchObject({ jobtitle: 'CTO', new_score: 7 });
    expect(after['@odata.etag']).not.toBe(answer.json['@odata.etag']);
    expect(after['_modifiedby_value']).not.toBe(me);
    await sim.admin('PUT', '/workflows', { workflows: [{ ...workflows[0], as: 'sync' }] });
    await sim.admin('PATCH', `/rows/contacts/${id(1)}`, { jobtitle: 'by a person' });
    expect(await row(sim)).toMatchObject({ _modifiedby_value: me });
    const wrong = [{ table: 'contact', set: { nothere: 1 } }];
    expect((await sim.admin('PUT', '/workflows', { workflows: wrong })).status).toBe(400);
  });
});

describe('A kept state', () => {
  it('is written anew after a change beneath the product, which moves no version', async () => {
    const sim = await startSim({ contacts });
    const before = sim.revision();
    await sim.admin('PATCH', `/beneath/contacts/${id(1)}`, { jobtitle: 'beneath' });
    const edited = sim.revision();
    await sim.admin('DELETE', `/beneath/contacts/${id(1)}`);
    expect(new Set([before, edited, sim.revision()]).size).toBe(3);
  });

  it('brings back all tables, keys, rules, workflows and deltas', async () => {
    const accounts = [{ accountid: id(5), name: 'Contoso' }];
    const sim = await startSim({ contacts, accounts });
    await sim.admin('POST', '/keys', { table: 'contact', name: 'k', columns: ['new_marketostamp'] });
    await sim.admin('PUT', '/duplicate-rules', { rules: [] });
    await sim.admin('PUT', '/workflows', { workflows: [{ table: 'account', set: { telephone1: '1' } }] });
    const again = await startSim({
      state: JSON.parse(JSON.stringify(sim.state())) as ReturnType<Sim['state']>,
    });
    expect(again.revision()).toBe(sim.revision());
    expect((await again.api('GET', "contacts(new_marketostamp='m2')")).json).toMatchObject({
      contactid: id(2),
    });
    await again.api('PATCH', `accounts(${id(5)})`, { name: 'Renamed' });
    expect((await again.api('GET', `accounts(${id(5)})`)).json).toMatchObject({
      name: 'Renamed',
      telephone1: '1',
    });
    expect((await again.admin('GET', '/duplicate-rules')).json).toEqual({ rules: [] });
  });
});
