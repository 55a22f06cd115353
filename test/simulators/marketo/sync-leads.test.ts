import { describe, expect, it } from 'vitest';
import { idOf, idsOf, start, type Row, type Subject } from './client.js';

const read = async (subject: Subject, id: number, fields: string): Promise<Row> =>
  (await subject.get(`/lead/${id}.json`, { fields })).result[0] ?? {};
const skipped = (code: string, message: string) => ({ status: 'skipped', reasons: [{ code, message }] });
const byId = { action: 'updateOnly', lookupField: 'id' };

describe('the actions of Sync Leads', () => {
  it('createOrUpdate creates what no one matches and updates the one that does', async () => {
    const subject = await start();
    const first = await subject.sync([{ email: 'ada@x.io', firstName: 'Ada' }]);
    expect(first.result).toEqual([{ id: 1001, status: 'created' }]);
    const second = await subject.sync([{ email: 'ADA@x.io', lastName: 'Byron' }]);
    expect(second.result).toEqual([{ id: 1001, status: 'updated' }]);
    expect(await read(subject, 1001, 'firstName,lastName')).toMatchObject({
      firstName: 'Ada',
      lastName: 'Byron',
    });
  });

  it('skips a key of several persons with 1007, and changes none of them', async () => {
    const subject = await start({ persons: [{ email: 'twin@x.io' }, { email: 'twin@x.io' }] });
    const { result } = await subject.sync([{ email: 'twin@x.io', firstName: 'X' }]);
    expect(result).toEqual([skipped('1007', 'Multiple lead match lookup criteria')]);
    expect(await read(subject, 1001, 'firstName')).toMatchObject({ firstName: null });
  });

  it('createOnly skips existing persons with 1005, updateOnly unknown ones with 1004, without an id', async () => {
    const subject = await start({ persons: [{ email: 'ada@x.io' }] });
    const only = await subject.sync([{ email: 'ada@x.io' }, { email: 'new@x.io' }], { action: 'createOnly' });
    expect(only.result).toEqual([skipped('1005', 'Lead already exists'), { id: 1002, status: 'created' }]);
    const update = await subject.sync(
      [
        { id: 7, title: 'x' },
        { id: 1001, title: 'CTO' },
      ],
      byId,
    );
    expect(update.result).toEqual([skipped('1004', 'Lead not found'), { id: 1001, status: 'updated' }]);
  });

  it('createDuplicate always creates', async () => {
    const subject = await start({ persons: [{ email: 'ada@x.io' }] });
    const { result } = await subject.sync([{ email: 'ada@x.io' }], { action: 'createDuplicate' });
    expect(result).toEqual([{ id: 1002, status: 'created' }]);
  });

  it('updateOnly by id changes the e-mail; by e-mail, another address makes another person', async () => {
    const subject = await start({ persons: [{ email: 'old@x.io' }] });
    await subject.sync([{ id: 1001, email: 'new@x.io' }], byId);
    expect(await read(subject, 1001, 'email')).toEqual({ id: 1001, email: 'new@x.io' });
    expect((await subject.sync([{ email: 'old@x.io' }])).result).toEqual([{ id: 1002, status: 'created' }]);
  });

  it('takes the second record of one key in one call as an update of the first', async () => {
    const subject = await start();
    const { result } = await subject.sync([{ email: 'a@x.io' }, { email: 'a@x.io' }]);
    expect(result).toEqual([
      { id: 1001, status: 'created' },
      { id: 1001, status: 'updated' },
    ]);
  });

  it('skips a record without its lookup value', async () => {
    const subject = await start();
    const { result } = await subject.sync([{ firstName: 'Ada' }, { email: null }]);
    const reason = skipped('1003', "Value for lookup field 'email' not found");
    expect(result).toEqual([reason, reason]);
  });
});

