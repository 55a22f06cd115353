import { describe, expect, it } from 'vitest';
import { idsOf, readAll, start, tokenSince, type Row, type Subject } from './client.js';

const byId = { action: 'updateOnly', lookupField: 'id' };
const skipped = (code: string, message: string) => ({ status: 'skipped', reasons: [{ code, message }] });
const read = async (subject: Subject, id: number, fields: string): Promise<Row> =>
  (await subject.get(`/lead/${id}.json`, { fields })).result[0] ?? {};
const set = (subject: Subject, settings: Row): Promise<Row> => subject.admin('PATCH', '/settings', settings);

describe('fields that a native CRM sync owns', () => {
  const described = async (subject: Subject, name: string): Promise<unknown> =>
    ((await subject.get('/leads/describe2.json')).result[0]?.['fields'] as Row[]).find(
      (field) => field['name'] === name,
    )?.['crmManaged'];

  it('are described as such while it is on', async () => {
    const subject = await start();
    expect(await described(subject, 'title')).toBe(false);
    await set(subject, { nativeCrmSync: true });
    expect([await described(subject, 'title'), await described(subject, 'leadScore')]).toEqual([true, false]);
    await set(subject, { crmManagedFields: ['leadScore'] });
    expect([await described(subject, 'title'), await described(subject, 'leadScore')]).toEqual([false, true]);
  });

  it('are written by Sync Leads, passed by, or skip the record, as the setting says', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io', title: 'old', lastDemoAt: null }] });
    const record = { id: 1001, title: 'new', lastDemoAt: '2026-01-01T00:00:00Z' };
    await set(subject, { nativeCrmSync: true, crmManagedWrites: 'skip' });
    expect((await subject.sync([record], byId)).result).toEqual([
      skipped('1003', "Field 'title' is managed by the CRM"),
    ]);
    await set(subject, { crmManagedWrites: 'ignore' });
    expect((await subject.sync([record], byId)).result).toEqual([{ id: 1001, status: 'updated' }]);
    expect(await read(subject, 1001, 'title,lastDemoAt')).toMatchObject({
      title: 'old',
      lastDemoAt: '2026-01-01T00:00:00Z',
    });
    await set(subject, { crmManagedWrites: 'accept' });
    await subject.sync([record], byId);
    expect(await read(subject, 1001, 'title')).toMatchObject({ title: 'new' });
  });
});

describe('blocked fields', () => {
  it('take their first value, by whatever way, and keep it from the API until a user clears it', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    await set(subject, { blockedFields: ['title', 'leadScore'] });
    const write = async (title: string | null) => {
      const { result } = await subject.sync([{ id: 1001, title, leadScore: 5 }], byId);
      expect(result).toEqual([{ id: 1001, status: 'updated' }]);
      return (await read(subject, 1001, 'title'))['title'];
    };
    expect(await write('first')).toBe('first');
    expect(await write('second')).toBe('first');
    expect(await write(null)).toBe('first');
    await subject.admin('PATCH', '/persons/1001', { title: 'by hand' });
    expect(await write('third')).toBe('by hand');
    await subject.admin('PATCH', '/persons/1001', { title: null });
    expect(await write('fourth')).toBe('fourth');
  });

  it('leave no trace when their value is kept; a new person takes all of its values', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io', title: 'CTO' }] });
    await set(subject, { blockedFields: ['title', 'email'] });
    const since = await tokenSince(subject, new Date().toISOString());
    await subject.sync([{ id: 1001, title: 'CEO' }], byId);
    const changes = await readAll(subject, '/activities/leadchanges.json', since, { fields: 'title' });
    expect(changes.items).toEqual([]);
    const { result } = await subject.sync([{ email: 'b@x.io', title: 'CFO' }]);
    expect(result).toEqual([{ id: 1002, status: 'created' }]);
    expect(await read(subject, 1002, 'title,email')).toEqual({ id: 1002, title: 'CFO', email: 'b@x.io' });
  });
});

