import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchDynamics } from '../../activities/fetch-dynamics.js';
import { decisionsOf } from '../../store/ledger.js';
import {
  blankTitles,
  cycle,
  decide,
  expireDeltas,
  guardedPairs,
  hideRows,
  titles,
} from '../support/guarded.js';
import type { Pair } from '../support/pairs.js';
import { setPlugIns } from '../support/rejections.js';
import { retried, type World } from '../support/world.js';

let world: World;
let all: readonly Pair[];
let first: Pair;

const pairs = guardedPairs((started) => {
  world = started;
});

beforeEach(async () => {
  all = await pairs();
  first = all[0] ?? { leadid: '', marketoId: 0 };
});
afterEach(() => world.close());

const told = async (): Promise<number> =>
  (await world.db.selectFrom('activity_entries').select('id').execute()).length;

/** What the ledger says of the title of the first pair. */
const titleDecisions = async () => {
  const { id } = await world.linkOfPerson(first.marketoId);
  const decisions = await decisionsOf(world.db, [id], 100);
  return decisions.filter(({ field }) => field === 'title');
};

/** The table is read before Marketo's log is: both are read side by side. */
const readTable = (): Promise<unknown> =>
  retried((attempt) =>
    fetchDynamics(world.ports, 'lead', { cycle: 0, at: new Date().toISOString() }, attempt),
  );

/** Rows go out of sight, which stops the cycle; returns the cure. */
const loseRows = async (isHidden: (id: string) => boolean = () => true): Promise<() => void> => {
  const cure = hideRows(world, isHidden);
  await expireDeltas(world);
  await readTable();
  return cure;
};

const comeBack = async (cure: () => void): Promise<void> => {
  expect(await cycle(world)).toHaveLength(1);
  cure();
  await world.settled();
  expect((await world.links()).map(({ status }) => status)).toEqual(all.map(() => 'linked'));
};

/** Pairs whose titles were cleared in Dynamics, which people gave up; with what their persons held before. */
const discardedBlanks = async () => {
  const some = all.slice(0, 6);
  const before = await titles(world, some);
  await blankTitles(world, some);
  expect(await cycle(world)).toHaveLength(1);
  await decide(world, 'discard');
  await world.settled();
  return { some, before };
};

describe('A pair whose row was out of sight for a while', () => {
  it('leaves alone what people gave up', async () => {
    const { some, before } = await discardedBlanks();
    const hidden = new Set(all.slice(3, 13).map(({ leadid }) => leadid));
    await comeBack(await loseRows((id) => hidden.has(id)));
    expect(await titles(world, some)).toEqual(before);
  });

  it('is told no second time what was refused', async () => {
    const rule = { table: 'lead', column: 'jobtitle', contains: 'Robot', message: 'No robots.' };
    await setPlugIns(world.dataverse, [rule]);
    await world.doors.editPerson(first.marketoId, { title: 'Robot' });
    await world.settled();
    expect(await told()).toBe(1);
    await comeBack(await loseRows());
    expect(await told()).toBe(1);
    await setPlugIns(world.dataverse, []);
    await world.doors.editPerson(first.marketoId, { title: 'Robot 2' });
    await world.settled();
    expect(await world.row('leads', first.leadid)).toMatchObject({ jobtitle: 'Robot 2' });
  });

  it("knows a write of its own, and takes it for nobody's edit", async () => {
    await world.doors.editRow('leads', first.leadid, { jobtitle: 'Boss' });
    await world.cycle();
    const cure = await loseRows();
    await world.doors.editRow('leads', first.leadid, { jobtitle: 'Chair' });
    await comeBack(cure);
    expect(await world.row('leads', first.leadid)).toMatchObject({ jobtitle: 'Chair' });
    expect(await world.person(first.marketoId)).toMatchObject({ title: 'Chair' });
    expect((await titleDecisions()).map(({ rule }) => rule)).toEqual(['one-sided', 'one-sided']);
  });

  it('gives back an edit that a write of its own had covered', async () => {
    const type = () => world.doors.editPerson(first.marketoId, { title: 'Chief' });
    await world.doors.editRow('leads', first.leadid, { jobtitle: 'Boss' });
    await world.cycle({ resolved: () => type().then(() => undefined) });
    expect(await world.person(first.marketoId)).toMatchObject({ title: 'Boss' });
    await comeBack(await loseRows());
    expect(await world.person(first.marketoId)).toMatchObject({ title: 'Chief' });
    expect(await world.row('leads', first.leadid)).toMatchObject({ jobtitle: 'Chief' });
  });
});

describe('A pair whose person was out of sight for a while', () => {
  it('leaves alone what people gave up', async () => {
    const { some, before } = await discardedBlanks();
    const { marketo } = world.ports;
    const sighted = { ...marketo };
    await world.db.updateTable('links').set({ reread_marketo: true }).execute();
    Object.assign(marketo, { readPersons: () => Promise.resolve({ persons: [], unaskable: [] }) });
    await comeBack(() => Object.assign(marketo, sighted));
    expect(await titles(world, some)).toEqual(before);
  });
});

describe('A pair that has ended for good', () => {
  it('keeps nothing of what was under way, and its refusals are closed', async () => {
    const rule = { table: 'lead', column: 'jobtitle', contains: 'Robot', message: 'No robots.' };
    await setPlugIns(world.dataverse, [rule]);
    await world.doors.editPerson(first.marketoId, { title: 'Robot' });
    await world.doors.editRow('leads', first.leadid, { address1_city: 'Bergen' });
    await world.cycle();
    await world.doors.deleteRow('leads', first.leadid);
    await world.settled();
    const over = { status: 'ended', stamp: null, writes: [], overtaken: {}, parked: {} };
    const ended = (await world.links()).filter(({ marketoId }) => marketoId === first.marketoId);
    expect(ended).toMatchObject([over]);
    const open = world.db.selectFrom('rejections').select('id').where('closed_at', 'is', null);
    expect(await open.execute()).toEqual([]);
  });
});
