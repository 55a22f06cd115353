import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerChunk } from '../../activities/answer-chunk.js';
import { createChunk } from '../../activities/chunk/create-chunk.js';
import { recordChunk } from '../../activities/chunk/record-chunk.js';
import { createPerson } from '../../activities/create-person.js';
import type { AdminRecord } from '../../simulators/admin-doors.js';
import { integrationTeam, people } from '../../simulators/dataverse/rights/people.js';
import { chunkByKey, personsOfChunk } from '../../store/chunks.js';
import {
  callbackPorts,
  keepChunk,
  openCallbackDoor,
  type CallbackDoor,
  type ChunkOptions,
} from '../support/campaign.js';
import { Crash, requestOf, retried, startWorld, type World } from '../support/world.js';

const callbacks = callbackPorts();
let world: World;
let door: CallbackDoor;
beforeAll(async () => {
  [world, door] = await Promise.all([startWorld(), openCallbackDoor()]);
});
afterAll(async () => {
  callbacks.poster.close();
  await Promise.all([world.close(), door.close()]);
});

const newEmail = (): string => `${randomUUID()}@example.com`;

const persons = (count: number, values: AdminRecord = {}): Promise<number[]> =>
  world.doors.createPersons(
    Array.from({ length: count }, () => ({ email: newEmail(), lastName: 'Ito', title: 'CTO', ...values })),
  );

const keep = (ids: readonly number[], options: Partial<ChunkOptions> & { patienceMs?: number } = {}) =>
  keepChunk(world.db, callbacks.keys, ids, { callbackUrl: door.url, ...options });

const ports = () => ({ ...world.ports, callbacks });

const create = (key: string) => retried((attempt) => createChunk(ports(), { key }, attempt));

/** All steps of the chunk's workflow. */
const workOff = async (key: string) => {
  const counts = await create(key);
  await retried((attempt) => recordChunk(ports(), { key }, attempt));
  const { callback } = await retried((attempt) => answerChunk(ports(), { key }, attempt));
  return { counts, callback };
};

const lastCallback = () => door.accepted.at(-1)?.body.objectData ?? [];

const rowsOf = async (ids: readonly number[]): Promise<AdminRecord[]> => {
  const emails = new Set<unknown>(
    await Promise.all(ids.map(async (id) => (await world.person(id))['email'])),
  );
  const found: AdminRecord[] = [];
  for (const table of ['leads', 'contacts'] as const)
    for await (const page of world.doors.rows(table))
      found.push(...page.filter(({ emailaddress1 }) => emails.has(emailaddress1)));
  return found;
};

const logOf = async (ids: readonly number[]): Promise<string[]> => {
  const entries = await world.db
    .selectFrom('activity_entries')
    .selectAll()
    .where('marketo_id', 'in', ids)
    .execute();
  return entries.map(({ state, attributes }) => `${attributes['outcome'] ?? ''} ${state}`);
};

