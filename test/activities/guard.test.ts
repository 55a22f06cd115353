import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, describe, expect, it } from 'vitest';
import { Crash, startWorld, type World } from '../support/world.js';
import { decideStop, lastStop, openStop, type GuardDecision } from '../../store/guard-stops.js';
import { createCycleActivities } from '../../activities/index.js';
import { fetchMarketo } from '../../activities/fetch-marketo.js';
import type { Stopped } from '../../activities/contract.js';
import { explainRecord } from '../../client/why/read.js';

let world: World;
afterEach(() => world.close());

const PEOPLE = 20;

const configOf = (guard: string, more = '') => `fields:
  - { marketo: lastName, lead: lastname, contact: lastname }
  - { marketo: email, lead: emailaddress1, contact: emailaddress1 }
  - { marketo: title, lead: jobtitle, contact: jobtitle }
  - { marketo: city, lead: address1_city }
${more}guard: ${guard}
`;

interface Pair {
  readonly leadid: string;
  readonly marketoId: number;
}

/** Twenty leads with their persons, at rest, under a guard that watches from five records on. */
const pairs = async (guard = '{ atLeast: 5 }'): Promise<Pair[]> => {
  const leads = Array.from({ length: PEOPLE }, (_, index) => ({
    leadid: randomUUID(),
    lastname: `Ruiz ${String(index)}`,
    jobtitle: `CTO ${String(index)}`,
    address1_city: `Oslo ${String(index)}`,
    emailaddress1: `${String(index)}@example.com`,
  }));
  world = await startWorld({ leads, config: configOf(guard) });
  await world.settled();
  await world.calls();
  const links = await world.links();
  return leads.map(({ leadid }) => ({
    leadid,
    marketoId: links.find(({ dynamicsId }) => dynamicsId === leadid)?.marketoId ?? 0,
  }));
};

const told = (stopped: Stopped | undefined): string[] | undefined =>
  stopped?.reasons.map(({ measure, from, kind, field, count, of }) =>
    [measure, from, kind, field ?? '*', count, of].join(' '),
  );

const cycle = async (): Promise<string[] | undefined> => told((await world.cycle()).stopped);

const decide = async (decision: GuardDecision): Promise<void> => {
  const stop = await openStop(world.db);
  expect(await decideStop(world.db, stop?.id ?? 0, decision, 'a test')).toBe(true);
};

/** How the last stop ended; undefined while it is open or where there was none. */
const ended = async () => (await lastStop(world.db))?.outcome ?? undefined;

/** True if no record of either side was written since the last look. */
const untouched = async (): Promise<boolean> => {
  const { marketo, dynamics } = await world.calls();
  const writes = /^(POST \/rest\/v1\/leads|PATCH )/;
  return ![...Object.keys(marketo), ...Object.keys(dynamics)].some((call) => writes.test(call));
};

const blankTitles = async (some: readonly Pair[]): Promise<void> => {
  for (const { leadid } of some) await world.doors.editRow('leads', leadid, { jobtitle: null });
};

const titles = async (all: readonly Pair[]): Promise<unknown[]> =>
  Promise.all(all.map(async ({ marketoId }) => (await world.person(marketoId))['title']));

/** From now on rows are out of sight, one and all or some, as they are for a user whose role lost them; returns the cure. */
const hideRows = (isHidden: (id: string) => boolean): (() => void) => {
  const { dynamics } = world.ports;
  const { changes, readRows } = dynamics;
  const blind: Partial<typeof dynamics> = {
    changes: async function* (...args) {
      for await (const page of changes(...args))
        yield { ...page, rows: page.rows.filter(({ id }) => !isHidden(id)) };
    },
    readRows: async (...args) => (await readRows(...args)).filter(({ id }) => !isHidden(id)),
  };
  Object.assign(dynamics, blind);
  return () => Object.assign(dynamics, { changes, readRows });
};

