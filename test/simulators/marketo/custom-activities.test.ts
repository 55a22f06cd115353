import { describe, expect, it } from 'vitest';
import { readAll, start, tokenSince, type Row, type Subject } from './client.js';

const REFUSED = {
  apiName: 'dynamicsSyncRefused',
  name: 'Dynamics Sync Refused',
  description: 'A refused write',
  triggerName: 'Is Refused by Dynamics',
  filterName: 'Was Refused by Dynamics',
  primaryAttribute: { apiName: 'record', name: 'Record' },
};
const DIRECTION = { apiName: 'direction', name: 'Direction', dataType: 'string' };
const TYPE = '/activities/external/type';

async function approvedType(subject: Subject): Promise<number> {
  await subject.post(`${TYPE}.json`, REFUSED);
  await subject.post(`${TYPE}/${REFUSED.apiName}/attributes/create.json`, { attributes: [DIRECTION] });
  const { result } = await subject.post(`${TYPE}/${REFUSED.apiName}/approve.json`);
  return Number(result[0]?.['id']);
}

const activity = (activityTypeId: number, change: Row = {}): Row => ({
  leadId: 1001,
  activityDate: new Date().toISOString(),
  activityTypeId,
  primaryAttributeValue: 'row 1',
  attributes: [{ apiName: 'direction', value: 'toDynamics' }],
  ...change,
});

describe('a custom activity type', () => {
  it('is a draft, is approved, and gets a draft again when it is changed', async () => {
    const subject = await start();
    const status = async (path: string, body?: Row) =>
      (await subject.post(`${TYPE}${path}`, body)).result[0]?.['status'];
    const attributes = { attributes: [DIRECTION] };
    expect(await status('.json', REFUSED)).toBe('draft');
    expect(await status('/dynamicsSyncRefused/attributes/create.json', attributes)).toBe('draft');
    expect(await status('/dynamicsSyncRefused/approve.json')).toBe('approved');
    expect(await status('/dynamicsSyncRefused.json', { name: 'Refused' })).toBe('approved with draft');
    const describe = async (query: Record<string, string>) =>
      (await subject.get(`${TYPE}/dynamicsSyncRefused/describe.json`, query)).result[0];
    expect(await describe({})).toMatchObject({
      id: 100001,
      name: 'Dynamics Sync Refused',
      attributes: [DIRECTION],
    });
    expect(await describe({ draft: 'true' })).toMatchObject({ name: 'Refused' });
    expect(await status('/dynamicsSyncRefused/discardDraft.json')).toBe('approved');
    expect(await status('/dynamicsSyncRefused/delete.json')).toBe('deleted');
    expect((await subject.get(`${TYPE}/dynamicsSyncRefused/describe.json`)).code).toBe('1013');
  });

  it('has attributes that are changed and removed by their API names', async () => {
    const subject = await start();
    await approvedType(subject);
    const change = (how: string, attribute: Row) =>
      subject.post(`${TYPE}/dynamicsSyncRefused/attributes/${how}.json`, { attributes: [attribute] });
    expect((await change('update', { apiName: 'direction', name: 'Way' })).result[0]?.['attributes']).toEqual(
      [{ ...DIRECTION, name: 'Way' }],
    );
    expect((await change('create', DIRECTION)).code).toBe('1017');
    expect((await change('delete', { apiName: 'nope' })).code).toBe('1013');
    expect((await change('delete', { apiName: 'direction' })).result[0]?.['attributes']).toEqual([]);
  });

  it('is listed with all others, and among the activity types once approved', async () => {
    const subject = await start();
    await subject.post(`${TYPE}.json`, REFUSED);
    const types = async () =>
      (await subject.get('/activities/types.json')).result.find(
        (type) => type['apiName'] === 'dynamicsSyncRefused',
      );
    expect(await types()).toBeUndefined();
    await subject.post(`${TYPE}/dynamicsSyncRefused/approve.json`);
    expect(await types()).toMatchObject({
      id: 100001,
      primaryAttribute: { apiName: 'record', dataType: 'string' },
    });
    const list = await subject.get('/activities/external/types.json');
    expect(list.result).toMatchObject([{ apiName: 'dynamicsSyncRefused', status: 'approved' }]);
  });

  it('is refused when it exists, lacks a name, or is one too many', async () => {
    const subject = await start();
    const create = (change: Row) => subject.post(`${TYPE}.json`, { ...REFUSED, ...change });
    expect((await create({ triggerName: '' })).code).toBe('1002');
    expect((await create({ apiName: 'a b' })).code).toBe('1003');
    for (let count = 0; count < 10; count++)
      expect((await create({ apiName: `t${count}` })).success).toBe(true);
    expect((await create({ apiName: 't1' })).code).toBe('1017');
    expect((await create({ apiName: 't11' })).code).toBe('1027');
    const attributes = Array.from({ length: 21 }, (_, index) => ({ ...DIRECTION, apiName: `a${index}` }));
    expect((await subject.post(`${TYPE}/t1/attributes/create.json`, { attributes })).code).toBe('1028');
  });
});

describe('adding custom activities', () => {
  it('gives a GUID, and the activity can be read by its type', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    const type = await approvedType(subject);
    const token = await tokenSince(subject, new Date(Date.now() - 60_000).toISOString());
    const added = await subject.post('/activities/external.json', {
      input: [activity(type, { activityDate: '2026-11-20T10:05:00Z' }), activity(type)],
    });
    expect(added.result).toEqual([
      { id: 2, marketoGUID: '2', status: 'added' },
      { id: 3, marketoGUID: '3', status: 'added' },
    ]);
    // The first is dated before the token: it is in the log, and not in what this token reads.
    const { items } = await readAll(subject, '/activities.json', token, { activityTypeIds: String(type) });
    expect(items).toMatchObject([
      {
        marketoGUID: '3',
        leadId: 1001,
        primaryAttributeValue: 'row 1',
        attributes: [{ name: 'Direction', value: 'toDynamics' }],
      },
    ]);
  });

  it('skips bad records with `errors`, not `reasons`, and adds their neighbours', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    const type = await approvedType(subject);
    await subject.post(`${TYPE}.json`, { ...REFUSED, apiName: 'onlyDraft' });
    const { result } = await subject.post('/activities/external.json', {
      input: [
        activity(type, { leadId: 7 }),
        activity(type, { primaryAttributeValue: null }),
        activity(type + 1),
        activity(type, { attributes: [{ apiName: 'nope', value: 1 }] }),
        activity(type, { attributes: [{ apiName: 'direction', value: 'x'.repeat(65_537) }] }),
        activity(type, { activityDate: 'now' }),
        activity(type),
      ],
    });
    expect(result[0]).toEqual({ status: 'skipped', errors: [{ code: '1004', message: 'Lead not found' }] });
    const codes = result.map((row) => (row['errors'] as Row[] | undefined)?.[0]?.['code'] ?? row['status']);
    expect(codes).toEqual(['1004', '1002', '1013', '1006', '1049', '1003', 'added']);
  });

  it('logs a repeated call twice: there is no idempotency', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    const type = await approvedType(subject);
    const once = activity(type);
    await subject.post('/activities/external.json', { input: [once] });
    await subject.post('/activities/external.json', { input: [once] });
    const { activities } = await subject.admin('GET', `/activities?typeId=${type}&leadId=1001`);
    expect(activities).toHaveLength(2);
  });
});
