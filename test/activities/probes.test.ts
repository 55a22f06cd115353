import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { holdRecord, releaseRecord } from '../../client/hold/hold.js';
import { leadPairsIn, type Pair } from '../support/pairs.js';
import { rejectionLeaks, setPlugIns, trialsFallDue } from '../support/rejections.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterEach(async () => {
  await world.faultsStruck();
  await setPlugIns(world.dataverse, []);
  await world.setting('marketo', { blockedFields: [] });
  // Each test begins without open refusals.
  for (let hour = 0; hour < 3; hour += 1) {
    await trialsFallDue(world.db);
    await world.settled();
  }
});
afterAll(() => world.close());

const pairs = leadPairsIn(() => world);

const NO_ROBOTS = { table: 'lead', column: 'jobtitle', contains: 'Robot', message: 'No robots.' };

const jobs = (of: readonly Pair[]): Promise<unknown[]> =>
  Promise.all(of.map(async ({ leadid }) => (await world.row('leads', leadid))['jobtitle']));

const rejections = async (of: readonly Pair[]) => {
  const links = (await world.links()).filter(({ marketoId }) =>
    of.some((pair) => pair.marketoId === marketoId),
  );
  return world.db
    .selectFrom('rejections')
    .selectAll()
    .where(
      'link_id',
      'in',
      links.map(({ id }) => id),
    )
    .execute();
};

const logged = async (of: readonly Pair[]): Promise<number[]> => {
  const entries = await world.db.selectFrom('activity_entries').select(['marketo_id', 'state']).execute();
  return of.map(({ marketoId }) => entries.filter((entry) => entry.marketo_id === marketoId).length);
};

/** Rows that a cycle tried to write. */
const attempts = async (): Promise<number> => {
  const response = await fetch(`${world.dataverse}/admin/journal/writes`);
  const { writes } = (await response.json()) as { writes: { by: string }[] };
  await world.calls();
  return writes.filter(({ by }) => by === 'sync').length;
};

describe('A cause that somebody mended in Dynamics', () => {
  it('is found by trying one record an hour, and releases all of its records', async () => {
    const many = await pairs(12);
    await setPlugIns(world.dataverse, [NO_ROBOTS]);
    for (const { marketoId } of many) await world.doors.editPerson(marketoId, { title: 'Robot' });
    await world.settled();
    await attempts();

    // Nothing within the hour.
    await world.cycle();
    expect(await attempts()).toBe(0);

    // One an hour, whatever the number of cycles; it is told no second time, and another one each time.
    const tried = new Set<string>();
    for (let hour = 0; hour < 3; hour += 1) {
      await trialsFallDue(world.db);
      await world.cycle();
      await world.cycle();
      expect(await attempts()).toBe(1);
      const found = await rejections(many);
      expect(found).toHaveLength(12);
      expect(found.every(({ closed_at, on_trial }) => closed_at === null && !on_trial)).toBe(true);
      for (const { id, tried_at } of found) if (tried_at !== null) tried.add(id);
      expect(tried.size).toBe(hour + 1);
    }
    expect(await logged(many)).toEqual(many.map(() => 1));
    expect(await rejectionLeaks(world.db)).toEqual([]);

    await setPlugIns(world.dataverse, []);
    await trialsFallDue(world.db);
    await world.cycle();
    expect((await jobs(many)).filter((job) => job === 'Robot')).toHaveLength(1);
    await world.cycle();
    expect(await jobs(many)).toEqual(many.map(() => 'Robot'));
    await world.settled();
    const closed = await rejections(many);
    expect(closed.every(({ closed_at, passed }) => closed_at !== null && passed)).toBe(true);
    expect(await logged(many)).toEqual(many.map(() => 1));
  });

  it('is found although one record of it is refused for a reason of its own', async () => {
    const three = await pairs(3);
    const [own, ...others] = three;
    if (own === undefined) throw new Error('no pair');
    await setPlugIns(world.dataverse, [NO_ROBOTS]);
    for (const { marketoId } of three) await world.doors.editPerson(marketoId, { title: 'Robot' });
    await world.doors.editPerson(own.marketoId, { title: 'Robot X' });
    await world.settled();
    await setPlugIns(world.dataverse, [{ ...NO_ROBOTS, contains: 'Robot X' }]);
    for (let hour = 0; hour < 3; hour += 1) {
      await trialsFallDue(world.db);
      await world.settled();
    }
    expect(await jobs(others)).toEqual(['Robot', 'Robot']);
    expect(await jobs([own])).toEqual(['CTO']);
    expect(await logged(three)).toEqual([1, 1, 1]);
  });

  it('is not tried with records on hold, which get their try once they are let go', async () => {
    const all = await pairs(4);
    const [free, ...held] = all;
    if (free === undefined) throw new Error('no pair');
    await setPlugIns(world.dataverse, [NO_ROBOTS]);
    for (const { marketoId } of held) await world.doors.editPerson(marketoId, { title: 'Robot' });
    await world.settled();
    await world.doors.editPerson(free.marketoId, { title: 'Robot' });
    await world.settled();
    const hold = { since: new Date().toISOString(), by: 'ana', note: null };
    for (const { marketoId } of held) await holdRecord(world.db, { marketoId }, hold);
    await setPlugIns(world.dataverse, []);
    await trialsFallDue(world.db);
    await world.settled();
    expect(await jobs(all)).toEqual(['Robot', 'CTO', 'CTO', 'CTO']);
    for (const { marketoId } of held) await releaseRecord(world.db, { marketoId });
    await trialsFallDue(world.db);
    await world.settled();
    expect(await jobs(held)).toEqual(['Robot', 'Robot', 'Robot']);
  });

  it('of which a record is refused otherwise now is told anew, and is not taken for mended', async () => {
    const two = await pairs(2);
    await setPlugIns(world.dataverse, [NO_ROBOTS]);
    for (const { marketoId } of two) await world.doors.editPerson(marketoId, { title: 'Robot' });
    await world.settled();
    const other = { kind: 'refuse', status: 400, code: '0x80040203', message: 'Otherwise.' };
    await world.fault('dynamics', { method: 'PATCH', path: '/leads(', ...other });
    await trialsFallDue(world.db);
    await world.settled();
    const open = (await rejections(two)).filter(({ closed_at }) => closed_at === null);
    expect(open.map(({ code }) => code).sort()).toEqual(['0x80040203', '0x80040265']);
    expect((await rejections(two)).some(({ passed }) => passed)).toBe(false);
    expect((await logged(two)).sort()).toEqual([1, 2]);
  });

  it('waits while an edit goes through beside a record on trial', async () => {
    const [pair] = await pairs(1);
    if (pair === undefined) throw new Error('no pair');
    await setPlugIns(world.dataverse, [NO_ROBOTS]);
    await world.doors.editPerson(pair.marketoId, { title: 'Robot' });
    await world.settled();
    await world.doors.editPerson(pair.marketoId, { city: 'Oslo' });
    await trialsFallDue(world.db);
    await world.settled();
    expect(await world.row('leads', pair.leadid)).toMatchObject({ jobtitle: 'CTO', address1_city: 'Oslo' });
    expect(await logged([pair])).toEqual([1]);
  });

  it('is tried once by two workers that come at the same moment', async () => {
    const four = await pairs(4);
    await setPlugIns(world.dataverse, [NO_ROBOTS]);
    for (const { marketoId } of four) await world.doors.editPerson(marketoId, { title: 'Robot' });
    await world.settled();
    await trialsFallDue(world.db);
    const { probe } = await import('../../activities/probe.js');
    const tried = await Promise.all([1, 2, 3].map(() => probe(world.ports, world.attempt())));
    expect(tried.toSorted()).toEqual([0, 0, 1]);
  });
});

