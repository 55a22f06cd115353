import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerChunk, answerChunks } from '../../activities/answer-chunk.js';
import type { Ports } from '../../activities/settings.js';
import { takeCallbackTurn } from '../../store/callbacks.js';
import { chunkByKey, keepOutcomes, personsOfChunk } from '../../store/chunks.js';
import { migrate, openDatabase, type Database } from '../../store/database.js';
import { newAttempt } from '../support/attempts.js';
import {
  callbackPorts,
  keepChunk,
  newKeys,
  openCallbackDoor,
  type CallbackDoor,
} from '../support/campaign.js';
import { freshDatabase, type FreshDatabase } from '../support/database.js';

const callbacks = callbackPorts();
let database: FreshDatabase;
let db: Database;
let door: CallbackDoor;
beforeAll(async () => {
  database = await freshDatabase();
  db = openDatabase(database.url);
  await migrate(db);
  door = await openCallbackDoor();
});
afterAll(async () => {
  callbacks.poster.close();
  await door.close();
  await db.destroy();
  await database.drop();
});

/** Of the ports a callback needs these alone. */
const ports = (own = callbacks): Ports => ({ db, callbacks: own }) as Ports;

const ROW = '11111111-1111-4111-8111-111111111111';

/** A chunk whose two persons have their outcomes. */
const done = async (options: { patienceMs?: number; callbackUrl?: string } = {}): Promise<string> => {
  const key = await keepChunk(db, callbacks.keys, [501, 502], { callbackUrl: door.url, ...options });
  const persons = await personsOfChunk(db, key);
  await keepOutcomes(
    db,
    persons.map(({ requestId }) => ({
      ...{ requestId, outcome: 'created', kind: 'lead' as const, dynamicsId: ROW, code: null },
    })),
  );
  return key;
};

const answer = (key: string, own = callbacks) => answerChunk(ports(own), { key }, newAttempt());

const accepted = (key: string) => chunkByKey(db, key).then((chunk) => chunk?.callback);

describe('The callback of a chunk', () => {
  it('carries the key, the token and every person, and forgets the secrets once it was taken', async () => {
    const key = await done();
    expect((await chunkByKey(db, key))?.secrets).not.toContain('key-of-the-gateway');
    expect(await answer(key)).toEqual({ callback: 'accepted' });
    const { headers, body } = door.accepted.at(-1) ?? expect.fail('nothing came');
    expect(headers).toMatchObject({ 'x-api-key': 'key-of-the-gateway', 'x-callback-token': body.token });
    expect(body.munchkinId).toBe('123-ABC-456');
    expect(body.objectData.map(({ leadData }) => leadData)).toEqual([
      { id: 501, dynamicsId: ROW, dynamicsType: 'lead' },
      { id: 502, dynamicsId: ROW, dynamicsType: 'lead' },
    ]);
    expect(await chunkByKey(db, key)).toMatchObject({ callback: 'accepted', secrets: null });
    const calls = door.calls.count;
    expect(await answer(key)).toEqual({ callback: 'accepted' });
    expect(door.calls.count).toBe(calls);
  });

  it.each([500, 502, 503, 429, 408, 307])('is made again after %i', async (status) => {
    const key = await done();
    door.next(status === 307 ? { redirect: 'http://127.0.0.1:1/' } : status);
    await expect(answer(key)).rejects.toMatchObject({ details: { type: 'Unavailable' } });
    expect(await answer(key)).toEqual({ callback: 'accepted' });
  });

  it.each([401, 404, 400, 403, 410])('ends after %i, and says so', async (status) => {
    const key = await done();
    door.next(status);
    expect(await answer(key)).toEqual({ callback: 'refused' });
    expect(await accepted(key)).toBe('refused');
    const row = await db.selectFrom('chunks').selectAll().where('key', '=', key).executeTakeFirst();
    expect(row).toMatchObject({ callback_code: `HTTP ${String(status)}`, secrets: null, due_at: null });
  });

  it('whose answer was lost was accepted, if the token works no more', async () => {
    const key = await done();
    const before = door.accepted.length;
    door.next('drop-after');
    await expect(answer(key)).rejects.toMatchObject({ details: { type: 'Unavailable' } });
    expect(await answer(key)).toEqual({ callback: 'accepted' });
    expect(door.accepted.length - before).toBe(1);
  });

  it('that never arrived is made again', async () => {
    const key = await done();
    const before = door.accepted.length;
    door.next('drop-before', 'drop-before');
    for (let times = 0; times < 2; times += 1)
      await expect(answer(key)).rejects.toMatchObject({ details: { type: 'Unavailable' } });
    expect(await answer(key)).toEqual({ callback: 'accepted' });
    expect(door.accepted.length - before).toBe(1);
  });

  it('is made by one worker at a time, and by nobody while one that died may still be calling', async () => {
    const key = await done();
    await takeCallbackTurn(db, key, 60_000);
    await expect(answer(key)).rejects.toMatchObject({ details: { type: 'Busy' } });
    await db
      .updateTable('chunks')
      .set({ callback_deadline: new Date(Date.now() - 1) })
      .where('key', '=', key)
      .execute();
    // The dead worker's call may have been taken: a token that works no more is the sign of it.
    door.next(401);
    expect(await answer(key)).toEqual({ callback: 'accepted' });
  });

  it('is never made twice, however many try', async () => {
    const key = await done();
    const before = door.calls.count;
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => answer(key)));
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(door.calls.count - before).toBe(1);
  });

  it('waits for every person', async () => {
    const key = await keepChunk(db, callbacks.keys, [7, 8], { callbackUrl: door.url });
    await expect(answer(key)).rejects.toMatchObject({ details: { type: 'Busy' } });
  });

  it('is given up after its last date', async () => {
    const key = await done({ patienceMs: 0 });
    expect(await answer(key)).toEqual({ callback: 'expired' });
    expect(await chunkByKey(db, key)).toMatchObject({ callback: 'expired', secrets: null });
  });

  it('goes nowhere that this worker may not call, and waits for somebody to mend it', async () => {
    const key = await done();
    const nowhere = { ...callbacks, hosts: ['*.adobe.io'] };
    await expect(answer(key, nowhere)).rejects.toMatchObject({ name: 'Misconfigured' });
    expect(await answer(key)).toEqual({ callback: 'accepted' });
  });

  it('is made with any key that is still in the ring, and with no other', async () => {
    const key = await done();
    const rotated = { ...callbacks, keys: [...newKeys(), ...callbacks.keys] as const };
    await expect(answer(key, { ...callbacks, keys: newKeys() })).rejects.toMatchObject({
      message: expect.stringMatching(
        /no key with the id [0-9a-f]{12} is in GATEWAY_ENCRYPTION_KEY/,
      ) as unknown,
    });
    expect(await answer(key, rotated)).toEqual({ callback: 'accepted' });
  });

  it('that fails beside a request in real time is left to the sweep, and holds nothing up', async () => {
    const [good, bad] = [await done(), await done()];
    door.next(503);
    expect(await answerChunks(ports(), { chunks: [bad, good] }, newAttempt())).toEqual({
      answered: 1,
      left: 1,
    });
    const due = await db.selectFrom('chunks').select('due_at').where('key', '=', bad).executeTakeFirst();
    expect(Number(due?.due_at) - Date.now()).toBeLessThan(10_000);
  });
});
