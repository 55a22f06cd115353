import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AdminRecord } from '../../simulators/admin-doors.js';
import { startWorld, type World } from '../support/world.js';

/** What may befall a call to Marketo. All of them pass, none is a refusal. */
const MARKETO_FAULTS = [
  { name: 'a 502 before it is carried out', fault: { kind: 'refuse' } },
  { name: 'a 502 after it was carried out', fault: { kind: 'afterWrite' } },
  { name: 'a dropped connection before', fault: { kind: 'drop' } },
  { name: 'a dropped connection after', fault: { kind: 'dropAfterWrite' } },
  { name: 'garbage for an answer', fault: { kind: 'garbage' } },
  { name: '604 after it was carried out', fault: { kind: 'afterWrite', code: '604' } },
  { name: 'a storm of 606', fault: { kind: 'code', code: '606', times: 9 } },
  { name: 'a storm of 615', fault: { kind: 'code', code: '615', times: 9 } },
  { name: '602', fault: { kind: 'code', code: '602' } },
  { name: 'five lost answers in a row', fault: { kind: 'dropAfterWrite', times: 5 } },
] as const;

/** What may befall a call to Dynamics. */
const DYNAMICS_FAULTS = [
  { name: 'a 503 before it is carried out', fault: { kind: 'refuse' } },
  { name: 'a 500 after it was carried out', fault: { kind: 'afterWrite', status: 500, code: '0x80044151' } },
  { name: 'a dropped connection before', fault: { kind: 'drop' } },
  { name: 'a dropped connection after', fault: { kind: 'dropAfterWrite' } },
  { name: 'garbage for an answer', fault: { kind: 'garbage' } },
  { name: 'a 400 page of a gateway', fault: { kind: 'refuse', status: 400, body: 'html' } },
  { name: 'a 412 page of a gateway', fault: { kind: 'refuse', status: 412, body: 'html' } },
  {
    name: 'a storm of 429',
    fault: { kind: 'refuse', status: 429, code: '0x80072322', retryAfter: 0, times: 9 },
  },
  { name: '401', fault: { kind: 'refuse', status: 401, code: '0x8004a101' } },
  { name: 'five lost answers in a row', fault: { kind: 'dropAfterWrite', times: 5 } },
] as const;

const SYNC_PERSONS = { method: 'POST', path: '/rest/v1/leads.json' };
const LOG = { method: 'POST', path: '/activities/external.json' };
const ROW = { method: 'PATCH', path: '/leads(' };
const BATCH = { method: 'POST', path: '$batch' };

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterEach(async () => {
  expect(await world.faultsStruck()).toBe(true);
});
afterAll(() => world.close());

const fresh = (): AdminRecord & { leadid: string } => {
  const leadid = randomUUID();
  return { leadid, lastname: 'Ruiz', jobtitle: 'CTO', emailaddress1: `${leadid}@example.com` };
};

const personOf = async (leadid: string): Promise<number> => {
  const link = (await world.links()).find(({ dynamicsId }) => dynamicsId === leadid);
  if (link?.marketoId == null) throw new Error(`no person of ${leadid}`);
  return link.marketoId;
};

/** Two leads with their persons, everything at rest. */
const twoPairs = async (): Promise<{ leadid: string; marketoId: number }[]> => {
  const leads = [fresh(), fresh()];
  await world.doors.createRows('leads', leads);
  await world.settled();
  return Promise.all(leads.map(async ({ leadid }) => ({ leadid, marketoId: await personOf(leadid) })));
};

const jobOf = async (leadid: string) => (await world.row('leads', leadid))['jobtitle'];
const titleOf = async (marketoId: number) => (await world.person(marketoId))['title'];

const logged = async (marketoId: number): Promise<Record<string, number>> => {
  const response = await fetch(`${world.marketo}/admin/activities?leadId=${String(marketoId)}`);
  const { activities } = (await response.json()) as {
    activities: { activityTypeId: number; attributes: unknown }[];
  };
  const counts: Record<string, number> = {};
  for (const { activityTypeId } of activities.filter((each) => each.activityTypeId > 100_000))
    counts[String(activityTypeId)] = (counts[String(activityTypeId)] ?? 0) + 1;
  return counts;
};

