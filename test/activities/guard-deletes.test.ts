import { afterEach, describe, expect, it } from 'vitest';
import { holdRecord, releaseRecord } from '../../client/hold/hold.js';
import { cycle, decide, ended, expireDeltas, guardedPairs, hideRows, PEOPLE } from '../support/guarded.js';
import { leadPairsIn, type Pair } from '../support/pairs.js';
import { startScopedWorld } from '../support/scope.js';
import { mergePersons } from '../support/succession.js';
import type { World } from '../support/world.js';

const HOLD = { since: '2026-11-20T10:00:00.000Z', by: 'ops', note: null };

let world: World;
afterEach(() => world.close());

const pairs = guardedPairs((started) => {
  world = started;
});

const flagged = async (world: World, all: readonly Pair[]): Promise<number> =>
  (await Promise.all(all.map(({ marketoId }) => world.person(marketoId)))).filter(
    ({ dynamicsDeleted }) => dynamicsDeleted === true,
  ).length;

describe('Rows that go missing in Dynamics', () => {
  it('because the role of the sync user lost them are stopped before a person is flagged, and are found again by themselves', async () => {
    const all = await pairs();
    await world.doors.editPerson(all[0]?.marketoId ?? 0, { title: 'Chair' });
    const cure = hideRows(world, () => true);
    await expireDeltas(world);
    const missing = [`deletes dynamics lead * ${String(PEOPLE)} ${String(PEOPLE)}`];
    expect(await cycle(world)).toEqual(missing);
    expect(await cycle(world)).toEqual(missing);
    expect(await flagged(world, all)).toBe(0);
    cure();
    await world.settled();
    expect(await ended(world)).toBe('passed');
    expect(await flagged(world, all)).toBe(0);
    const links = await world.links();
    expect(links.map(({ status }) => status)).toEqual(all.map(() => 'linked'));
    // What was edited meanwhile goes across against what the pair had agreed.
    expect(await world.row('leads', all[0]?.leadid ?? '')).toMatchObject({ jobtitle: 'Chair' });
    expect(await world.duplicates()).toEqual([]);
  });

  it('and are found again go on as on a first link where their person was merged into another meanwhile', async () => {
    const all = await pairs();
    const [first] = all;
    const cure = hideRows(world, () => true);
    await expireDeltas(world);
    expect(await cycle(world)).toHaveLength(1);
    const [winner = 0] = await world.doors.createPersons([{ lastName: 'Ruiz', title: 'Chair' }]);
    await mergePersons(world, winner, [first?.marketoId ?? 0]);
    expect(await cycle(world)).toHaveLength(1);
    await world.doors.editPerson(winner, { title: null });
    cure();
    await world.settled();
    expect(await world.linkOfPerson(winner)).toMatchObject({ status: 'linked', dynamicsId: first?.leadid });
    expect(await world.row('leads', first?.leadid ?? '')).toMatchObject({ jobtitle: 'CTO 0' });
    expect(await world.person(winner)).toMatchObject({ title: 'CTO 0' });
  });

  it('for good flag their persons once people let it', async () => {
    const all = await pairs();
    for (const { leadid } of all.slice(0, 6)) await world.doors.deleteRow('leads', leadid);
    expect(await cycle(world)).toEqual([`deletes dynamics lead * 6 ${String(PEOPLE)}`]);
    expect(await flagged(world, all)).toBe(0);
    await decide(world, 'go-on');
    await world.settled();
    expect(await flagged(world, all)).toBe(6);
  });

  it('whose persons are on hold stop nothing before they are released', async () => {
    const all = await pairs();
    const gone = all.slice(0, 6);
    for (const { marketoId } of gone) await holdRecord(world.db, { marketoId }, HOLD);
    for (const { leadid } of gone) await world.doors.deleteRow('leads', leadid);
    expect(await cycle(world)).toBeUndefined();
    expect(await flagged(world, all)).toBe(0);
    for (const { marketoId } of gone) await releaseRecord(world.db, { marketoId });
    expect(await cycle(world)).toEqual([`deletes dynamics lead * 6 ${String(PEOPLE)}`]);
    await decide(world, 'go-on');
    await world.settled();
    expect(await flagged(world, all)).toBe(6);
  });

  it('for good flag nobody where people discard it; those that are there go on', async () => {
    const all = await pairs();
    for (const { leadid } of all.slice(0, 6)) await world.doors.deleteRow('leads', leadid);
    const cure = hideRows(world, () => true);
    await expireDeltas(world);
    await world.cycle();
    cure();
    await decide(world, 'discard');
    await world.settled();
    expect(await ended(world)).toBe('discarded');
    expect(await flagged(world, all)).toBe(0);
    const statuses = (await world.links()).map(({ status }) => status);
    expect(statuses.filter((status) => status === 'linked')).toHaveLength(PEOPLE - 6);
    expect(statuses.filter((status) => status === 'ended')).toHaveLength(6);
    await world.doors.editPerson(all[10]?.marketoId ?? 0, { title: 'Chair' });
    await world.settled();
    expect(await world.row('leads', all[10]?.leadid ?? '')).toMatchObject({ jobtitle: 'Chair' });
  });
});