const expireDeltas = () => fetch(`${world.dataverse}/admin/delta/expire`, { method: 'POST' });

const flagged = async (all: readonly Pair[]): Promise<number> =>
  (await Promise.all(all.map(({ marketoId }) => world.person(marketoId)))).filter(
    ({ dynamicsDeleted }) => dynamicsDeleted === true,
  ).length;

describe('A column that is blanked everywhere in Dynamics', () => {
  it('stops before one clear is pushed, stays stopped, and loses no edit meanwhile', async () => {
    const all = await pairs();
    const before = await titles(all);
    await blankTitles(all);
    const reason = [`clears dynamics lead title ${String(PEOPLE)} ${String(PEOPLE)}`];
    expect(await cycle()).toEqual(reason);
    await world.doors.editPerson(all[0]?.marketoId ?? 0, { city: 'Bergen' });
    const { stopped } = await world.cycle();
    expect(told(stopped)).toEqual(reason);
    const stop = await openStop(world.db);
    expect(stop).toMatchObject({ firstCycle: stopped?.since, lastCycle: (stopped?.since ?? 0) + 1 });
    expect(stop?.reasons[0]?.examples).toHaveLength(5);
    expect(await titles(all)).toEqual(before);
    expect(await untouched()).toBe(true);
    await decide('go-on');
    expect(await cycle()).toBeUndefined();
    expect(await titles(all)).toEqual(all.map(() => null));
    expect(await world.row('leads', all[0]?.leadid ?? '')).toMatchObject({ address1_city: 'Bergen' });
    expect(await ended()).toBe('went-on');
  });

  it('passes by itself once somebody has put the values back', async () => {
    const all = await pairs();
    await blankTitles(all);
    expect(await cycle()).toHaveLength(1);
    for (const [index, { leadid }] of all.entries())
      await world.doors.editRow('leads', leadid, { jobtitle: `CTO ${String(index)}` });
    expect(await cycle()).toBeUndefined();
    expect(await ended()).toBe('passed');
    expect(await untouched()).toBe(true);
  });

  it('is stopped again when more comes than was let through', async () => {
    const all = await pairs();
    await blankTitles(all.slice(0, 8));
    expect(await cycle()).toEqual([`clears dynamics lead title 8 ${String(PEOPLE)}`]);
    await blankTitles(all.slice(8));
    await decide('go-on');
    expect(await cycle()).toEqual([`clears dynamics lead title ${String(PEOPLE)} ${String(PEOPLE)}`]);
    expect(await openStop(world.db)).toMatchObject({ decision: null });
    expect(await titles(all)).not.toContain(null);
  });

  it('goes through with the few that a decision tolerates, and the guard watches again afterwards', async () => {
    const all = await pairs();
    await blankTitles(all.slice(0, 8));
    await world.cycle();
    await blankTitles(all.slice(8, 10));
    await decide('go-on');
    expect(await cycle()).toBeUndefined();
    expect((await titles(all)).filter((title) => title === null)).toHaveLength(10);
    await blankTitles(all.slice(10));
    expect(await cycle()).toEqual([`clears dynamics lead title 10 ${String(PEOPLE)}`]);
  });

  it('goes through after a worker was killed between the decision and its last write', async () => {
    const all = await pairs();
    await blankTitles(all);
    await world.cycle();
    await decide('go-on');
    world.crash('marketo', 'before');
    await expect(world.cycle()).rejects.toThrow(Crash);
    expect(await titles(all)).not.toContain(null);
    expect(await openStop(world.db)).toMatchObject({ decision: 'go-on' });
    await world.settled();
    expect(await titles(all)).toEqual(all.map(() => null));
    expect(await ended()).toBe('went-on');
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
      warned.push(`${message} ${JSON.stringify({ cycle: meta?.['cycle'], reasons: meta?.['reasons'] })}`);
    });
    const { openChunks } = createCycleActivities(world.ports);
    for (const cycle of [900, 901]) {
      const environment = new MockActivityEnvironment({}, { logger });
      expect(await environment.run(openChunks, { ...input, cycle })).toMatchObject({
        stopped: { since: 900 },
      });
    }
    expect(warned).toHaveLength(1);
    expect(warned[0]).toContain('mass change: the cycle pushes nothing');
    expect(warned[0]).toContain('"cycle":900');
    expect(warned[0]).not.toContain('Test');
  });
});

