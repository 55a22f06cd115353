import { describe, expect, it } from 'vitest';
import { idOf, idsOf, readAll, start, tokenSince, type Row, type Subject } from './client.js';

const skipped = (code: string, message: string) => ({ status: 'skipped', reasons: [{ code, message }] });
const partitionOf = async (subject: Subject, id: number): Promise<unknown> =>
  (await subject.get(`/lead/${id}.json`, { fields: 'leadPartitionId' })).result[0]?.['leadPartitionId'];

async function withPartitions(names: readonly string[], persons: readonly Row[] = []): Promise<Subject> {
  const subject = await start({ persons: persons as never });
  for (const name of names) await subject.admin('POST', '/partitions', { name });
  return subject;
}

describe('lead partitions', () => {
  it('are listed; a fresh instance has Default', async () => {
    const subject = await start();
    await subject.admin('POST', '/partitions', { name: 'EU', description: 'Europe' });
    expect((await subject.get('/leads/partitions.json')).result).toEqual([
      { id: 1, name: 'Default', description: 'Initial system lead partition' },
      { id: 2, name: 'EU', description: 'Europe' },
    ]);
    await expect(subject.admin('POST', '/partitions', { name: 'EU' })).rejects.toThrow('400');
  });

  it('take persons: the field follows, a search by it too, and activity 100 tells', async () => {
    const subject = await withPartitions(['EU'], [{ email: 'a@x.io' }, { email: 'b@x.io' }]);
    const since = await tokenSince(subject, new Date(Date.now() - 60_000).toISOString());
    const move = (id: number, partitionName: string) =>
      subject.post('/leads/partitions.json', { input: [{ id, partitionName }] });
    const inPartition = async (id: string) =>
      idsOf(await subject.get('/leads.json', { filterType: 'leadPartitionId', filterValues: id }));
    expect([await inPartition('1'), await inPartition('2')]).toEqual([[1001, 1002], []]);
    expect((await move(1001, 'EU')).result).toEqual([{ id: 1001, status: 'updated' }]);
    expect((await move(1001, 'EU')).result).toEqual([{ id: 1001, status: 'updated' }]);
    expect(await partitionOf(subject, 1001)).toBe(2);
    expect(await inPartition('2')).toEqual([1001]);
    expect(await inPartition('1')).toEqual([1002]);
    const { items } = await readAll(subject, '/activities.json', since, { activityTypeIds: '100' });
    expect(items).toMatchObject([
      {
        leadId: 1001,
        primaryAttributeValueId: 2,
        primaryAttributeValue: 'EU',
        attributes: [
          { name: 'Old Partition ID', value: 1 },
          { name: 'Reason', value: 'Web service API' },
        ],
      },
    ]);
  });

  it('are not among the lead changes', async () => {
    const subject = await withPartitions(['EU'], [{ email: 'a@x.io' }]);
    const since = await tokenSince(subject, new Date(Date.now() - 60_000).toISOString());
    await subject.admin('POST', '/persons/1001/partition', { partition: 'EU' });
    expect(await partitionOf(subject, 1001)).toBe(2);
    const { items } = await readAll(subject, '/activities/leadchanges.json', since, {
      fields: 'leadPartitionId',
    });
    expect(items).toEqual([]);
    await expect(subject.admin('POST', '/persons/1001/partition', { partition: 'US' })).rejects.toThrow(
      '400',
    );
  });

  it('skip unknown persons with 1004, unknown or denied partitions with 1008, no name with 1009', async () => {
    const subject = await withPartitions(['EU', 'US'], [{ email: 'a@x.io' }]);
    await subject.admin('PATCH', '/settings', { deniedPartitions: ['US'] });
    const { result } = await subject.post('/leads/partitions.json', {
      input: [
        { id: 7, partitionName: 'EU' },
        { id: 1001, partitionName: 'Mars' },
        { id: 1001, partitionName: 'US' },
        { id: 1001 },
      ],
    });
    expect(result).toEqual([
      skipped('1004', 'Lead not found'),
      { id: 1001, ...skipped('1008', "Access denied to partition 'Mars'") },
      { id: 1001, ...skipped('1008', "Access denied to partition 'US'") },
      { id: 1001, ...skipped('1009', 'Partition name must be specified') },
    ]);
    await subject.admin('POST', '/persons/1001/partition', { partition: 'US' });
    const back = await subject.post('/leads/partitions.json', { input: [{ id: 1001, partitionName: 'EU' }] });
    expect(back.result).toEqual([{ id: 1001, ...skipped('1010', 'Partition update not allowed') }]);
  });
});

describe('partitionName of Sync Leads', () => {
  it('says where a new person goes; a person of another partition is skipped with 1010', async () => {
    const subject = await withPartitions(['EU']);
    const created = await subject.sync([{ email: 'a@x.io' }], { partitionName: 'EU' });
    expect(created.result).toEqual([{ id: 1001, status: 'created' }]);
    expect(await partitionOf(subject, idOf(created))).toBe(2);
    const same = await subject.sync([{ email: 'a@x.io', title: 'CTO' }], { partitionName: 'EU' });
    expect(same.result).toEqual([{ id: 1001, status: 'updated' }]);
    const other = await subject.sync([{ email: 'a@x.io', title: 'CEO' }], { partitionName: 'Default' });
    expect(other.result).toEqual([skipped('1010', 'Partition update not allowed')]);
    expect((await subject.sync([{ email: 'a@x.io' }])).result).toEqual([{ id: 1001, status: 'updated' }]);
  });

  it('skips the record with 1008 when there is no such partition; updateOnly and createDuplicate do not heed it', async () => {
    const subject = await withPartitions([], [{ email: 'a@x.io' }]);
    const sync = async (action: string) =>
      (await subject.sync([{ email: 'a@x.io' }], { action, partitionName: 'Mars' })).result;
    const denied = skipped('1008', "Access denied to partition 'Mars'");
    expect(await sync('createOrUpdate')).toEqual([denied]);
    expect(await sync('createOnly')).toEqual([denied]);
    expect(await sync('updateOnly')).toEqual([{ id: 1001, status: 'updated' }]);
    expect(await sync('createDuplicate')).toEqual([{ id: 1002, status: 'created' }]);
    expect(await partitionOf(subject, 1002)).toBe(1);
  });

  it('must be there for a new person when the instance demands it: 1009', async () => {
    const subject = await withPartitions(['EU'], [{ email: 'old@x.io' }]);
    await subject.admin('PATCH', '/settings', { partitionNameRequired: true });
    const input = [{ email: 'old@x.io' }, { email: 'new@x.io' }];
    expect((await subject.sync(input)).result).toEqual([
      { id: 1001, status: 'updated' },
      skipped('1009', 'Partition name must be specified'),
    ]);
    expect((await subject.sync([{ email: 'new@x.io' }], { partitionName: 'EU' })).result).toEqual([
      { id: 1002, status: 'created' },
    ]);
  });
});