describe('calls of Sync Leads that fail as a whole', () => {
  it('name an unknown action, an unknown field, an unknown or unsearchable lookup field', async () => {
    const subject = await start();
    const failure = async (input: Row[], options?: Row) => {
      const { code, message } = await subject.sync(input, options);
      return [code, message];
    };
    expect(await failure([{ email: 'a@x.io' }], { action: 'upsert' })).toEqual([
      '1001',
      "Invalid value 'upsert'. Required of type 'action'",
    ]);
    expect(await failure([{ email: 'a@x.io' }, { nope: 1 }])).toEqual(['1006', "Field 'nope' not found"]);
    expect(await failure([{ nope: 1 }], { lookupField: 'nope' })).toEqual([
      '1006',
      "Lookup field 'nope' not found",
    ]);
    expect(await failure([{ firstName: 'A' }], { lookupField: 'firstName' })).toEqual([
      '1011',
      "Field 'firstName' not supported",
    ]);
    expect((await failure([{ id: 1 }], { lookupField: 'id' }))[0]).toBe('1003');
    expect(await failure([])).toEqual(['1002', "Missing value for required parameter 'input'"]);
    expect(await subject.admin('GET', '/stats')).toMatchObject({ persons: 0 });
  });

  it('refuse more than 300 records with 1003', async () => {
    const subject = await start();
    const input = Array.from({ length: 301 }, (_, index) => ({ email: `p${index}@x.io` }));
    const refused = await subject.sync(input);
    expect([refused.code, refused.message]).toEqual([
      '1003',
      'Max number of leads allowed to create/update in a single call is 300',
    ]);
    expect(new Set(idsOf(await subject.sync(input.slice(1)))).size).toBe(300);
  });
});