describe('A change that is discarded', () => {
  it('leaves both sides as they are, field by field, and lets everything else through', async () => {
    const all = await pairs();
    const before = await titles(all);
    await blankTitles(all);
    await world.doors.editRow('leads', all[3]?.leadid ?? '', { address1_city: 'Bergen' });
    await world.cycle();
    await decide('discard');
    await world.settled();
    expect(await ended()).toBe('discarded');
    expect(await titles(all)).toEqual(before);
    expect(await world.row('leads', all[0]?.leadid ?? '')).toMatchObject({ jobtitle: null });
    expect(await world.person(all[3]?.marketoId ?? 0)).toMatchObject({ city: 'Bergen' });
    const [{ fields } = { fields: [] }] = await explainRecord(
      world.db,
      { marketoId: all[0]?.marketoId ?? 0 },
      'title',
    );
    const stop = await lastStop(world.db);
    expect(fields[0]).toMatchObject({
      state: 'discarded',
      decisions: [{ winner: 'dynamics', discarded: stop?.id }],
    });
  });

  it('is tried again for a record as soon as one of its values moves', async () => {
    const all = await pairs();
    await blankTitles(all);
    await world.cycle();
    await decide('discard');
    await world.settled();
    await world.doors.editRow('leads', all[0]?.leadid ?? '', { jobtitle: 'CEO' });
    await world.doors.editPerson(all[1]?.marketoId ?? 0, { title: 'Chair' });
    await world.settled();
    expect(await world.person(all[0]?.marketoId ?? 0)).toMatchObject({ title: 'CEO' });
    expect(await world.row('leads', all[1]?.leadid ?? '')).toMatchObject({ jobtitle: 'Chair' });
  });
});

describe('One value everywhere in Marketo, written over its API', () => {
  it('stops before any row gets it, and can be discarded without the other edits', async () => {
    const all = await pairs();
    const some = all.slice(0, 8);
    const records = some.map(({ marketoId }) => ({ id: marketoId, title: 'Test' }));
    await world.ports.marketo.syncPersons({ action: 'updateOnly', lookupField: 'id', records });
    await world.doors.editPerson(all[9]?.marketoId ?? 0, { title: 'Chair' });
    expect(await cycle()).toEqual([`sameValue marketo lead title 8 ${String(PEOPLE)}`]);
    expect((await openStop(world.db))?.reasons[0]).toMatchObject({ value: 'Test' });
    expect(JSON.stringify((await world.cycle()).stopped)).not.toContain('Test');
    await decide('discard');
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
    expect(await cycle()).toEqual([`writes marketo lead * ${String(PEOPLE)} ${String(PEOPLE)}`]);
    expect(await untouched()).toBe(true);
  });
});

