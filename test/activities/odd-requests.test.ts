import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerChunk } from '../../activities/answer-chunk.js';
import { createChunk } from '../../activities/chunk/create-chunk.js';
import { recordChunk } from '../../activities/chunk/record-chunk.js';
import { createPerson } from '../../activities/create-person.js';
import { keyOfToken, personsOf } from '../../client/gateway/chunk-of.js';
import { invocation, MOST_PERSONS } from '../../client/gateway/schemas.js';
import { sealSecrets } from '../../config/callback-secrets.js';
import { insertChunk, personsOfChunk } from '../../store/chunks.js';
import { callbackPorts, invocationOf, openCallbackDoor, type CallbackDoor } from '../support/campaign.js';
import { newEmail } from '../support/groups.js';
import { mergePersons } from '../support/succession.js';
import { requestOf, retried, startWorld, type World } from '../support/world.js';

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

const ports = () => ({ ...world.ports, callbacks });
const newPersons = (count: number): Promise<number[]> =>
  world.doors.createPersons(
    Array.from({ length: count }, () => ({ email: newEmail(), lastName: 'Ito', company: 'Engines' })),
  );

type Body = ReturnType<typeof invocationOf>;
const bodyOf = (ids: readonly number[], options = {}): Body =>
  invocationOf(ids, { callbackUrl: door.url, ...options });

/** Keeps an invocation as the gateway does; one of a known token is left as it was. */
const keep = async (body: Body): Promise<{ readonly key: string; readonly fresh: boolean }> => {
  const asked = invocation.parse(body);
  const { token, apiCallBackKey, callbackUrl } = asked;
  const key = keyOfToken(token);
  const fresh = await insertChunk(world.db, {
    ...{ key, source: 'flow-step', campaignId: '1203', munchkinId: '123-ABC-456', realTime: false },
    secrets: sealSecrets(callbacks.keys, key, { token, apiCallBackKey, callbackUrl }),
    ...{ patienceMs: 60_000, persons: personsOf(key, asked) },
  });
  return { key, fresh };
};

const workOff = async (key: string) => {
  const counts = await retried((attempt) => createChunk(ports(), { key }, attempt));
  await retried((attempt) => recordChunk(ports(), { key }, attempt));
  await retried((attempt) => answerChunk(ports(), { key }, attempt));
  return counts;
};

const told = (token: string) => {
  const mine = door.accepted.filter(({ body }) => body.token === token);
  expect(mine).toHaveLength(1);
  return mine[0]?.body.objectData ?? [];
};

describe('An owner who is gone', () => {
  it.each(['systemuser', 'team'] as const)(
    'is a refusal that says so, in real time: %s',
    async (ownerType) => {
      const [id = 0] = await newPersons(1);
      const ownerId = randomUUID();
      const { requests, ...asked } = requestOf(id);
      const input = { ...asked, requests: requests.map((request) => ({ ...request, ownerId, ownerType })) };
      const result = await createPerson(world.ports, input, world.attempt());
      expect(result).toMatchObject({ outcome: 'refused', code: '0x80040217' });
      // With an owner who is there, the same person gets its record.
      expect(await world.request(id)).toMatchObject({ outcome: 'created' });
    },
  );

  it('is a refusal for each person of a chunk, in words that name it', async () => {
    const ownerId = randomUUID();
    const body = bodyOf(await newPersons(3), { assignTo: ownerId });
    expect(await workOff((await keep(body)).key)).toEqual({ refused: 3 });
    for (const { activityData } of told(body.token)) {
      expect(activityData).toMatchObject({ success: false, errorCode: 'REFUSED' });
      expect(activityData['reason']).toContain(ownerId);
    }
  });
});

describe('A chunk', () => {
  it('that names a person twice asks for it once, and answers it once', async () => {
    const [once = 0, twice = 0] = await newPersons(2);
    const body = bodyOf([twice, once, twice]);
    const { key } = await keep(body);
    expect(await workOff(key)).toEqual({ created: 2 });
    const ids = told(body.token).map(({ leadData }) => leadData.id);
    expect(ids.toSorted()).toEqual([once, twice].toSorted());
  });

  it('of a known token and another body is the first one still: others are not even looked at', async () => {
    const [first = 0, second = 0] = await newPersons(2);
    const body = bodyOf([first]);
    const { key } = await keep(body);
    const forged = { ...bodyOf([second]), token: body.token, callbackUrl: 'https://elsewhere.example/' };
    expect(await keep(forged)).toEqual({ key, fresh: false });
    expect(await workOff(key)).toEqual({ created: 1 });
    expect(await keep(forged)).toEqual({ key, fresh: false });
    expect(told(body.token).map(({ leadData }) => leadData.id)).toEqual([first]);
    expect(await world.person(second)).toMatchObject({ dynamicsId: null });
  });

  it('whose persons were deleted or merged after it was kept says so of them, and goes on with the others', async () => {
    const [fine = 0, deleted = 0, winner = 0, loser = 0] = await newPersons(4);
    const body = bodyOf([fine, deleted, winner, loser]);
    const { key } = await keep(body);
    await world.doors.deletePerson(deleted);
    await mergePersons(world, winner, [loser]);
    expect(await workOff(key)).toEqual({ created: 2, 'not-found': 2 });
    const outcomes = told(body.token).map(({ leadData, activityData }) => [
      leadData.id,
      activityData['dynamicsOutcome'],
    ]);
    expect(Object.fromEntries(outcomes)).toEqual({
      [fine]: 'created',
      [deleted]: 'not-found',
      [winner]: 'created',
      [loser]: 'not-found',
    });
    await world.settled();
    expect(await world.duplicates()).toEqual([]);
  });

  it('of as many persons as are taken at all is one statement, one run and one callback', async () => {
    const ids = [
      ...(await newPersons(2)),
      ...Array.from({ length: MOST_PERSONS - 2 }, (_, n) => 2_000_000 + n),
    ];
    const body = bodyOf(ids);
    const { key } = await keep(body);
    expect(await workOff(key)).toEqual({ created: 2, 'not-found': MOST_PERSONS - 2 });
    expect(told(body.token)).toHaveLength(MOST_PERSONS);
    expect(await personsOfChunk(world.db, key, 'open')).toEqual([]);
  });

  it('of ids that no person has, the largest of all among them, is answered', async () => {
    const body = bodyOf([2_147_483_647, 999_999_999], { token: randomBytes(16).toString('hex') });
    expect(await workOff((await keep(body)).key)).toEqual({ 'not-found': 2 });
    expect(told(body.token).map(({ activityData }) => activityData['errorCode'])).toEqual([
      'NOT_FOUND',
      'NOT_FOUND',
    ]);
  });
});
