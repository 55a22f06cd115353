import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendEntries } from '../../activities/log-rejections.js';
import type { Ports } from '../../activities/settings.js';
import { readStoreStatus } from '../../client/status/store-status.js';
import { enqueueActivityEntries } from '../../store/rejections.js';
import { elapse } from '../support/elapse.js';
import { newAttempt, startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const MINUTE = 60_000;

/** Entries for new persons that wait to be written, by person. */
const entries = async (count: number): Promise<number[]> => {
  const people = await world.doors.createPersons(
    Array.from({ length: count }, () => ({ email: `${randomUUID()}@example.com` })),
  );
  await enqueueActivityEntries(
    world.db,
    people.map((marketoId) => ({
      ...{ id: randomUUID(), linkId: null, marketoId, type: 'syncPerson', primaryValue: String(marketoId) },
      ...{ attributes: { outcome: 'ambiguous' }, at: new Date().toISOString() },
    })),
  );
  return people;
};

/** Marketo skips the entries of these persons. */
const skipping = (code: string, persons: readonly number[], asked: number[] = []): Ports => {
  const { marketo } = world.ports;
  const addActivities: typeof marketo.addActivities = async (activities, signal) => {
    asked.push(...activities.map(({ marketoId }) => marketoId));
    const isBad = ({ marketoId }: { readonly marketoId: number }): boolean => persons.includes(marketoId);
    const good = activities.filter((each) => !isBad(each));
    const added = good.length === 0 ? [] : await marketo.addActivities(good, signal);
    return activities.flatMap((each) =>
      isBad(each) ? { status: 'skipped' as const, code, message: '' } : (added.shift() ?? []),
    );
  };
  return { ...world.ports, marketo: { ...marketo, addActivities } };
};

const stateOf = async (marketoId: number): Promise<string | undefined> => {
  const found = world.db.selectFrom('activity_entries').select('state').where('marketo_id', '=', marketoId);
  return (await found.executeTakeFirst())?.state;
};

describe('A log entry that Marketo skips', () => {
  it('because its activity type is gone is tried again every hour, and stands in status until then', async () => {
    const [one = 0, other = 0] = await entries(2);
    const asked: number[] = [];
    const ports = skipping('1013', [one], asked);
    await sendEntries(ports, newAttempt());
    expect([await stateOf(one), await stateOf(other)]).toEqual(['pending', 'logged']);
    expect((await readStoreStatus(world.db, 'test')).pendingEntries).toBe(1);
    await elapse(world.db, 30 * MINUTE);
    await sendEntries(ports, newAttempt());
    expect(asked.filter((id) => id === one)).toHaveLength(1);
    await elapse(world.db, 31 * MINUTE);
    await sendEntries(ports, newAttempt());
    expect(asked.filter((id) => id === one)).toHaveLength(2);
    await elapse(world.db, 61 * MINUTE);
    await sendEntries(world.ports, newAttempt());
    expect(await stateOf(one)).toBe('logged');
  });

  it('for a reason that passes is tried again soon', async () => {
    const [one = 0] = await entries(1);
    await sendEntries(skipping('1022', [one]), newAttempt());
    expect(await stateOf(one)).toBe('pending');
    await elapse(world.db, 3 * MINUTE);
    await sendEntries(world.ports, newAttempt());
    expect(await stateOf(one)).toBe('logged');
  });

  it('holds up no other, however many there are', async () => {
    const all = await entries(300);
    const asked: number[] = [];
    const ports = skipping('1013', all, asked);
    await sendEntries(ports, newAttempt());
    const [late = 0] = await entries(1);
    await sendEntries(ports, newAttempt());
    expect(await stateOf(late)).toBe('logged');
    expect(asked).toHaveLength(301);
    await elapse(world.db, 61 * MINUTE);
    await sendEntries(world.ports, newAttempt());
    expect(await stateOf(all[0] ?? 0)).toBe('logged');
  });

  it('because its person is gone is given up', async () => {
    const [gone = 0] = await entries(1);
    await world.doors.deletePerson(gone);
    await sendEntries(world.ports, newAttempt());
    expect(await stateOf(gone)).toBe('abandoned');
  });
});
