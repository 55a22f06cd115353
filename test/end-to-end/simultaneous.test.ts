import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminDoors } from '../../simulators/admin-doors.js';
import { lastCompletedCycle } from '../../store/cycles.js';
import { invocationOf } from '../support/campaign.js';
import {
  inCampaignScene,
  newPersons,
  personOf,
  rowsByEmail,
  type CampaignScene,
} from '../support/campaign-scene.js';
import { startGateway, submit } from '../support/gateway-process.js';
import { eventually } from '../support/running.js';
import { startScratchTemporal, type ScratchTemporal } from '../support/scratch-temporal.js';

let temporal: ScratchTemporal;
beforeAll(async () => {
  temporal = await startScratchTemporal();
});
afterAll(() => temporal.close());

/** What each of these chunks was told of its one person, once all were called back. */
const toldOf = async ({ door }: CampaignScene, tokens: readonly string[]) => {
  const wanted = new Set(tokens);
  const mine = () => door.accepted.filter(({ body }) => wanted.has(body.token));
  await eventually('the callbacks', () => mine().length >= wanted.size, 120_000);
  expect(new Set(mine().map(({ body }) => body.token))).toEqual(wanted);
  expect(mine()).toHaveLength(wanted.size);
  return mine().flatMap(({ body }) => body.objectData);
};

describe('Two gateways and two workers', { timeout: 300_000 }, () => {
  it('asked 2, 10 and 100 times at once for one person make one record, whatever the campaign', () =>
    inCampaignScene('at-once', temporal, async (scene) => {
      const gateways = [await startGateway(scene.at), await startGateway(scene.at)];
      await Promise.all([scene.at.startWorker(), scene.at.startWorker()]);
      for (const count of [2, 10, 100]) {
        const [id = 0] = await newPersons(scene, 1);
        // Trigger campaigns, and batch campaigns that have others in their chunks too.
        const others = await newPersons(scene, 3);
        const bodies = Array.from({ length: count }, (_, index) =>
          invocationOf(index % 5 === 4 ? [...others, id] : [id], {
            callbackUrl: scene.door.url,
            type: index % 5 === 4 ? 'batch' : 'trigger',
            syncAs: index % 2 === 0 ? 'lead' : 'contact',
          }),
        );
        const answers = await Promise.all(
          bodies.map((body, index) => submit(gateways[index % 2]?.origin ?? '', body)),
        );
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
        const told = await toldOf(
          scene,
          bodies.map(({ token }) => token),
        );
        expect(told.every(({ activityData }) => activityData['success'] === true)).toBe(true);
        const rows = await rowsByEmail(scene);
        for (const each of [id, ...(count > 2 ? others : [])]) {
          const person = await personOf(scene, each);
          expect(rows.get(person['email'])).toEqual([person['dynamicsId']]);
        }
        const ids = told
          .filter(({ leadData }) => leadData.id === id)
          .map(({ leadData }) => leadData['dynamicsId']);
        expect(ids).toHaveLength(count);
        expect(new Set(ids).size).toBe(1);
      }
      await Promise.all(gateways.map((gateway) => gateway.kill()));
    }));

  it('beside cycles that find the rows of the same e-mails make one pair each', () =>
    inCampaignScene('beside-cycles', temporal, async (scene) => {
      const { at, door } = scene;
      const gateways = [await startGateway(at), await startGateway(at)];
      await Promise.all([at.startWorker(), at.startWorker()]);
      await at.command('start');
      const cycles = async (): Promise<number> => (await lastCompletedCycle(at.db))?.number ?? 0;
      await eventually('a first cycle', async () => (await cycles()) > 0);
      const emails = Array.from({ length: 16 }, () => `${randomBytes(8).toString('hex')}@example.com`);
      const ids = await adminDoors(at).createPersons(emails.map((email) => ({ email, lastName: 'Ito' })));
      const before = await cycles();
      const bodies: ReturnType<typeof invocationOf>[] = [];
      for (const [index, id] of ids.entries()) {
        const [emailaddress1 = ''] = emails.slice(index);
        await adminDoors(at).createRows(index % 2 === 0 ? 'leads' : 'contacts', [
          { lastname: 'Ito', emailaddress1 },
        ]);
        const body = invocationOf([id], { callbackUrl: door.url, type: 'trigger' });
        bodies.push(body);
        expect((await submit(gateways[index % 2]?.origin ?? '', body)).status).toBe(201);
      }
      const told = await toldOf(
        scene,
        bodies.map(({ token }) => token),
      );
      // Cycles worked meanwhile, behind the requests under Marketo's limit; one more sees everything that was made.
      const begun = await at.db.selectFrom('cycles').select('number').where('number', '>', before).execute();
      expect(begun.length).toBeGreaterThan(0);
      const last = Math.max(...begun.map(({ number }) => number));
      await eventually('a cycle more', async () => (await cycles()) > last);
      const rows = await rowsByEmail(scene);
      const people = new Map<unknown, number>();
      for await (const page of adminDoors(at).persons())
        for (const { email } of page) people.set(email, (people.get(email) ?? 0) + 1);
      for (const { leadData, activityData } of told) {
        expect(activityData).toMatchObject({ success: true });
        expect(['linked', 'already-there']).toContain(activityData['dynamicsOutcome']);
        const { email, dynamicsId } = await personOf(scene, leadData.id);
        expect([people.get(email), rows.get(email)]).toEqual([1, [dynamicsId]]);
        expect(leadData['dynamicsId']).toBe(dynamicsId);
      }
      await Promise.all(gateways.map((gateway) => gateway.kill()));
    }));
});