describe('what the documentation leaves open is a setting:', () => {
  it('values of fields that are not updateable skip the record, or are passed by', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    const record = { email: 'a@x.io', createdAt: '2020-01-01', title: 'CTO' };
    expect((await subject.sync([record])).result).toEqual([
      skipped('1003', "Field 'createdAt' is not updateable"),
    ]);
    await set(subject, { readOnlyWrites: 'ignore' });
    expect((await subject.sync([record])).result).toEqual([{ id: 1001, status: 'updated' }]);
    expect(await read(subject, 1001, 'title')).toMatchObject({ title: 'CTO' });
  });

  it('too long a text skips the record, or is cut to whole characters', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    const record = { email: 'a@x.io', firstName: '😀'.repeat(300), mktoPersonNotes: 'ä'.repeat(15_001) };
    expect((await subject.sync([record])).result).toMatchObject([{ reasons: [{ code: '1003' }] }]);
    await set(subject, { longTexts: 'cut' });
    expect((await subject.sync([record])).result).toEqual([{ id: 1001, status: 'updated' }]);
    expect(await read(subject, 1001, 'firstName,mktoPersonNotes')).toMatchObject({
      firstName: '😀'.repeat(255),
      mktoPersonNotes: 'ä'.repeat(15_000),
    });
  });

  it('an unknown input field fails the call, or skips its record', async () => {
    const subject = await start();
    const input = [{ email: 'a@x.io', nope: 1 }, { email: 'b@x.io' }];
    expect((await subject.sync(input)).code).toBe('1006');
    await set(subject, { unknownFields: 'record' });
    expect((await subject.sync(input)).result).toEqual([
      skipped('1006', "Field 'nope' not found"),
      { id: 1001, status: 'created' },
    ]);
  });

  it('two records with one key in one call are one person, or two', async () => {
    const subject = await start({ persons: [{ email: 'old@x.io' }] });
    await set(subject, { sameKeyInCall: 'duplicate' });
    const emails = ['a@x.io', 'A@x.io', 'old@x.io', 'old@x.io'];
    const { result } = await subject.sync(emails.map((email) => ({ email })));
    expect(result).toEqual([
      { id: 1002, status: 'created' },
      { id: 1003, status: 'created' },
      { id: 1001, status: 'updated' },
      { id: 1001, status: 'updated' },
    ]);
    expect((await subject.sync([{ email: 'a@x.io' }])).result).toEqual([
      skipped('1007', 'Multiple lead match lookup criteria'),
    ]);
  });

  it('an unknown id of Get Lead is 1004, or nobody', async () => {
    const subject = await start();
    expect((await subject.get('/lead/7.json')).code).toBe('1004');
    await set(subject, { unknownLead: 'empty' });
    const { success, envelope } = await subject.get('/lead/7.json');
    expect([success, envelope['result']]).toEqual([true, []]);
  });

  it('an asynchronous call answers success alone; what it asked for is done', async () => {
    const subject = await start();
    const answer = await subject.sync([{ email: 'a@x.io' }, { email: 'bad' }], { asyncProcessing: true });
    expect(Object.keys(answer.envelope)).toEqual(['requestId', 'success']);
    const found = await subject.get('/leads.json', { filterType: 'email', filterValues: 'a@x.io' });
    expect(idsOf(found)).toEqual([1001]);
    expect((await subject.sync([{ nope: 1 }], { asyncProcessing: true })).code).toBe('1006');
  });
});

describe('lookup fields', () => {
  it('may be custom strings, e-mails and integers; an id sent with a create skips the record', async () => {
    const subject = await start();
    for (const dataType of ['string', 'email', 'integer']) {
      const name = `key_${dataType}`;
      await subject.post('/leads/schema/fields.json', { input: [{ name, displayName: name, dataType }] });
    }
    const sync = async (record: Row, lookupField: string) =>
      (await subject.sync([record], { lookupField })).result[0]?.['status'];
    for (const [name, value] of [
      ['key_string', 'S'],
      ['key_email', 's@x.io'],
      ['key_integer', 7],
    ] as const) {
      expect(await sync({ [name]: value }, name)).toBe('created');
      expect(await sync({ [name]: value, title: 'x' }, name)).toBe('updated');
    }
    expect((await subject.sync([{ id: 1001, email: 'a@x.io' }])).result).toEqual([
      skipped('1003', "Field 'id' is not updateable"),
    ]);
  });
});

describe('Push Lead', () => {
  it('creates and updates, and tells it as activity 145 in the caller’s words', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    const since = await tokenSince(subject, new Date(Date.now() - 60_000).toISOString());
    const { result } = await subject.post('/leads/push.json', {
      programName: 'Spring Fair',
      source: 'our-sync',
      reason: 'booth visit',
      lookupField: 'email',
      input: [{ email: 'a@x.io', title: 'CTO' }, { email: 'b@x.io' }, { email: 'bad' }],
    });
    expect(result).toMatchObject([
      { id: 1001, status: 'updated' },
      { id: 1002, status: 'created' },
      { status: 'skipped', reasons: [{ code: '1003' }] },
    ]);
    const { items } = await readAll(subject, '/activities.json', since, { activityTypeIds: '13,145' });
    expect(items.map((item) => [item['activityTypeId'], item['leadId']])).toEqual([
      [13, 1001],
      [145, 1001],
      [145, 1002],
    ]);
    expect(items[1]).toMatchObject({
      primaryAttributeValue: 'Spring Fair',
      attributes: [
        { name: 'Reason', value: 'booth visit' },
        { name: 'Source', value: 'our-sync' },
        { name: 'Lead ID', value: 1001 },
      ],
    });
  });

  it('needs a program', async () => {
    const subject = await start();
    const refused = await subject.post('/leads/push.json', { input: [{ email: 'a@x.io' }] });
    expect([refused.code, refused.message]).toEqual([
      '1002',
      "Missing value for required parameter 'programName'",
    ]);
  });
});