describe('A field that Marketo blocks', () => {
  it('is tried again once an hour, told once, and taken once it is open', async () => {
    const two = await pairs(2);
    await world.setting('marketo', { blockedFields: ['title'] });
    for (const { leadid } of two) await world.doors.editRow('leads', leadid, { jobtitle: 'CEO' });
    await world.settled();
    const codes = (await rejections(two)).map(({ code }) => code);
    expect(codes).toEqual(['kept-old-value', 'kept-old-value']);
    await trialsFallDue(world.db);
    await world.settled();
    expect(await rejections(two)).toHaveLength(2);
    expect(await logged(two)).toEqual([1, 1]);
    await world.setting('marketo', { blockedFields: [] });
    for (let hour = 0; hour < 2; hour += 1) {
      await trialsFallDue(world.db);
      await world.settled();
    }
    for (const { marketoId } of two) expect((await world.person(marketoId))['title']).toBe('CEO');
    expect((await rejections(two)).every(({ closed_at }) => closed_at !== null)).toBe(true);
  });
});

describe('A person that Marketo refuses to create', () => {
  it('is tried again once an hour, and created once Marketo takes it', async () => {
    const leadid = randomUUID();
    const email = `${leadid}@example.com`;
    await world.fault('marketo', {
      method: 'POST',
      path: '/v1/leads.json',
      kind: 'code',
      code: '709',
      times: 2,
    });
    await world.doors.createRows('leads', [{ leadid, lastname: 'Ito', emailaddress1: email }]);
    await world.settled();
    const link = async () => (await world.links()).find(({ dynamicsId }) => dynamicsId === leadid);
    expect(await link()).toMatchObject({ status: 'unmatched', creation: null });
    await trialsFallDue(world.db);
    await world.settled();
    expect(await link()).toMatchObject({ status: 'unmatched', creation: null });
    await trialsFallDue(world.db);
    await world.settled();
    expect(await link()).toMatchObject({ status: 'linked', parked: {} });
    const rows = await world.db.selectFrom('rejections').selectAll().where('code', '=', '709').execute();
    expect(rows.map(({ closed_at, passed }) => [closed_at === null, passed])).toEqual([[false, true]]);
  });
});