describe('A chunk of a batch campaign', () => {
  it('makes 300 rows with the fewest calls that its steps can do with, and one callback answers everybody', async () => {
    const ids = await persons(300);
    const key = await keep(ids);
    await world.calls();
    expect(await workOff(key)).toEqual({ counts: { created: 300 }, callback: 'accepted' });
    const { marketo, dynamics } = await world.calls();
    // The persons, the key fields, the log. Nobody has to know who else has their e-mails: no row does.
    expect(marketo).toEqual({
      'GET /rest/v1/leads.json': 1,
      'POST /rest/v1/leads.json': 1,
      'POST /rest/v1/activities/external.json': 1,
    });
    // As many e-mails to a read as an address takes, in each table; rows in batches of 40.
    expect(dynamics['POST /api/data/v9.2/$batch']).toBe(8);
    expect(dynamics['GET /api/data/v9.2/leads']).toBeLessThanOrEqual(3);
    expect(dynamics['GET /api/data/v9.2/contacts']).toBeLessThanOrEqual(3);
    expect(await rowsOf(ids)).toHaveLength(300);
    expect(
      lastCallback()
        .map(({ leadData }) => leadData.id)
        .sort((a, b) => a - b),
    ).toEqual(ids);
    const [first] = lastCallback();
    const link = await world.linkOfPerson(first?.leadData.id ?? 0);
    expect(first).toEqual({
      leadData: { id: link.marketoId, dynamicsId: link.dynamicsId, dynamicsType: 'lead' },
      activityData: {
        success: true,
        dynamicsOutcome: 'created',
        dynamicsRecordId: link.dynamicsId,
        dynamicsRecordType: 'lead',
      },
    });
    expect(await world.person(link.marketoId ?? 0)).toMatchObject({
      dynamicsId: link.dynamicsId,
      dynamicsType: 'lead',
    });
    expect(await logOf(ids)).toEqual(Array<string>(300).fill('created logged'));
    await world.settled();
    expect(await world.duplicates()).toEqual([]);
    // Nothing of it is left to be stolen.
    expect(await chunkByKey(world.db, key)).toMatchObject({ callback: 'accepted', secrets: null });
  });

  it('answers each person by what it finds: linked, there, refused, ambiguous, gone, wrongly asked', async () => {
    const [fresh = 0] = await persons(1);
    const [there = 0] = await persons(1);
    await world.request(there);
    const email = newEmail();
    const [linked = 0] = await world.doors.createPersons([{ email, lastName: 'Ito' }]);
    const [contact] = await world.doors.createRows('contacts', [{ lastname: 'Ito', emailaddress1: email }]);
    const twins = newEmail();
    const [ambiguous = 0] = await world.doors.createPersons([{ email: twins, lastName: 'Ito' }]);
    const [, twin = ''] = await world.doors.createRows('leads', [
      { lastname: 'Ito', emailaddress1: twins },
      { lastname: 'Ito', emailaddress1: twins },
    ]);
    const [refused = 0] = await persons(1, { title: 'Test Robot' });
    const gone = 999_999;
    const key = await keep([fresh, there, linked, ambiguous, refused, gone], { syncAs: 'contact' });
    expect(await workOff(key)).toEqual({
      callback: 'accepted',
      counts: { created: 1, 'already-there': 1, linked: 1, ambiguous: 1, refused: 1, 'not-found': 1 },
    });
    const told = new Map(lastCallback().map((each) => [each.leadData.id, each]));
    expect(told.get(fresh)?.activityData).toMatchObject({ success: true, dynamicsRecordType: 'contact' });
    expect(told.get(there)?.activityData).toMatchObject({
      success: true,
      dynamicsOutcome: 'already-there',
      dynamicsRecordType: 'lead',
    });
    expect(told.get(linked)).toMatchObject({
      leadData: { dynamicsId: contact },
      activityData: { success: true },
    });
    expect(told.get(ambiguous)?.activityData).toMatchObject({ success: false, errorCode: 'AMBIGUOUS' });
    expect(told.get(refused)?.activityData).toMatchObject({
      success: false,
      errorCode: 'REFUSED',
      reason: expect.stringMatching(/0x80040265/) as unknown,
    });
    expect(told.get(gone)).toMatchObject({
      leadData: { id: gone },
      activityData: { success: false, errorCode: 'NOT_FOUND' },
    });
    await world.settled();
    await world.doors.deleteRow('leads', twin);
    await world.settled();
    // Asked again after a change, the refused one is created.
    await world.doors.editPerson(refused, { title: 'Engineer' });
    expect((await workOff(await keep([refused]))).counts).toEqual({ created: 1 });
    await world.settled();
  });

  it('refuses wrong parameters for their person alone', async () => {
    const [id = 0] = await persons(1);
    const wrong = await keep([id], { syncAs: 'account' });
    expect((await workOff(wrong)).counts).toEqual({ refused: 1 });
    expect(lastCallback()[0]?.activityData).toMatchObject({ errorCode: 'INVALID_PARAMETER' });
    const owner = await keep([id], { assignTo: 'Maya' });
    expect((await workOff(owner)).counts).toEqual({ refused: 1 });
    expect(await rowsOf([id])).toEqual([]);
  });

  it.each([
    ['a user', people.sales.id, people.sales.id],
    ['a team', `team:${integrationTeam.id}`, integrationTeam.id],
  ])('assigns new rows to %s', async (_who, assignTo, ownerId) => {
    const ids = await persons(2);
    await workOff(await keep(ids, { assignTo }));
    for (const row of await rowsOf(ids)) expect(row).toMatchObject({ _ownerid_value: ownerId });
    await world.settled();
  });

  it.each([
    ['before', 'dynamics'],
    ['after', 'dynamics'],
    ['before', 'marketo'],
    ['after', 'marketo'],
  ] as const)('killed %s a writing call to %s goes on, and doubles nothing', async (when, side) => {
    const ids = await persons(50);
    const key = await keep(ids);
    world.crash(side, when);
    await expect(workOff(key)).rejects.toBeInstanceOf(Crash);
    expect((await workOff(key)).callback).toBe('accepted');
    await world.settled();
    expect(await rowsOf(ids)).toHaveLength(50);
    expect(await world.duplicates()).toEqual([]);
    expect(new Set(await logOf(ids)).size).toBe(1);
    expect(await logOf(ids)).toHaveLength(50);
    expect(lastCallback().every(({ activityData }) => activityData['success'] === true)).toBe(true);
  });

  it('worked off by two workers at once makes each row once, and one callback', async () => {
    const ids = await persons(60);
    const key = await keep(ids);
    const before = door.accepted.length;
    const results = await Promise.all([workOff(key), workOff(key)]);
    expect(results.map(({ callback }) => callback)).toEqual(['accepted', 'accepted']);
    expect(door.accepted.length - before).toBe(1);
    await world.settled();
    expect(await rowsOf(ids)).toHaveLength(60);
    expect(await world.duplicates()).toEqual([]);
  });

  it.each([2, 10, 100])('and %i requests in real time for the same person make one row', async (count) => {
    const ids = await persons(3);
    const [id = 0] = ids;
    const key = await keep(ids);
    const requests = Array.from({ length: count }, () =>
      retried((attempt) => createPerson(world.ports, requestOf(id), attempt)),
    );
    const [, ...results] = await Promise.all([workOff(key), ...requests]);
    expect(new Set(results.map(({ dynamicsId }) => dynamicsId)).size).toBe(1);
    await world.settled();
    expect(await rowsOf(ids)).toHaveLength(3);
    expect(await world.duplicates()).toEqual([]);
  });

  it('and a cycle that meets the same e-mails in Dynamics make one pair each', async () => {
    const emails = Array.from({ length: 40 }, newEmail);
    const ids = await world.doors.createPersons(emails.map((email) => ({ email, lastName: 'Ito' })));
    await world.doors.createRows(
      'contacts',
      emails.slice(0, 20).map((emailaddress1) => ({ lastname: 'Ito', emailaddress1 })),
    );
    await Promise.all([world.cycle(), workOff(await keep(ids))]);
    await world.settled();
    expect(await rowsOf(ids)).toHaveLength(40);
    expect(await world.duplicates()).toEqual([]);
  });

  it('goes on with the others while one e-mail is held by somebody else', async () => {
    const ids = await persons(5);
    const key = await keep(ids);
    const email = String((await world.person(ids[0] ?? 0))['email']);
    await world.db
      .insertInto('email_claims')
      .values({ email_key: email, holder: randomUUID(), held_until: new Date(Date.now() + 60_000) })
      .execute();
    await expect(createChunk(ports(), { key }, world.attempt())).rejects.toMatchObject({ type: 'Busy' });
    expect(await personsOfChunk(world.db, key, 'open')).toHaveLength(1);
    await world.db.deleteFrom('email_claims').where('email_key', '=', email).execute();
    expect((await workOff(key)).counts).toEqual({ created: 5 });
  });
});
