import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, describe, expect, it } from 'vitest';
import type { CycleRef } from '../../activities/contract.js';
import { begin, complete, followAndOpen } from '../../activities/cycle.js';
import { fetchMarketo } from '../../activities/fetch-marketo.js';
import { createCycleActivities } from '../../activities/index.js';
import { lastStop, openStop } from '../../store/guard-stops.js';
import {
  blankTitles,
  configOf,
  cycle,
  decide,
  ended,
  guardedPairs,
  PEOPLE,
  titles,
  told,
  untouched,
} from '../support/guarded.js';
import { Crash, startWorld, type World } from '../support/world.js';

let world: World;
afterEach(() => world.close());

const pairs = guardedPairs((started) => {
  world = started;
});

describe('A column that is blanked everywhere in Dynamics', () => {
  it('stops before one clear is pushed, stays stopped, and loses no edit meanwhile', async () => {
    const all = await pairs();
    const before = await titles(world, all);
    await blankTitles(world, all);
    const reason = [`clears dynamics lead title ${String(PEOPLE)} ${String(PEOPLE)}`];
    expect(await cycle(world)).toEqual(reason);
    await world.doors.editPerson(all[0]?.marketoId ?? 0, { city: 'Bergen' });
    const { stopped } = await world.cycle();
    expect(told(stopped)).toEqual(reason);
    const stop = await openStop(world.db);
    expect(stop).toMatchObject({ firstCycle: stopped?.since, lastCycle: (stopped?.since ?? 0) + 1 });
    expect(stop?.reasons[0]?.examples).toHaveLength(5);
    expect(await titles(world, all)).toEqual(before);
    expect(await untouched(world)).toBe(true);
    await decide(world, 'go-on');
    expect(await cycle(world)).toBeUndefined();
    expect(await titles(world, all)).toEqual(all.map(() => null));
    expect(await world.row('leads', all[0]?.leadid ?? '')).toMatchObject({ address1_city: 'Bergen' });
    expect(await ended(world)).toBe('went-on');
  });

  it('passes by itself once somebody has put the values back', async () => {
    const all = await pairs();
    await blankTitles(world, all);
    expect(await cycle(world)).toHaveLength(1);
    for (const [index, { leadid }] of all.entries())
      await world.doors.editRow('leads', leadid, { jobtitle: `CTO ${String(index)}` });
    expect(await cycle(world)).toBeUndefined();
    expect(await ended(world)).toBe('passed');
    expect(await untouched(world)).toBe(true);
  });

  it('is stopped again when more comes than was let through', async () => {
    const all = await pairs();
    await blankTitles(world, all.slice(0, 8));
    expect(await cycle(world)).toEqual([`clears dynamics lead title 8 ${String(PEOPLE)}`]);
    await blankTitles(world, all.slice(8));
    await decide(world, 'go-on');
    expect(await cycle(world)).toEqual([`clears dynamics lead title ${String(PEOPLE)} ${String(PEOPLE)}`]);
    expect(await openStop(world.db)).toMatchObject({ decision: null });
    expect(await titles(world, all)).not.toContain(null);
  });

  it('goes through with the few that a decision tolerates, and the guard watches again afterwards', async () => {
    const all = await pairs();
    await blankTitles(world, all.slice(0, 8));
    await world.cycle();
    await blankTitles(world, all.slice(8, 10));
    await decide(world, 'go-on');
    expect(await cycle(world)).toBeUndefined();
    expect((await titles(world, all)).filter((title) => title === null)).toHaveLength(10);
    await blankTitles(world, all.slice(10));
    expect(await cycle(world)).toEqual([`clears dynamics lead title 10 ${String(PEOPLE)}`]);
  });

  it.each([
    ['failed', null],
    ['completed', '2026-11-24T06:00:00.000Z'],
  ] as const)(
    'goes through in a later cycle when one was cut off: %s until %s',
    async (outcome, notBefore) => {
      const all = await pairs();
      await blankTitles(world, all);
      await world.cycle();
      await decide(world, 'go-on');
      const { cycle: number } = await begin(world.ports);
      const input = { cycle: number, at: new Date().toISOString() };
      expect(await followAndOpen(world.ports, input, world.attempt())).not.toHaveProperty('stopped');
      await complete(world.ports, { ...input, outcome, counts: {}, notBefore });
      expect(await openStop(world.db)).toMatchObject({ decision: 'go-on', throughCycle: number });
      await world.settled();
      expect(await titles(world, all)).toEqual(all.map(() => null));
      expect(await ended(world)).toBe('went-on');
    },
  );

  it('goes through after a worker was killed between the decision and its last write', async () => {
    const all = await pairs();
    await blankTitles(world, all);
    await world.cycle();
    await decide(world, 'go-on');
    world.crash('marketo', 'before');
    await expect(world.cycle()).rejects.toThrow(Crash);
    expect(await titles(world, all)).not.toContain(null);
    expect(await openStop(world.db)).toMatchObject({ decision: 'go-on' });
    await world.settled();
    expect(await titles(world, all)).toEqual(all.map(() => null));
    expect(await ended(world)).toBe('went-on');
  });
});

