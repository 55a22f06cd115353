import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Kind } from '../../rules/terms.js';
import { Crash, type World } from './world.js';

/** A linked pair at rest, whose title is `old` on both sides, with what people do to it. */
export const typedPairIn = (world: () => World) => async (kind: Kind) => {
  const { doors } = world();
  const table = `${kind}s` as const;
  const id = randomUUID();
  const row = { [`${kind}id`]: id, lastname: 'Ruiz', jobtitle: 'old', emailaddress1: `${id}@example.com` };
  await doors.createRows(table, [row]);
  await world().settled();
  const marketoId = (await world().links()).find(({ dynamicsId }) => dynamicsId === id)?.marketoId ?? 0;
  return {
    id,
    marketoId,
    typeInMarketo: (title: string | null) => doors.editPerson(marketoId, { title }),
    typeInDynamics: (jobtitle: string | null) => doors.editRow(table, id, { jobtitle }),
    phoneInMarketo: (phone: string) => doors.editPerson(marketoId, { phone }),
    phoneInDynamics: (telephone1: string) => doors.editRow(table, id, { telephone1 }),
    held: async () => {
      const [person, entry] = await Promise.all([world().person(marketoId), world().row(table, id)]);
      return {
        titles: [person['title'] ?? null, entry['jobtitle'] ?? null],
        phones: [person['phone'] ?? null, entry['telephone1'] ?? null],
      };
    },
  };
};

/** What a pair holds that agrees. */
export const both = (value: string | null) => [value, value];

/** The run ends at its next writing call to this side: the call has its effect, nobody hears of it. */
export const killedIn =
  (world: () => World) =>
  async (side: 'marketo' | 'dynamics', when: 'before' | 'after' = 'after'): Promise<void> => {
    world().crash(side, when);
    await expect(world().cycle()).rejects.toBeInstanceOf(Crash);
  };
