import { describe, expect, it } from 'vitest';
import { clockAt, idOf, readAll, start, tokenSince, type Row } from './client.js';

const START = '2026-11-20T10:00:00Z';
const byId = { action: 'updateOnly', lookupField: 'id' };

describe('lead changes', () => {
  it('show a new person and each changed field, with one-second stamps and our own writes as "Web service API"', async () => {
    const clock = clockAt(START);
    const subject = await start({ now: clock.now });
    const token = await tokenSince(subject, START);
    clock.forward(2345);
    await subject.sync([{ email: 'ada@x.io', firstName: 'Ada', lastName: 'Byron' }]);
    clock.forward(1000);
    await subject.sync([{ id: 1001, title: 'CTO', unsubscribed: true, numberOfEmployees: 7 }], byId);
    const { items } = await readAll(subject, '/activities/leadchanges.json', token, {
      fields: 'title,unsubscribed,numberOfEmployees',
    });
    expect(items[0]).toEqual({
      marketoGUID: '1',
      leadId: 1001,
      activityDate: '2026-11-20T10:00:02Z',
      activityTypeId: 12,
      primaryAttributeValueId: 1001,
      primaryAttributeValue: 'Ada Byron',
      attributes: [
        { name: 'Created Date', value: '2026-11-20' },
        { name: 'Source Type', value: 'Web service API' },
      ],
    });
    expect(items[1]).toEqual({
      marketoGUID: '2',
      leadId: 1001,
      activityDate: '2026-11-20T10:00:03Z',
      activityTypeId: 13,
      fields: [{ id: 60, name: 'title', newValue: 'CTO', oldValue: null }],
      attributes: [
        { name: 'Reason', value: 'Web service API' },
        { name: 'Source', value: 'Web service API' },
        { name: 'Lead ID', value: 1001 },
      ],
    });
    expect(items.slice(2).map((item) => item['fields'])).toEqual([
      [{ id: 79, name: 'unsubscribed', newValue: 'true', oldValue: 'false' }],
      [{ id: 16, name: 'numberOfEmployees', newValue: '7', oldValue: null }],
    ]);
  });

  it('leave no trace of unchanged values, and of fields not asked for', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io', title: 'CTO' }] });
    const token = await tokenSince(subject, new Date().toISOString());
    await subject.sync([{ email: 'a@x.io', title: 'CTO', city: 'Oslo' }]);
    const asked = await readAll(subject, '/activities/leadchanges.json', token, { fields: 'title' });
    expect(asked.items).toEqual([]);
    const all = await readAll(subject, '/activities/leadchanges.json', token, { fields: 'title,city' });
    expect(all.items).toHaveLength(1);
  });

  it('tell an edit by a user from one through the API', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    const token = await tokenSince(subject, new Date().toISOString());
    await subject.admin('PATCH', '/persons/1001', { title: 'by hand' });
    await subject.admin('PATCH', '/persons/1001?source=api', { title: 'by program' });
    const { items } = await readAll(subject, '/activities/leadchanges.json', token, { fields: 'title' });
    const sources = items.map((item) =>
      (item['attributes'] as Row[]).find((row) => row['name'] === 'Source'),
    );
    expect(sources[0]?.['value']).not.toBe('Web service API');
    expect(sources[1]?.['value']).toBe('Web service API');
  });

  it('follow a stored token without repeating or losing anything', async () => {
    const subject = await start({ limits: 'off' });
    let token = await tokenSince(subject, new Date().toISOString());
    const seen: unknown[] = [];
    for (let round = 0; round < 5; round++) {
      await subject.sync([{ email: `p${round}@x.io`, title: 'a' }]);
      await subject.sync([{ email: `p${round}@x.io`, title: 'b' }]);
      const read = await readAll(subject, '/activities/leadchanges.json', token, {
        fields: 'title',
        batchSize: '1',
      });
      seen.push(...read.items.map((item) => item['marketoGUID']));
      token = read.token;
    }
    expect(seen).toEqual(Array.from({ length: 10 }, (_, index) => String(index + 1)));
  });

  it('page by 300, and give empty pages with moreResult while they scan', async () => {
    const subject = await start({ limits: 'off' });
    const token = await tokenSince(subject, new Date().toISOString());
    for (let call = 0; call < 2; call++) {
      await subject.sync(
        Array.from({ length: 200 }, (_, index) => ({ email: `p${index + call * 200}@x.io` })),
      );
    }
    const first = await subject.get('/activities/leadchanges.json', {
      nextPageToken: token,
      fields: 'title',
    });
    expect([first.result.length, first.moreResult]).toEqual([300, true]);
    await subject.sync([{ email: 'p399@x.io', title: 'CTO' }]);
    await subject.admin('PATCH', '/settings', { scanBlock: 100 });
    const parameters = { activityTypeIds: '13' };
    const empty = await subject.get('/activities.json', { ...parameters, nextPageToken: token });
    expect([empty.success, 'result' in empty.envelope, empty.moreResult]).toEqual([true, false, true]);
    const all = await readAll(subject, '/activities.json', token, parameters);
    expect([all.items.length, all.pages]).toEqual([1, 5]);
  });

  it('keep to the persons asked for, 30 at most', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }, { email: 'b@x.io' }] });
    const token = await tokenSince(subject, new Date().toISOString());
    await subject.sync([
      { email: 'a@x.io', title: 'x' },
      { email: 'b@x.io', title: 'y' },
    ]);
    const path = '/activities/leadchanges.json';
    const { items } = await readAll(subject, path, token, { fields: 'title', leadIds: '1002' });
    expect(items.map((item) => item['leadId'])).toEqual([1002]);
    const leadIds = Array.from({ length: 31 }, (_, index) => index).join();
    expect((await subject.get(path, { nextPageToken: token, fields: 'title', leadIds })).code).toBe('1003');
  });

  it('refuse a missing or foreign token, missing and unknown fields, and an odd date', async () => {
    const subject = await start();
    const token = await tokenSince(subject, START);
    const path = '/activities/leadchanges.json';
    expect((await subject.get(path, { fields: 'title' })).code).toBe('701');
    const without = await subject.get(path, { nextPageToken: token });
    expect([without.code, without.message]).toEqual(['701', "'fields' cannot be blank"]);
    expect((await subject.get(path, { nextPageToken: 'GIYDENRN', fields: 'title' })).code).toBe('1001');
    expect((await subject.get(path, { nextPageToken: token, fields: 'nope' })).code).toBe('1006');
    expect((await subject.get('/activities/pagingtoken.json', { sinceDatetime: 'soon' })).code).toBe('704');
    expect(token).toMatch(/^[A-Z2-7]+=+$/);
  });

  it('come late with a commit lag: a reader who only follows tokens misses them, an overlap finds them', async () => {
    const clock = clockAt(START);
    const subject = await start({ now: clock.now, persons: [{ email: 'a@x.io' }], commitLagMs: 60_000 });
    const path = '/activities/leadchanges.json';
    const token = await tokenSince(subject, START);
    await subject.sync([{ email: 'a@x.io', title: 'late' }]);
    clock.forward(30_000);
    const early = await readAll(subject, path, token, { fields: 'title' });
    expect(early.items).toEqual([]);
    clock.forward(60_000);
    expect((await readAll(subject, path, early.token, { fields: 'title' })).items).toEqual([]);
    expect(
      (await readAll(subject, path, await tokenSince(subject, START), { fields: 'title' })).items,
    ).toHaveLength(1);
  });
});