describe.each(MARKETO_FAULTS)('A call to Marketo that meets $name', ({ fault }) => {
  it('changes persons all the same, and only as it should', async () => {
    const pairs = await twoPairs();
    for (const { leadid } of pairs) await world.doors.editRow('leads', leadid, { jobtitle: 'CEO' });
    await world.fault('marketo', { ...SYNC_PERSONS, ...fault });
    await world.settled();
    for (const { leadid, marketoId } of pairs) {
      expect(await titleOf(marketoId)).toBe('CEO');
      expect(await jobOf(leadid)).toBe('CEO');
    }
    expect(await world.duplicates()).toEqual([]);
  });

  it('creates one person for each row', async () => {
    const leads = [fresh(), fresh(), fresh()];
    await world.doors.createRows('leads', leads);
    await world.fault('marketo', { ...SYNC_PERSONS, ...fault });
    await world.settled();
    for (const { leadid } of leads) expect(await titleOf(await personOf(leadid))).toBe('CTO');
    expect(await world.duplicates()).toEqual([]);
  });

  it('tells a refusal once on the person', async () => {
    const [pair] = await twoPairs();
    if (pair === undefined) throw new Error('no pair');
    await world.doors.editPerson(pair.marketoId, { title: 'Test Robot' });
    await world.fault('marketo', { ...LOG, ...fault });
    await world.settled();
    expect(Object.values(await logged(pair.marketoId))).toEqual([1]);
    expect(await jobOf(pair.leadid)).toBe('CTO');
    const rejections = await world.db
      .selectFrom('rejections')
      .select('id')
      .where('link_id', '=', (await world.linkOfPerson(pair.marketoId)).id)
      .execute();
    expect(rejections).toHaveLength(1);
  });
});

describe.each(DYNAMICS_FAULTS)('A call to Dynamics that meets $name', ({ fault }) => {
  it.each([
    { form: 'in a batch', where: BATCH, pairs: 2 },
    { form: 'alone', where: ROW, pairs: 1 },
  ])('changes rows $form all the same, and only as it should', async ({ where, pairs: count }) => {
    const pairs = (await twoPairs()).slice(0, count);
    for (const { marketoId } of pairs) await world.doors.editPerson(marketoId, { title: 'CEO' });
    await world.fault('dynamics', { ...where, ...fault });
    await world.settled();
    for (const { leadid, marketoId } of pairs) {
      expect(await jobOf(leadid)).toBe('CEO');
      expect(await titleOf(marketoId)).toBe('CEO');
    }
    expect(await world.duplicates()).toEqual([]);
  });

  it('creates one row on demand', async () => {
    const email = `${randomUUID()}@example.com`;
    const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ito', title: 'CTO' }]);
    await world.fault('dynamics', { ...ROW, ...fault });
    const { dynamicsId } = await world.request(marketoId);
    await world.settled();
    expect(await world.row('leads', dynamicsId ?? '')).toMatchObject({ lastname: 'Ito', jobtitle: 'CTO' });
    expect(await world.person(marketoId)).toMatchObject({ dynamicsId, dynamicsType: 'lead' });
    expect(await world.duplicates()).toEqual([]);
  });
});

describe('Single rows of a batch', () => {
  it.each(['afterWrite', 'refuse', 'missingPart', 'garbage'])('that meet "%s" go again', async (kind) => {
    const pairs = await twoPairs();
    for (const { marketoId } of pairs) await world.doors.editPerson(marketoId, { title: 'CEO' });
    await world.fault('dynamics', { kind, part: true, status: 503, times: 1 });
    await world.settled();
    for (const { leadid } of pairs) expect(await jobOf(leadid)).toBe('CEO');
  });

  it('go on although a workflow touches each row after each write', async () => {
    const pairs = await twoPairs();
    await world.setting('dynamics', { touchAfterWrite: true });
    for (const title of ['CEO', 'Chair']) {
      for (const { marketoId } of pairs) await world.doors.editPerson(marketoId, { title });
      await world.settled();
      for (const { leadid } of pairs) expect(await jobOf(leadid)).toBe(title);
    }
    await world.setting('dynamics', { touchAfterWrite: false });
  });
});

describe('A used-up daily quota', () => {
  it('fails the step at once, and what was decided goes out once it is filled again', async () => {
    const [pair] = await twoPairs();
    if (pair === undefined) throw new Error('no pair');
    await world.doors.editRow('leads', pair.leadid, { jobtitle: 'CEO' });
    await world.fault('marketo', { ...SYNC_PERSONS, kind: 'code', code: '607' });
    await expect(world.cycle()).rejects.toMatchObject({ type: 'QuotaExhausted' });
    await world.settled();
    expect(await titleOf(pair.marketoId)).toBe('CEO');
  });
});
