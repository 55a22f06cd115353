import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPerson } from '../../activities/create-person.js';
import { gatherCalls, gatherEntries } from '../../activities/gathered-calls.js';
import { recordOutcome } from '../../activities/record-outcome.js';
import type { AdminRecord } from '../../simulators/admin-doors.js';
import { newAttempt, requestOf, retried, startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.setting('marketo', { latencyMs: 50 });
  await world.setting('dynamics', {
    executionTakesTime: true,
    executionMsPerRead: 50,
    executionMsPerWrite: 20,
  });
});
afterAll(() => world.close());

const COUNT = 60;

const people = (count: number): AdminRecord[] =>
  Array.from({ length: count }, (_, n) => ({ email: `${randomUUID()}@example.com`, lastName: `Ito ${n}` }));

/** Requests for all of them at once, as a worker of this process makes them. */
const requestAll = async (ids: readonly number[]) => {
  const ports = gatherCalls(world.ports);
  const sendEntries = gatherEntries(ports);
  return Promise.all(
    ids.map(async (marketoId) => {
      const input = requestOf(marketoId);
      const result = await retried((attempt) => createPerson(ports, input, attempt));
      await retried((attempt) => recordOutcome(ports, { ...input, result }, attempt, sendEntries));
      return result;
    }),
  );
};

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.entries(counts).reduce((all, [name, count]) => all + (name.endsWith(' in $batch') ? 0 : count), 0);

describe('Requests for many persons at the same time', () => {
  it('share their calls, and each makes its own row', async () => {
    const input = people(COUNT);
    const ids = await world.doors.createPersons(input);
    await world.calls();
    const results = await requestAll(ids);
    expect(results.map(({ outcome }) => outcome)).toEqual(Array<string>(COUNT).fill('created'));
    const { marketo, dynamics } = await world.calls();
    // Alone each would take three calls of either side; how many they share depends on how close they come.
    expect(sum(marketo)).toBeLessThan(1.5 * COUNT);
    expect(sum(dynamics)).toBeLessThan(1.5 * COUNT);
    for (const [index, { dynamicsId }] of results.entries()) {
      const row = await world.row('leads', dynamicsId ?? '');
      expect([row['emailaddress1'], row['lastname']]).toEqual([
        input[index]?.['email'],
        input[index]?.['lastName'],
      ]);
      expect(await world.person(ids[index] ?? 0)).toMatchObject({ dynamicsId, dynamicsType: 'lead' });
    }
    const entries = await world.db.selectFrom('activity_entries').select('state').execute();
    expect(entries.map(({ state }) => state)).toEqual(Array<string>(COUNT).fill('logged'));
    await world.settled();
    expect(await world.duplicates()).toEqual([]);
  });

  it('find each its own row, tell who is ambiguous, gone or refused, and harm nobody else', async () => {
    const input = people(12);
    input[2] = { ...input[2], title: 'Test Robot' };
    const ids = await world.doors.createPersons(input);
    const [linked = {}, twin = {}] = input;
    const row = (values: AdminRecord) => ({ lastname: 'Ito', emailaddress1: values['email'] ?? null });
    const [rowId] = await world.doors.createRows('contacts', [row(linked)]);
    await world.doors.createRows('leads', [row(twin), row(twin)]);
    const results = await requestAll([...ids, 999_999]);
    expect(results[0]).toMatchObject({ outcome: 'linked', kind: 'contact', dynamicsId: rowId });
    expect(results[1]).toMatchObject({ outcome: 'ambiguous' });
    expect(results[2]).toMatchObject({ outcome: 'refused' });
    expect(results.slice(3, 12).map(({ outcome }) => outcome)).toEqual(Array<string>(9).fill('created'));
    expect(results[12]).toMatchObject({ outcome: 'not-found' });
  });

  it('name the row that is in the way of a new one, as a lone request does', async () => {
    const [values = {}] = people(1);
    const row = { lastname: 'Ruiz', emailaddress1: values['email'] ?? null };
    const [leadid = ''] = await world.doors.createRows('leads', [row]);
    await world.doors.createPersons([values]);
    await world.settled();
    const [marketoId = 0] = await world.doors.createPersons([values]);
    const refused = { kind: 'refuse', status: 412, code: '0x80040333', message: 'A duplicate exists.' };
    await world.fault('dynamics', { method: 'PATCH', path: '/leads(', ...refused });
    const [result] = await requestAll([marketoId]);
    expect(await world.faultsStruck()).toBe(true);
    expect(result).toMatchObject({ outcome: 'refused' });
    const entries = world.db.selectFrom('activity_entries').select('attributes');
    const [entry] = await entries.where('marketo_id', '=', marketoId).execute();
    expect(entry?.attributes['message']).toContain(`A lead with this e-mail exists: ${leadid}.`);
  });

  it('that keep coming do not hold up the outcome of an earlier one', async () => {
    const sendEntries = gatherEntries(world.ports);
    const ids = await world.doors.createPersons(people(30));
    const result = { outcome: 'ambiguous', kind: null, dynamicsId: null, code: null } as const;
    let left = ids.length;
    const leftWhenTold = await Promise.all(
      ids.map(async (marketoId, index) => {
        await sleep(30 * index);
        left -= 1;
        const input = { ...requestOf(marketoId), result };
        await recordOutcome(world.ports, input, newAttempt(), sendEntries);
        return left;
      }),
    );
    // A call takes 50 ms.
    expect(leftWhenTold[0]).toBeGreaterThan(ids.length / 2);
  });

  it('that gave up while they waited are asked nothing', async () => {
    const [id = 0] = await world.doors.createPersons(people(1));
    const ports = gatherCalls(world.ports);
    const attempt = { ...newAttempt(), signal: AbortSignal.abort(new Error('enough')) };
    await world.calls();
    await expect(createPerson(ports, requestOf(id), attempt)).rejects.toThrow('enough');
    expect((await world.calls()).marketo).toEqual({});
  });
});