describe('Whoever watches the logs', () => {
  it('is told once, when the stop is raised, without a value', async () => {
    const all = await pairs();
    const records = all.map(({ marketoId }) => ({ id: marketoId, title: 'Test' }));
    await world.ports.marketo.syncPersons({ action: 'updateOnly', lookupField: 'id', records });
    const input = { cycle: 900, at: new Date().toISOString() };
    await fetchMarketo(world.ports, input, world.attempt());
    const warned: string[] = [];
    const logger = new DefaultLogger('WARN', ({ message, meta }) => {
      const { cycle: told, reasons } = (meta ?? {}) as Record<string, unknown>;
      warned.push(`${message} ${JSON.stringify({ cycle: told, reasons })}`);
    });
    const activities = createCycleActivities(world.ports);
    for (const cycle of [900, 901]) {
      const environment = new MockActivityEnvironment({}, { logger });
      expect(
        await environment.run((ref: CycleRef) => activities.openChunks(ref), { ...input, cycle }),
      ).toMatchObject({
        stopped: { since: 900 },
      });
    }
    expect(warned).toHaveLength(1);
    expect(warned[0]).toContain('mass change: the cycle pushes nothing');
    expect(warned[0]).toContain('"cycle":900');
    expect(warned[0]).not.toContain('Test');
  });
});

describe('One value everywhere in Marketo, written over its API', () => {
  it('stops before any row gets it, and can be discarded without the other edits', async () => {
    const all = await pairs();
    const some = all.slice(0, 8);
    const records = some.map(({ marketoId }) => ({ id: marketoId, title: 'Test' }));
    await world.ports.marketo.syncPersons({ action: 'updateOnly', lookupField: 'id', records });
    await world.doors.editPerson(all[9]?.marketoId ?? 0, { title: 'Chair' });
    expect(await cycle(world)).toEqual([`sameValue marketo lead title 8 ${String(PEOPLE)}`]);
    expect((await openStop(world.db))?.reasons[0]).toMatchObject({ value: 'Test' });
    expect(JSON.stringify((await world.cycle()).stopped)).not.toContain('Test');
    await decide(world, 'discard');
    await world.settled();
    expect(await world.row('leads', all[0]?.leadid ?? '')).toMatchObject({ jobtitle: 'CTO 0' });
    expect(await world.row('leads', all[9]?.leadid ?? '')).toMatchObject({ jobtitle: 'Chair' });
    expect(await world.person(all[0]?.marketoId ?? 0)).toMatchObject({ title: 'Test' });
  });
});

describe('A runaway writer', () => {
  it('that touches every record in turn fields is stopped', async () => {
    const all = await pairs();
    for (const [index, { marketoId }] of all.entries())
      await world.doors.editPerson(marketoId, { [index % 2 === 0 ? 'title' : 'city']: `x${String(index)}` });
    expect(await cycle(world)).toEqual([`writes marketo lead * ${String(PEOPLE)} ${String(PEOPLE)}`]);
    expect(await untouched(world)).toBe(true);
  });
});

describe('What never stops a cycle', () => {
  it('a newly selected field, however many records hold one', async () => {
    const all = await pairs();
    for (const [index, { leadid }] of all.entries())
      await world.doors.editRow('leads', leadid, { telephone1: `555${String(index)}` });
    await world.settled();
    const choice = { marketo: 'phone', lead: 'telephone1', direction: 'both' as const, consent: false };
    Object.assign(world.ports, { choices: [...world.ports.choices, choice] });
    await world.settled();
    await world.backfill();
    await world.settled();
    expect(await world.person(all[7]?.marketoId ?? 0)).toMatchObject({ phone: '5557' });
    expect(await lastStop(world.db)).toBeUndefined();
  });

  it('anything, where the guard is off; a stop from before ends', async () => {
    const all = await pairs();
    await blankTitles(world, all);
    expect(await cycle(world)).toHaveLength(1);
    Object.assign(world.ports, { guard: null });
    expect(await cycle(world)).toBeUndefined();
    expect(await ended(world)).toBe('switched-off');
    expect(await titles(world, all)).toEqual(all.map(() => null));
  });

  it('a measure that is off, while the others watch', async () => {
    const all = await pairs('{ clears: off, writes: off, atLeast: 5 }');
    await blankTitles(world, all);
    expect(await cycle(world)).toBeUndefined();
    for (const { marketoId } of all) await world.doors.editPerson(marketoId, { title: 'Test' });
    expect(await cycle(world)).toHaveLength(1);
  });

  it('a request on demand, while the cycle is stopped', async () => {
    const all = await pairs();
    await blankTitles(world, all);
    expect(await cycle(world)).toHaveLength(1);
    const [marketoId = 0] = await world.doors.createPersons([{ lastName: 'Ito', email: 'ito@example.com' }]);
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
    expect(await cycle(world)).toHaveLength(1);
  });
});

describe('The first load of an installation', () => {
  it('of 2,000 people on both sides that differ in everything passes without a question', async () => {
    const persons = Array.from({ length: 2_000 }, (_, index) => ({
      lastName: 'Ruiz',
      email: `${String(index)}@example.com`,
      title: 'Marketo',
      city: null,
    }));
    const leads = persons.map(({ email }, index) => ({
      leadid: randomUUID(),
      lastname: index % 2 === 0 ? 'Ruiz' : 'Ito',
      emailaddress1: email,
      jobtitle: index % 3 === 0 ? null : 'Dynamics',
      address1_city: 'Oslo',
    }));
    world = await startWorld({ persons, leads, config: configOf('{}') });
    await world.settled();
    expect(await lastStop(world.db)).toBeUndefined();
    const links = await world.links();
    expect(links.filter(({ status }) => status === 'linked')).toHaveLength(2_000);
    expect(await world.row('leads', leads[0]?.leadid ?? '')).toMatchObject({ jobtitle: 'Marketo' });
  });
});
