import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPerson } from '../../activities/create-person.js';
import { newEmail } from '../support/groups.js';
import { startScopedWorld } from '../support/scope.js';
import { Crash, newAttempt, requestOf, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startScopedWorld();
});
afterEach(() => vi.useRealTimers());
afterAll(() => world.close());

/** A person whose request died before or after the call that makes its row, and that is left out of scope since. */
const leftOutMeanwhile = async (died: 'before' | 'after') => {
  const email = newEmail();
  const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz' }]);
  world.crash('dynamics', died);
  const request = createPerson(world.ports, requestOf(marketoId), newAttempt());
  await expect(request).rejects.toBeInstanceOf(Crash);
  await world.db
    .updateTable('email_claims')
    .set({ held_until: new Date(0) })
    .execute();
  await world.doors.editPerson(marketoId, { syncExcluded: true });
  return { email, marketoId, reserved: await world.linkOfPerson(marketoId) };
};

describe('A request for a person that was left out of scope while its row was made', () => {
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
});