describe('activities', () => {
  it('name a changed field by its display name and leave out empty attributes', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    const token = await tokenSince(subject, new Date().toISOString());
    await subject.sync([{ email: 'a@x.io', title: 'CTO' }]);
    const { items } = await readAll(subject, '/activities.json', token, { activityTypeIds: '12,13' });
    expect(items).toMatchObject([
      {
        primaryAttributeValueId: 60,
        primaryAttributeValue: 'Job Title',
        attributes: [
          { name: 'New Value', value: 'CTO' },
          { name: 'Reason', value: 'Web service API' },
          { name: 'Source', value: 'Web service API' },
        ],
      },
    ]);
    expect(items[0]).not.toHaveProperty('id');
  });

  it('show a changed score as type 22 and not among the lead changes, unless the setting says otherwise', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io', leadScore: 5 }] });
    const token = await tokenSince(subject, new Date().toISOString());
    await subject.sync([{ email: 'a@x.io', leadScore: 12 }]);
    const changes = await readAll(subject, '/activities/leadchanges.json', token, { fields: 'leadScore' });
    expect(changes.items).toEqual([]);
    const { items } = await readAll(subject, '/activities.json', token, { activityTypeIds: '22' });
    expect(items[0]?.['attributes']).toContainEqual({ name: 'Change Value', value: '+7' });
    await subject.admin('PATCH', '/settings', { scoreActivity: 'both' });
    await subject.sync([{ email: 'a@x.io', leadScore: 1 }]);
    const both = await readAll(subject, '/activities.json', token, { activityTypeIds: '13,22' });
    expect(both.items.map((item) => item['activityTypeId'])).toEqual([22, 22, 13]);
  });

  it('need types, ten at most', async () => {
    const subject = await start();
    const nextPageToken = await tokenSince(subject, START);
    expect((await subject.get('/activities.json', { nextPageToken })).code).toBe('701');
    const activityTypeIds = Array.from({ length: 11 }, (_, index) => index + 1).join();
    expect((await subject.get('/activities.json', { nextPageToken, activityTypeIds })).code).toBe('1003');
  });

  it('have types, Marketo’s own among them', async () => {
    const subject = await start();
    const { result } = await subject.get('/activities/types.json');
    expect(result.find((type) => type['id'] === 13)).toMatchObject({
      name: 'Change Data Value',
      primaryAttribute: { name: 'Attribute Name', dataType: 'string' },
    });
    expect(result.find((type) => type['id'] === 12)).not.toHaveProperty('primaryAttribute');
  });
});