describe('values given to Sync Leads', () => {
  const REFUSED: readonly (readonly [field: string, value: unknown, shown: string])[] = [
    ['unsubscribed', 'other', 'other'],
    ['email', 'bademail', 'bademail'],
    ['email', 'jürgen@x.io', 'jürgen@x.io'],
    ['numberOfEmployees', 14.1, '14.1'],
    ['annualRevenue', '14c', '14c'],
    ['lastDemoAt', 'yesterday', 'yesterday'],
    ['lastDemoAt', '2026-02-30T10:00:00Z', '2026-02-30T10:00:00Z'],
    ['dateOfBirth', '2026-02-30', '2026-02-30'],
    ['leadScore', '5', '5'],
    ['firstName', 'x'.repeat(256), 'x'.repeat(256)],
    ['sicCode', 'x'.repeat(41), 'x'.repeat(41)],
    ['mktoPersonNotes', 'ä'.repeat(15_001), 'ä'.repeat(15_001)],
  ];

  it.each(REFUSED)(
    '%s refuses %j: the record is skipped as a whole, its neighbours are not',
    async (field, value, shown) => {
      const subject = await start({ persons: [{ email: 'ada@x.io' }, { email: 'b@x.io' }] });
      const input = [
        { id: 1001, title: 'CTO', [field]: value },
        { id: 1002, title: 'CEO' },
      ];
      const { result } = await subject.sync(input, byId);
      expect(result).toEqual([
        skipped('1003', `Invalid value for field '${field}' and value '${shown}'`),
        { id: 1002, status: 'updated' },
      ]);
      expect(await read(subject, 1001, 'title')).toMatchObject({ title: null });
    },
  );

  it('refuses "100%" for a percent field', async () => {
    const subject = await start();
    await subject.post('/leads/schema/fields.json', {
      input: [{ name: 'fit', displayName: 'Fit', dataType: 'percent' }],
    });
    expect((await subject.sync([{ email: 'a@x.io', fit: '100%' }])).result).toEqual([
      skipped('1003', "Invalid value for field 'fit' and value '100%'"),
    ]);
    expect((await subject.sync([{ email: 'a@x.io', fit: 100 }])).result).toEqual([
      { id: 1001, status: 'created' },
    ]);
  });

  it('are kept as the type keeps them: datetimes in UTC and whole seconds', async () => {
    const subject = await start();
    const given = {
      email: 'a@x.io',
      lastDemoAt: '2026-11-20T12:00:00.987+02:00',
      annualRevenue: 12.5,
      firstName: '王小明',
    };
    const id = idOf(await subject.sync([given]));
    expect(await read(subject, id, 'lastDemoAt,annualRevenue,firstName')).toEqual({
      id,
      lastDemoAt: '2026-11-20T10:00:00Z',
      annualRevenue: 12.5,
      firstName: '王小明',
    });
  });

  it('clear with null, a boolean to false; an absent field stays', async () => {
    const full = {
      email: 'a@x.io',
      firstName: 'Ada',
      lastName: 'B',
      leadScore: 3,
      unsubscribed: true,
      dateOfBirth: '1815-12-10',
    };
    const subject = await start({ persons: [full] });
    await subject.sync(
      [{ id: 1001, firstName: null, leadScore: null, unsubscribed: null, dateOfBirth: '' }],
      byId,
    );
    expect(await read(subject, 1001, 'firstName,lastName,leadScore,unsubscribed,dateOfBirth')).toEqual({
      id: 1001,
      firstName: null,
      lastName: 'B',
      leadScore: null,
      unsubscribed: false,
      dateOfBirth: null,
    });
  });

  it('of read-only fields skip the record', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    await subject.admin('PATCH', '/settings', { readOnlyFields: ['title'] });
    const { result } = await subject.sync([
      { email: 'a@x.io', title: 'x' },
      { email: 'a@x.io', createdAt: '2026-01-01' },
    ]);
    expect(result).toEqual([
      skipped('1003', "Field 'title' is not updateable"),
      skipped('1003', "Field 'createdAt' is not updateable"),
    ]);
  });

  it('of blocked fields are accepted and not taken once the field has a value', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io', title: 'CTO' }] });
    await subject.admin('PATCH', '/settings', { blockedFields: ['title', 'city'] });
    const { result } = await subject.sync([{ email: 'a@x.io', title: 'CEO', city: 'Oslo', state: 'N' }]);
    expect(result).toEqual([{ id: 1001, status: 'updated' }]);
    expect(await read(subject, 1001, 'title,city,state')).toMatchObject({
      title: 'CTO',
      city: 'Oslo',
      state: 'N',
    });
  });

  it('of fields that the API role cannot see fail the call with 1006', async () => {
    const subject = await start();
    await subject.admin('PATCH', '/settings', { hiddenFields: ['title'] });
    expect((await subject.sync([{ email: 'a@x.io', title: 'x' }])).code).toBe('1006');
  });

  it('of company fields are refused with 1021 once the person belongs to a company record', async () => {
    const subject = await start({
      persons: [{ email: 'a@x.io', externalCompanyId: 'acc-1' }, { email: 'b@x.io' }],
    });
    const { result } = await subject.sync([
      { email: 'a@x.io', company: 'Acme' },
      { email: 'b@x.io', company: 'Acme' },
    ]);
    expect(result).toEqual([skipped('1021', 'Company update not allowed'), { id: 1002, status: 'updated' }]);
  });
});

describe('deleting persons', () => {
  it('deletes by id and skips unknown ids with 1004', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }, { email: 'b@x.io' }] });
    const { result } = await subject.post('/leads/delete.json', { input: [{ id: 1001 }, { id: 7 }] });
    expect(result).toEqual([{ id: 1001, status: 'deleted' }, skipped('1004', 'Lead not found')]);
    expect((await subject.post('/leads/delete.json?id=1002')).result).toEqual([
      { id: 1002, status: 'deleted' },
    ]);
    const left = await subject.get('/leads.json', { filterType: 'email', filterValues: 'a@x.io,b@x.io' });
    expect(left.result).toEqual([]);
  });

  it('never gives an id twice', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    await subject.post('/leads/delete.json', { input: [{ id: 1001 }] });
    expect((await subject.sync([{ email: 'a@x.io' }])).result).toEqual([{ id: 1002, status: 'created' }]);
  });
});
