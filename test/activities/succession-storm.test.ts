import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimsOf, explanationsOf, readAccount } from '../../launch/start/explanations.js';
import { compareSides } from '../../simulators/compare/index.js';
import { FIELD_PAIRS } from '../../simulators/population/index.js';
import { mergePersons, mergeRows, personIds, qualify } from '../support/succession.js';
import { Crash, startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const ROUNDS = 10;
const SEEDS = [36, 103, 204];

/** Numbers from 0 to below 1, the same for a seed each time (mulberry32). */
const randomOf = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** People at work in both systems; what a product refuses (a closed lead, a person that is gone) is not done. */
const peopleOf = (random: () => number) => {
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
  const rows = { leads: [] as string[], contacts: [] as string[] };
  const table = (): 'leads' | 'contacts' => (random() < 0.5 ? 'leads' : 'contacts');
  const title = (): string => `Title ${String(Math.floor(random() * 1_000))}`;
  const create = async (): Promise<void> => {
    const [id, to] = [randomUUID(), table()];
    rows[to].push(id);
    const key = to === 'leads' ? 'leadid' : 'contactid';
    const twin = random() < 0.15 ? pick([...rows.leads, ...rows.contacts]) : undefined;
    await world.doors.createRows(to, [
      { [key]: id, lastname: 'Ruiz', emailaddress1: `${twin ?? id}@example.com` },
    ]);
  };
  const works: (() => Promise<unknown>)[] = [
    create,
    async () => {
      const to = table();
      await world.doors.editRow(to, pick(rows[to]) ?? '', { jobtitle: title() });
    },
    async () => world.doors.editPerson(pick(await personIds(world)) ?? 0, { title: title() }),
    async () => {
      rows.contacts.push(
        await qualify(world, pick(rows.leads) ?? '', random() < 0.6 ? undefined : pick(rows.contacts)),
      );
    },
    async () => {
      const to = table();
      await mergeRows(world, to, { winner: pick(rows[to]) ?? '', loser: pick(rows[to]) ?? '' });
    },
    async () => world.request(pick(await personIds(world)) ?? 0, random() < 0.5 ? 'lead' : 'contact'),
    async () => {
      const ids = await personIds(world);
      await mergePersons(world, pick(ids) ?? 0, [pick(ids) ?? 0]);
    },
    async () => {
      if (random() < 0.5) await world.doors.deletePerson(pick(await personIds(world)) ?? 0);
    },
    async () => {
      const to = table();
      if (random() < 0.5) await world.doors.deleteRow(to, pick(rows[to]) ?? '');
    },
  ];
  return {
    create,
    work: async (): Promise<void> => {
      await pick(works)?.().catch(() => undefined);
    },
  };
};

const cycle = async (random: () => number, work: () => Promise<void>): Promise<void> => {
  const [crashes, meanwhile] = [random() < 0.3, random()];
  if (crashes) world.crash(random() < 0.5 ? 'marketo' : 'dynamics', random() < 0.5 ? 'before' : 'after');
  const between = meanwhile < 0.3 ? { fetched: work } : meanwhile < 0.6 ? { resolved: work } : {};
  await world.cycle(between).catch((error: unknown) => {
    if (!(error instanceof Crash)) throw error;
  });
};

/** At rest; a death that was planned and did not come about yet comes now. */
const calm = async (): Promise<void> => {
  for (const last of [false, false, true]) {
    const died = await world.settled().then(
      () => false,
      (error: unknown) => {
        if (last || !(error instanceof Crash)) throw error;
        return true;
      },
    );
    if (!died) return;
  }
};

describe('People who edit, qualify, merge and delete on both sides, with cycles and crashes between,', () => {
  it.each(SEEDS)('leave both sides in step, and nothing doubled (seed %i)', async (seed) => {
    const random = randomOf(seed);
    const { create, work } = peopleOf(random);
    await world.setting('marketo', { mergeLosersDeleted: random() < 0.5 });
    await world.setting('dynamics', { qualifyFillsParents: random() < 0.5 });
    for (let count = 0; count < 5; count += 1) await create();
    await calm();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let count = 1 + Math.floor(random() * 4); count > 0; count -= 1) await work();
      await cycle(random, work);
    }
    await calm();
    const account = await readAccount(world.db);
    const result = await compareSides({
      ...{ marketo: world.marketo, dataverse: world.dataverse, fields: FIELD_PAIRS },
      ...{ links: claimsOf(account), explained: explanationsOf(account) },
    });
    expect(result.different).toEqual([]);
    expect((await world.duplicates()).filter((key) => key.startsWith('person of row'))).toEqual([]);
  });
});