describe('Persons that go missing in Marketo', () => {
  it('stop the cycle, and leave their tombstones once people let it', async () => {
    const all = await pairs();
    for (const { marketoId } of all.slice(0, 6)) await world.doors.deletePerson(marketoId);
    expect(await cycle(world)).toEqual([`deletes marketo lead * 6 ${String(PEOPLE)}`]);
    expect(await cycle(world)).toHaveLength(1);
    await decide(world, 'go-on');
    await world.settled();
    const statuses = (await world.links()).map(({ status }) => status);
    expect(statuses.filter((status) => status === 'tombstone')).toHaveLength(6);
    expect(await cycle(world)).toBeUndefined();
  });

  it('and were only out of sight go on with what they had agreed', async () => {
    const all = await pairs();
    const { marketo } = world.ports;
    const sighted = { ...marketo };
    const links = await world.links();
    for (const link of links)
      await world.db.updateTable('links').set({ reread_marketo: true }).where('id', '=', link.id).execute();
    const blind = { readPersons: () => Promise.resolve({ persons: [], unaskable: [] }) };
    Object.assign(marketo, blind);
    await world.doors.editRow('leads', all[0]?.leadid ?? '', { jobtitle: 'Chair' });
    expect(await cycle(world)).toEqual([`deletes marketo lead * ${String(PEOPLE)} ${String(PEOPLE)}`]);
    Object.assign(marketo, sighted);
    await world.cycle();
    await world.settled();
    expect(await ended(world)).toBe('passed');
    expect((await world.links()).map(({ status }) => status)).toEqual(all.map(() => 'linked'));
    expect(await world.person(all[0]?.marketoId ?? 0)).toMatchObject({ title: 'Chair' });
  });
});

describe('Tombstones of persons that went in small numbers', () => {
  it('stop nothing when what left them out of scope ends for many at once', async () => {
    world = await startScopedWorld();
    const guard = { clears: 0.1, deletes: 0.1, writes: 0.5, sameValue: 0.25, atLeast: 5 };
    Object.assign(world.ports, { guard });
    const all = await leadPairsIn(() => world)(14);
    const [held, rows, ...persons] = [0, 3, 6, 9].map((from) => all.slice(from, from + 3));
    const hold = { since: new Date().toISOString(), by: 'ana', note: null };
    for (const { marketoId } of held ?? []) await holdRecord(world.db, { marketoId }, hold);
    for (const { leadid } of rows ?? [])
      await world.doors.editRow('leads', leadid, { new_synctomkto: false });
    for (const { marketoId } of persons.flat())
      await world.doors.editPerson(marketoId, { syncExcluded: true });
    await world.settled();
    for (const wave of [held, rows, ...persons]) {
      for (const { marketoId } of wave ?? []) await world.doors.deletePerson(marketoId);
      expect(await cycle(world)).toBeUndefined();
    }
    for (const { marketoId } of held ?? []) await releaseRecord(world.db, { marketoId });
    for (const { leadid } of rows ?? []) await world.doors.editRow('leads', leadid, { new_synctomkto: true });
    expect(await cycle(world)).toBeUndefined();
    Object.assign(world.ports, { scope: {} });
    expect(await cycle(world)).toBeUndefined();
    const links = await world.links();
    expect(links.filter(({ status }) => status === 'tombstone')).toHaveLength(12);
    expect(links.filter(({ outOfScope }) => outOfScope?.hold ?? outOfScope?.person)).toEqual([]);
  });
});