describe('Rows that go missing in Dynamics', () => {
  it('because the role of the sync user lost them are stopped before a person is flagged, and are found again by themselves', async () => {
    const all = await pairs();
    await world.doors.editPerson(all[0]?.marketoId ?? 0, { title: 'Chair' });
    const cure = hideRows(() => true);
    await expireDeltas();
    const missing = [`deletes dynamics lead * ${String(PEOPLE)} ${String(PEOPLE)}`];
    expect(await cycle()).toEqual(missing);
    expect(await cycle()).toEqual(missing);
    expect(await flagged(all)).toBe(0);
    cure();
    await world.settled();
    expect(await ended()).toBe('passed');
    expect(await flagged(all)).toBe(0);
    const links = await world.links();
    expect(links.map(({ status }) => status)).toEqual(all.map(() => 'linked'));
    // What was edited meanwhile goes across against what the pair had agreed.
    expect(await world.row('leads', all[0]?.leadid ?? '')).toMatchObject({ jobtitle: 'Chair' });
    expect(await world.duplicates()).toEqual([]);
  });

  it('for good flag their persons once people let it', async () => {
    const all = await pairs();
    for (const { leadid } of all.slice(0, 6)) await world.doors.deleteRow('leads', leadid);
    expect(await cycle()).toEqual([`deletes dynamics lead * 6 ${String(PEOPLE)}`]);
    expect(await flagged(all)).toBe(0);
    await decide('go-on');
    await world.settled();
    expect(await flagged(all)).toBe(6);
  });

  it('for good flag nobody where people discard it; those that are there go on', async () => {
    const all = await pairs();
    for (const { leadid } of all.slice(0, 6)) await world.doors.deleteRow('leads', leadid);
    const cure = hideRows(() => true);
    await expireDeltas();
    await world.cycle();
    cure();
    await decide('discard');
    await world.settled();
    expect(await ended()).toBe('discarded');
    expect(await flagged(all)).toBe(0);
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
    expect(await cycle()).toEqual([`deletes marketo lead * 6 ${String(PEOPLE)}`]);
    expect(await cycle()).toHaveLength(1);
    await decide('go-on');
    await world.settled();
    const statuses = (await world.links()).map(({ status }) => status);
    expect(statuses.filter((status) => status === 'tombstone')).toHaveLength(6);
    expect(await cycle()).toBeUndefined();
  });

  it('and were only out of sight go on with what they had agreed', async () => {
    const all = await pairs();
    const { readPersons } = world.ports.marketo;
    const links = await world.links();
    for (const link of links)
      await world.db.updateTable('links').set({ reread_marketo: true }).where('id', '=', link.id).execute();
    const blind = { readPersons: () => Promise.resolve({ persons: [], unaskable: [] }) };
    Object.assign(world.ports.marketo, blind);
    await world.doors.editRow('leads', all[0]?.leadid ?? '', { jobtitle: 'Chair' });
    expect(await cycle()).toEqual([`deletes marketo lead * ${String(PEOPLE)} ${String(PEOPLE)}`]);
    Object.assign(world.ports.marketo, { readPersons });
    await world.cycle();
    await world.settled();
    expect(await ended()).toBe('passed');
    expect((await world.links()).map(({ status }) => status)).toEqual(all.map(() => 'linked'));
    expect(await world.person(all[0]?.marketoId ?? 0)).toMatchObject({ title: 'Chair' });
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
    expect(await world.person(all[7]?.marketoId ?? 0)).toMatchObject({ phone: '5557' });
    expect(await lastStop(world.db)).toBeUndefined();
  });

  it('anything, where the guard is off; a stop from before ends', async () => {
    const all = await pairs();
    await blankTitles(all);
    expect(await cycle()).toHaveLength(1);
    Object.assign(world.ports, { guard: null });
    expect(await cycle()).toBeUndefined();
    expect(await ended()).toBe('switched-off');
    expect(await titles(all)).toEqual(all.map(() => null));
  });

  it('a measure that is off, while the others watch', async () => {
    const all = await pairs('{ clears: off, writes: off, atLeast: 5 }');
    await blankTitles(all);
    expect(await cycle()).toBeUndefined();
    for (const { marketoId } of all) await world.doors.editPerson(marketoId, { title: 'Test' });
    expect(await cycle()).toHaveLength(1);
  });

  it('a request on demand, while the cycle is stopped', async () => {
    const all = await pairs();
    await blankTitles(all);
    expect(await cycle()).toHaveLength(1);
    const [marketoId = 0] = await world.doors.createPersons([{ lastName: 'Ito', email: 'ito@example.com' }]);
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
    expect(await cycle()).toHaveLength(1);
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
