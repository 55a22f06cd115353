import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminDoors } from '../../simulators/admin-doors.js';
import { invocationOf } from '../support/campaign.js';
import { inCampaignScene } from '../support/campaign-scene.js';
import { API_KEY, startGateway, submit, WEBHOOK_SECRET } from '../support/gateway-process.js';
import { eventually } from '../support/running.js';
import { startScratchTemporal, type ScratchTemporal } from '../support/scratch-temporal.js';
import { textsIn } from '../workflows/texts.js';

let temporal: ScratchTemporal;
beforeAll(async () => {
  temporal = await startScratchTemporal();
});
afterAll(() => temporal.close());

/** Begins everything that is planted; long enough that no random id or hash holds it by chance. */
const PLANTED = 'zqplanted';
const mark = (): string => `${PLANTED}${randomBytes(6).toString('hex')}`;

/** Everything that Temporal keeps of all runs. */
const everythingKept = async (): Promise<string> => {
  const texts: string[] = [];
  for await (const { workflowId, runId } of temporal.client.workflow.list()) {
    const handle = temporal.client.workflow.getHandle(workflowId, runId);
    texts.push(...textsIn(await handle.fetchHistory()), ...textsIn((await handle.describe()).raw));
  }
  return texts.join('\n');
};

it(
  'Campaigns leave no value of a person and no secret in logs of the processes or in histories',
  {
    timeout: 240_000,
  },
  () =>
    inCampaignScene('private', temporal, async ({ at, door }) => {
      const gateway = await startGateway(at);
      const worker = await at.startWorker();
      const [surname, company] = [mark(), mark()];
      const person = () => ({ email: `${mark()}@planted.example`, lastName: surname, company });
      const [one = 0, refused = 0, two = 0, alsoRefused = 0, hooked = 0] = await adminDoors(at).createPersons(
        [
          person(),
          { ...person(), title: 'Test Robot' },
          person(),
          { ...person(), title: 'Test Robot' },
          person(),
        ],
      );
      const url = `${door.url}/${mark()}`;
      const bodies = [
        invocationOf([one], { callbackUrl: url, type: 'trigger' }),
        invocationOf([refused], { callbackUrl: url, type: 'trigger' }),
        invocationOf([two, alsoRefused], { callbackUrl: url }),
      ].map((body) => ({ ...body, apiCallBackKey: mark() }));
      // Callbacks that fail, and lose their answer, are told of in failures and logs.
      door.next(503, 'drop-before', 'drop-after');
      for (const body of bodies) expect((await submit(gateway.origin, body)).status).toBe(201);
      // What is refused is not quoted either, nor what no request can be made of.
      await submit(gateway.origin, { ...bodies[0], callbackUrl: `https://${mark()}.planted.example/` });
      await submit(gateway.origin, { ...bodies[0], objectData: surname });
      await fetch(`${gateway.origin}/${surname}?email=${surname}@planted.example`);
      await fetch(`${gateway.origin}/webhook`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-webhook-secret': WEBHOOK_SECRET },
        body: JSON.stringify({ id: hooked }),
      });
      await eventually('the callbacks', () => door.accepted.length === bodies.length, 120_000);
      const open = () => at.db.selectFrom('chunks').select('key').where('closed_at', 'is', null).execute();
      await eventually('the end', async () => (await open()).length === 0, 120_000);
      await gateway.kill();
      await worker.kill();
      const places = { gateway: gateway.log(), worker: worker.log(), Temporal: await everythingKept() };
      const secrets = [
        API_KEY,
        WEBHOOK_SECRET,
        ...bodies.flatMap((body) => [body.token, body.apiCallBackKey]),
      ];
      for (const [place, text] of Object.entries(places)) {
        for (const value of [...secrets, PLANTED, 'planted.example', 'secret.example', '/customflowaction'])
          expect(text.toLowerCase().includes(value.toLowerCase()), `${value} in ${place}`).toBe(false);
      }
      // The test sees what it says it sees.
      expect(places.gateway).toContain('/submitAsyncAction');
      expect(places.worker).toContain('the callback of a campaign was not taken');
      for (const sign of ['"outcome":"refused"', 'syncChunk', 'callback'])
        expect(places.Temporal).toContain(sign);
    }),
);