describe('deleted persons', () => {
  it('are told with id and name, for 14 days', async () => {
    const clock = clockAt(START);
    const subject = await start({ now: clock.now, persons: [{ firstName: 'Ada', lastName: 'Byron' }, {}] });
    await subject.admin('DELETE', '/persons/1001');
    await subject.post('/leads/delete.json', { input: [{ id: 1002 }] });
    const read = async () =>
      (await readAll(subject, '/activities/deletedleads.json', await tokenSince(subject, START))).items;
    expect(await read()).toMatchObject([
      {
        leadId: 1001,
        activityTypeId: 37,
        primaryAttributeValueId: 1001,
        primaryAttributeValue: 'Ada Byron',
        attributes: [],
      },
      { leadId: 1002 },
    ]);
    clock.forward(15 * 86_400_000);
    await subject.signIn();
    expect(await read()).toEqual([]);
  });
});

describe('updatedAt', () => {
  it('moves with standard fields only', async () => {
    const clock = clockAt(START);
    const subject = await start({ now: clock.now });
    const id = idOf(await subject.sync([{ email: 'a@x.io' }]));
    const updatedAt = async () =>
      (await subject.get(`/lead/${id}.json`, { fields: 'updatedAt' })).result[0]?.['updatedAt'];
    clock.forward(5000);
    await subject.sync([{ email: 'a@x.io', lastDemoAt: '2026-01-01T00:00:00Z' }]);
    expect(await updatedAt()).toBe(START);
    await subject.sync([{ email: 'a@x.io', title: 'CTO' }]);
    expect(await updatedAt()).toBe('2026-11-20T10:00:05Z');
  });
});

describe('activities of one asset', () => {
  it('are found by its id, with a single type', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    const nextPageToken = await tokenSince(subject, new Date().toISOString());
    await subject.sync([{ email: 'a@x.io', title: 'CTO', city: 'Oslo' }]);
    const read = (parameters: Row) =>
      subject.get('/activities.json', { nextPageToken, ...(parameters as Record<string, string>) });
    const { result } = await read({ activityTypeIds: '13', assetIds: '60' });
    expect(result.map((row) => row['primaryAttributeValue'])).toEqual(['Job Title']);
    expect((await read({ activityTypeIds: '13,12', assetIds: '60' })).code).toBe('1003');
    expect((await read({ activityTypeIds: '13', assetIds: 'x' })).code).toBe('1001');
  });
});

describe('the log', () => {
  it('keeps changes for 90 days, merges for 25 months, and new persons for ever', async () => {
    const clock = clockAt(START);
    const subject = await start({ now: clock.now, limits: 'off' });
    await subject.sync([{ email: 'a@x.io' }, { email: 'b@x.io' }]);
    await subject.sync([{ email: 'a@x.io', title: 'CTO', leadScore: 1 }]);
    await subject.post('/leads/1001/merge.json?leadId=1002');
    await subject.post('/leads/delete.json?id=1001');
    const types = async (days: number) => {
      clock.forward(Date.parse(START) + days * 86_400_000 - clock.now());
      await subject.signIn();
      const { items } = await readAll(subject, '/activities.json', await tokenSince(subject, START), {
        activityTypeIds: '12,13,22,32,37',
      });
      return items.map((item) => item['activityTypeId']);
    };
    expect(await types(14)).toEqual([12, 12, 13, 22, 32, 37]);
    expect(await types(15)).toEqual([12, 12, 13, 22, 32]);
    expect(await types(90)).toEqual([12, 12, 13, 22, 32]);
    expect(await types(91)).toEqual([12, 12, 32]);
    expect(await types(760)).toEqual([12, 12, 32]);
    expect(await types(761)).toEqual([12, 12]);
  });
});
