import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPerson } from '../../activities/create-person.js';
import { recordOutcome } from '../../activities/record-outcome.js';
import { elapse } from '../support/elapse.js';
import { newEmail } from '../support/groups.js';
import { startScopedWorld } from '../support/scope.js';
import { pairsIn } from '../support/scoped-pairs.js';
import { Crash, newAttempt, requestOf, retried, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startScopedWorld();
});
afterEach(() => vi.useRealTimers());
afterAll(() => world.close());

const { hold } = pairsIn(() => world);

/** A person whose request died before or after the call that makes its row, and that is left out of scope since. */
const leftOutMeanwhile = async (died: 'before' | 'after', by: 'flag' | 'hold' = 'flag') => {
  const email = newEmail();
  const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz' }]);
  world.crash('dynamics', died);
  const request = createPerson(world.ports, requestOf(marketoId), newAttempt());
  await expect(request).rejects.toBeInstanceOf(Crash);
  await world.db
    .updateTable('email_claims')
    .set({ held_until: new Date(0) })
    .execute();
  if (by === 'flag') await world.doors.editPerson(marketoId, { syncExcluded: true });
  else await hold({ marketoId });
  return { email, marketoId, reserved: await world.linkOfPerson(marketoId) };
};

const keysOf = async (marketoId: number): Promise<unknown[]> => {
  const { dynamicsId, dynamicsType, dynamicsDeleted } = await world.person(marketoId);
  return [dynamicsId ?? null, dynamicsType ?? null, dynamicsDeleted ?? false];
};

describe('A request for a person that was left out of scope while its row was made', () => {
  it.each(['flag', 'hold'] as const)(
    'finds the row, and writes nothing of the pair before it is back (%s)',
    async (by) => {
      const { marketoId, reserved } = await leftOutMeanwhile('after', by);
      const input = requestOf(marketoId);
      const result = await createPerson(world.ports, input, newAttempt());
      expect(result).toMatchObject({ outcome: 'created', dynamicsId: reserved.dynamicsId });
      await retried((attempt) => recordOutcome(world.ports, { ...input, result }, attempt));
      await world.settled();
      const cause = by === 'flag' ? 'person' : 'hold';
      expect((await world.linkOfPerson(marketoId)).outOfScope).toHaveProperty(cause);
      expect(await keysOf(marketoId)).toEqual([null, null, false]);
    },
  );

  it('does not give up a row that was made while it was asked for', async () => {
    const { email, marketoId, reserved } = await leftOutMeanwhile('before');
    const { dynamics } = world.ports;
    // The call that stalled arrives in its time, and the answer of the read comes when that is over.
    const readRow: typeof dynamics.readRow = async (...asked) => {
      const read = await dynamics.readRow(...asked);
      const made = { leadid: reserved.dynamicsId, lastname: 'Ruiz', emailaddress1: email };
      await world.doors.createRows('leads', [made]);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(reserved.creation?.deadline ?? '') });
      return read;
    };
    const ports = { ...world.ports, dynamics: { ...dynamics, readRow } };
    const request = createPerson(ports, requestOf(marketoId), newAttempt());
    await expect(request).rejects.toMatchObject({ type: 'Busy' });
    vi.useRealTimers();
    expect(await createPerson(world.ports, requestOf(marketoId), newAttempt())).toMatchObject({
      outcome: 'created',
    });
  });

  it('writes the key once the person is back', async () => {
    const { marketoId, reserved } = await leftOutMeanwhile('after');
    await createPerson(world.ports, requestOf(marketoId), newAttempt());
    await world.doors.editPerson(marketoId, { syncExcluded: false });
    await world.settled();
    expect(await keysOf(marketoId)).toEqual([reserved.dynamicsId, 'lead', false]);
  });

  it('tells a person nothing of the row that it had lost before, where no new one was made', async () => {
    const { marketoId, reserved } = await leftOutMeanwhile('before');
    await world.db
      .updateTable('links')
      .set({ stamp: JSON.stringify({ dynamicsDeleted: true }) })
      .where('id', '=', reserved.id)
      .execute();
    // The change feed has told of the flag before there is an end to be told.
    await world.cycle();
    await elapse(world.db, world.ports.timing.dynamicsDeadlineMs);
    expect(await createPerson(world.ports, requestOf(marketoId), newAttempt())).toMatchObject({
      outcome: 'out-of-scope',
    });
    await world.settled();
    expect(await keysOf(marketoId)).toEqual([null, null, false]);
  });
});
