import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChunk } from '../../activities/chunk/create-chunk.js';
import { recordChunk } from '../../activities/chunk/record-chunk.js';
import { decideSeparate } from '../../client/resolve/decide.js';
import { personsOfChunk } from '../../store/chunks.js';
import { keepChunk, newKeys } from '../support/campaign.js';
import { decider, newEmail, recordsIn } from '../support/groups.js';
import { pairsIn } from '../support/scoped-pairs.js';
import { startScopedWorld } from '../support/scope.js';
import { retried, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startScopedWorld();
});
afterAll(() => world.close());

const keys = newKeys();
const { persons, leads, group } = recordsIn(() => world);
const { hold, pair } = pairsIn(() => world);

/** What a chunk's steps say of each of its persons, in the order of `ids`. */
const inChunk = async (ids: readonly number[]) => {
  const key = await keepChunk(world.db, keys, ids, { callbackUrl: 'https://acme.example/callback' });
  await retried((attempt) => createChunk(world.ports, { key }, attempt));
  await retried((attempt) => recordChunk(world.ports, { key }, attempt));
  const told = new Map(
    (await personsOfChunk(world.db, key)).map((person) => [
      person.marketoId,
      { outcome: person.outcome, kind: person.kind, code: person.code },
    ]),
  );
  return ids.map((id) => told.get(id));
};

const alone = async (id: number) => {
  const { outcome, kind, code } = await world.request(id);
  return { outcome, kind, code };
};

const messageOf = async (marketoId: number): Promise<string | undefined> => {
  const entries = await world.db
    .selectFrom('activity_entries')
    .selectAll()
    .where('marketo_id', '=', marketoId)
    .execute();
  return entries[0]?.attributes['message'];
};

const one = async (email: string | null, values = {}): Promise<number> => {
  const [id = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz', ...values }]);
  return id;
};

const held = async (): Promise<number> => {
  const id = await one(newEmail());
  await hold({ marketoId: id });
  return id;
};

const heldWithRow = async (): Promise<number> => {
  const email = newEmail();
  await leads(email, 1);
  const id = await one(email);
  await hold({ marketoId: id });
  return id;
};

const besideRow = async (values: Readonly<Record<string, unknown>>, email = newEmail()): Promise<number> => {
  await leads(email, 1, values);
  return one(email);
};

const withForeignKey = async (): Promise<number> => {
  const { leadid } = await pair();
  return one(newEmail(), { dynamicsId: leadid });
};

const besideTwin = async (): Promise<number> => one((await pair()).email);

const separated = async (): Promise<number> => {
  const { marketoIds, ids } = await group(1, 2);
  await decideSeparate(world.db, { dynamicsId: ids[0] ?? '' }, decider());
  return marketoIds[0] ?? 0;
};

const separatedAndMoved = async (): Promise<number> => {
  const { email } = await pair();
  const id = await separated();
  await world.doors.editPerson(id, { email });
  return id;
};

/** Those that let a cycle run come first: it would match the records of others. */
const CASES = [
  ['one that carries the id of another person', withForeignKey, 'ambiguous'],
  ['one whose address belongs to another pair', besideTwin, 'refused'],
  ['one that people separated from a row of its address', separated, 'created'],
  ['one that was separated from a row, and has the address of another pair', separatedAndMoved, 'refused'],
  ['a person that its flag leaves out', () => one(newEmail(), { syncExcluded: true }), 'out-of-scope'],
  ['a person on hold', held, 'out-of-scope'],
  ['a person on hold whose row is there', heldWithRow, 'out-of-scope'],
  ['one whose row is left out', () => besideRow({ new_synctomkto: false }), 'out-of-scope'],
  ['one whose row is there', () => besideRow({}), 'linked'],
  ['a comma in the address of a row', () => besideRow({}, `a,${newEmail()}`), 'ambiguous'],
  ['a comma in an address without a row', () => one(`a,${newEmail()}`), 'created'],
  ['one that carries the id of no row', () => one(newEmail(), { dynamicsId: randomUUID() }), 'created'],
  ['one without an address', () => one(null), 'created'],
] as const;

describe('A chunk', () => {
  it('judges each person as a request for it alone does, whoever else is in it', async () => {
    const [singles, members] = [[] as number[], [] as number[]];
    for (const [, make] of CASES) {
      singles.push(await make());
      members.push(await make());
    }
    const answers = await inChunk(members);
    for (const [index, [what, , outcome]] of CASES.entries()) {
      const asked = await alone(singles[index] ?? 0);
      expect({ what, ...asked }).toMatchObject({ what, outcome });
      expect({ what, ...answers[index] }).toEqual({ what, ...asked });
    }
    const twin = CASES.findIndex(([, make]) => make === besideTwin);
    for (const ids of [singles, members])
      expect(await messageOf(ids[twin] ?? 0)).toContain('A lead with this e-mail exists: ');
    await world.settled();
  });

  it('leaves a row to nobody whose address more than 1,000 persons have', async () => {
    const crowd = newEmail();
    for (let made = 0; made < 1_001; made += 300) await persons(crowd, Math.min(300, 1_001 - made));
    const id = await one(crowd);
    await leads(crowd, 1);
    expect(await inChunk([id])).toEqual([{ outcome: 'ambiguous', kind: null, code: null }]);
  });

  it('makes no second row for one whose row a person is on its way to', async () => {
    const email = newEmail();
    const [leadid = ''] = await leads(email, 1);
    await world.settled();
    const { id: linkId } = (await world.links()).find(({ dynamicsId }) => dynamicsId === leadid) ?? { id: 0 };
    const creation = { values: {}, sentAt: new Date().toISOString(), deadline: new Date().toISOString() };
    await world.db
      .updateTable('links')
      .set({ status: 'unmatched', marketo_id: null, creation: JSON.stringify(creation) } as never)
      .where('id', '=', linkId)
      .execute();
    // It carries the row's id, and another address.
    const person = await one(newEmail(), { dynamicsId: leadid });
    const key = await keepChunk(world.db, keys, [person], { callbackUrl: 'https://acme.example/callback' });
    await expect(createChunk(world.ports, { key }, world.attempt())).rejects.toMatchObject({ type: 'Busy' });
    expect((await world.links()).filter(({ marketoId }) => marketoId === person)).toEqual([]);
  });
});
