import { describe, expect, it } from 'vitest';
import { answered, clockAt, readAll, start, tokenSince, type Row, type Subject } from './client.js';

const NOW = '2026-11-20T10:00:00Z';
const persons = ['a@x.io', 'b@x.io', 'c@x.io'].map((email) => ({ email }));

async function withList(): Promise<{ subject: Subject; forward: (ms: number) => void }> {
  const { now, forward } = clockAt(NOW);
  const subject = await start({ persons, now });
  await subject.admin('POST', '/lists', { name: 'Newsletter', programName: 'News' });
  return { subject, forward };
}

const input = (...ids: number[]) => ({ input: ids.map((id) => ({ id })) });

const remove = (subject: Subject, ...ids: number[]) =>
  subject
    .raw('/rest/v1/lists/1501/leads.json', {
      method: 'DELETE',
      body: JSON.stringify(input(...ids)),
      headers: { 'content-type': 'application/json' },
    })
    .then(answered);

const statuses = ({ result }: { result: readonly Row[] }) =>
  result.map(({ id, status, reasons }) => [
    id,
    status,
    ...((reasons as Row[] | undefined) ?? []).map((r) => r['code']),
  ]);

describe('static lists', () => {
  it('are listed, found by their properties, and read by id', async () => {
    const { subject } = await withList();
    await subject.admin('POST', '/lists', { name: 'Event', programName: 'Fair' });
    const shown = { createdAt: NOW, updatedAt: NOW, workspaceName: 'Default' };
    const newsletter = { id: 1501, name: 'Newsletter', programName: 'News', ...shown };
    const event = { id: 1502, name: 'Event', programName: 'Fair', ...shown };
    expect((await subject.get('/lists.json')).result).toEqual([newsletter, event]);
    expect((await subject.get('/lists.json', { name: 'Event,Other' })).result).toEqual([event]);
    expect((await subject.get('/lists.json', { id: '1501', programName: 'Fair' })).result).toEqual([]);
    expect((await subject.get('/lists/1501.json')).result).toEqual([newsletter]);
    expect((await subject.get('/lists/7.json')).code).toBe('1013');
  });

  it('take persons, tell who is a member, and let them go, each record by itself', async () => {
    const { subject } = await withList();
    const add = await subject.post('/lists/1501/leads.json', input(1001, 99, 1002));
    expect(statuses(add)).toEqual([
      [1001, 'added'],
      [99, 'skipped', '1004'],
      [1002, 'added'],
    ]);
    const asked = await subject.get('/lists/1501/leads/ismember.json', { id: '1001,1003' });
    expect(statuses(asked)).toEqual([
      [1001, 'memberof'],
      [1003, 'notmemberof'],
    ]);
    expect(statuses(await remove(subject, 1001, 1003))).toEqual([
      [1001, 'removed'],
      [1003, 'skipped', '1015'],
    ]);
    expect((await subject.admin('GET', '/lists'))['lists']).toMatchObject([{ id: 1501, members: [1002] }]);
    expect((await subject.post('/lists/7/leads.json', input(1001))).code).toBe('1013');
    expect((await subject.get('/lists/1501/leads/ismember.json', { id: '1001&id=2' })).code).toBe('1001');
  });

  it.each(['/list/1501/leads.json', '/lists/1501/leads.json'])(
    'give their members a page at a time: %s',
    async (path) => {
      const { subject } = await withList();
      await subject.admin('POST', '/lists/1501/members', { input: [1003, 1001, 1002] });
      await subject.admin('DELETE', '/persons/1002');
      const first = await subject.get(path, { batchSize: '1', fields: 'id,email' });
      expect([first.result, first.moreResult]).toEqual([[{ id: 1001, email: 'a@x.io' }], true]);
      const nextPageToken = first.nextPageToken ?? '';
      const second = await subject.get(path, { batchSize: '1', fields: 'email', nextPageToken });
      expect([second.result, second.moreResult]).toEqual([[{ id: 1003, email: 'c@x.io' }], undefined]);
    },
  );

  it('log who joins (24) and who leaves (25), once, and filter the streams', async () => {
    const { subject } = await withList();
    const token = await tokenSince(subject, NOW);
    await subject.post('/lists/1501/leads.json', input(1001));
    await subject.post('/lists/1501/leads.json', input(1001, 1002));
    await remove(subject, 1002);
    await subject.sync(
      [1001, 1002].map((id) => ({ id, title: 'CTO' })),
      { action: 'updateOnly', lookupField: 'id' },
    );
    const { items } = await readAll(subject, '/activities.json', token, { activityTypeIds: '24,25' });
    expect(items.map((item) => [item['activityTypeId'], item['leadId']])).toEqual([
      [24, 1001],
      [24, 1002],
      [25, 1002],
    ]);
    expect(items[0]).toMatchObject({
      primaryAttributeValueId: 1501,
      primaryAttributeValue: 'Newsletter',
      attributes: [{ name: 'Source', value: 'Web service API' }],
    });
    const parameters = { fields: 'title', listId: '1501' };
    const changes = await readAll(subject, '/activities/leadchanges.json', token, parameters);
    expect(changes.items.map((item) => item['leadId'])).toEqual([1001]);
  });

  it('of 10,000 persons or more no longer filter the streams from 30 December 2026 on', async () => {
    const { now, forward } = clockAt('2026-12-29T23:59:59Z');
    const many = await start({ now, persons: Array.from({ length: 10_000 }, () => ({})) });
    await many.admin('POST', '/lists', { name: 'Everybody' });
    const input = Array.from({ length: 10_000 }, (_, index) => 1001 + index);
    await many.admin('POST', '/lists/1501/members', { input });
    const nextPageToken = await tokenSince(many, '2026-12-29T23:59:59Z');
    const parameters = { nextPageToken, activityTypeIds: '12', listId: '1501' };
    expect((await many.get('/activities.json', parameters)).success).toBe(true);
    forward(1000);
    expect((await many.get('/activities.json', parameters)).code).toBe('1003');
  });
});
