import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCreatePersonId } from '../../config/names.js';
import { invocationOf } from '../support/campaign.js';
import {
  expectOneOfEach,
  inCampaignScene,
  newPersons,
  type CampaignScene,
} from '../support/campaign-scene.js';
import { API_KEY, startGateway, submit, type GatewayProcess } from '../support/gateway-process.js';
import { startRelay, type Relay } from '../support/relay.js';
import { eventually } from '../support/running.js';
import { startScratchTemporal, type ScratchTemporal } from '../support/scratch-temporal.js';

let temporal: ScratchTemporal;
beforeAll(async () => {
  temporal = await startScratchTemporal();
});
afterAll(() => temporal.close());

const inScene = (name: string, test: (scene: CampaignScene) => Promise<void>): Promise<void> =>
  inCampaignScene(name, temporal, test);

const fault = async (
  { at }: CampaignScene,
  side: 'marketo' | 'dataverse',
  path: string,
  method: string,
): Promise<void> => {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ kind: 'slow', delayMs: 1_500, method, path });
  await fetch(`${at[side]}/admin/faults`, { method: 'POST', headers, body });
};

const struck = async ({ at }: CampaignScene, side: 'marketo' | 'dataverse'): Promise<boolean> => {
  const { faults } = (await (await fetch(`${at[side]}/admin/faults`)).json()) as { faults: unknown[] };
  return faults.length === 0;
};

/** Whether the store has a chunk, and whether it was noted as started. */
const chunkIn = async ({ at }: CampaignScene): Promise<'none' | 'kept' | 'started'> => {
  const [chunk] = await at.db.selectFrom('chunks').select('started_at').execute();
  if (chunk === undefined) return 'none';
  return chunk.started_at === null ? 'kept' : 'started';
};

/** A gateway whose line to Temporal is ours, warmed up: its first call there is behind it. */
const onOurLine = async (
  scene: CampaignScene,
  test: (gateway: GatewayProcess, line: Relay) => Promise<void>,
): Promise<void> => {
  const line = await startRelay(temporal.address);
  const gateway = await startGateway(scene.at, { TEMPORAL_ADDRESS: line.address });
  try {
    const status = await fetch(`${gateway.origin}/status`, { headers: { 'x-api-key': API_KEY } });
    expect(await status.text()).not.toContain('Temporal does not answer');
    await test(gateway, line);
  } finally {
    await gateway.kill();
    await line.close();
  }
};

/** The entries on the log of a person by which requests are answered. */
const entriesOf = async ({ at }: CampaignScene, id: number): Promise<number> => {
  const { activities } = (await (await fetch(`${at.marketo}/admin/activities`)).json()) as {
    activities: { leadId: number; attributes?: { name?: string; apiName?: string }[] }[];
  };
  const isOurs = ({ leadId, attributes = [] }: (typeof activities)[number]): boolean =>
    leadId === id && attributes.some(({ name, apiName }) => [name, apiName].includes('requestId'));
  return activities.filter(isOurs).length;
};

describe.concurrent('A gateway killed with -9', () => {
  it('right after its 201 has forgotten nothing', { timeout: 240_000 }, () =>
    inScene('kill-gateway', async (scene) => {
      const gateway = await startGateway(scene.at);
      const ids = await newPersons(scene, 3);
      const body = invocationOf(ids, { callbackUrl: scene.door.url });
      expect((await submit(gateway.origin, body)).status).toBe(201);
      await gateway.kill();
      await scene.at.startWorker();
      await expectOneOfEach(scene, ids, body.token);
    }),
  );

  it.each(['a worker', 'another gateway, to which the chunk is delivered again,'])(
    'between keeping a chunk and starting its work is made up for: %s starts it',
    { timeout: 240_000 },
    (who) =>
      inScene(`kill-kept-${who === 'a worker' ? 'swept' : 'redelivered'}`, async (scene) => {
        const ids = await newPersons(scene, 3);
        const body = invocationOf(ids, { callbackUrl: scene.door.url });
        await onOurLine(scene, async (gateway, line) => {
          line.passes.requests = false;
          const answer = submit(gateway.origin, body).catch(() => 'none');
          await eventually('a chunk that is kept', async () => (await chunkIn(scene)) !== 'none');
          await gateway.kill();
          expect(await answer).toBe('none');
        });
        expect(await chunkIn(scene)).toBe('kept');
        await scene.at.startWorker();
        if (who !== 'a worker') {
          const other = await startGateway(scene.at);
          expect((await submit(other.origin, body)).status).toBe(201);
          expect(await chunkIn(scene)).toBe('started');
          await other.kill();
        }
        await expectOneOfEach(scene, ids, body.token);
      }),
  );

  it('after its 201 while Temporal is out of reach has forgotten nothing', { timeout: 240_000 }, () =>
    inScene('kill-unreachable', async (scene) => {
      const ids = await newPersons(scene, 1);
      const body = invocationOf(ids, { callbackUrl: scene.door.url, type: 'trigger' });
      await onOurLine(scene, async (gateway, line) => {
        line.passes.requests = false;
        expect((await submit(gateway.origin, body)).status).toBe(201);
      });
      expect(await chunkIn(scene)).toBe('kept');
      await scene.at.startWorker();
      await expectOneOfEach(scene, ids, body.token);
    }),
  );

  it('between starting the work and noting it asks for nothing twice', { timeout: 240_000 }, () =>
    inScene('kill-unnoted', async (scene) => {
      const [id = 0] = await newPersons(scene, 1);
      const body = invocationOf([id], { callbackUrl: scene.door.url, type: 'trigger' });
      await onOurLine(scene, async (gateway, line) => {
        line.passes.answers = false;
        const answer = submit(gateway.origin, body).catch(() => 'none');
        const workflow = buildCreatePersonId({ installation: scene.at.name, marketoId: id });
        const handle = temporal.client.workflow.getHandle(workflow);
        await eventually('the start', () =>
          handle.describe().then(
            () => true,
            () => false,
          ),
        );
        await gateway.kill();
        expect(await answer).toBe('none');
      });
      expect(await chunkIn(scene)).toBe('kept');
      const other = await startGateway(scene.at);
      expect((await submit(other.origin, body)).status).toBe(201);
      await scene.at.startWorker();
      await expectOneOfEach(scene, [id], body.token);
      expect(await entriesOf(scene, id)).toBe(1);
      await other.kill();
    }),
  );
});

const MOMENTS = [
  ['one person, reading it', 1, 'marketo', '/rest/v1/leads.json', 'GET'],
  ['one person, looking for its row', 1, 'dataverse', '/leads?', 'GET'],
  ['one person, making its row', 1, 'dataverse', '/leads(', 'PATCH'],
  ['one person, writing its key', 1, 'marketo', '/rest/v1/leads.json', 'POST'],
  ['one person, telling it', 1, 'marketo', '/activities/external.json', 'POST'],
  ['many, reading them', 60, 'marketo', '/rest/v1/leads.json', 'GET'],
  ['many, making their rows', 60, 'dataverse', '$batch', 'POST'],
  ['many, writing their keys', 60, 'marketo', '/rest/v1/leads.json', 'POST'],
  ['many, telling them', 60, 'marketo', '/activities/external.json', 'POST'],
] as const;

describe.concurrent('A worker killed with -9 while it works for a campaign', () => {
  it.each(MOMENTS)(
    'makes one record and one callback: %s',
    { timeout: 240_000 },
    (what, count, side, path, method) =>
      inScene(`kill-${String(MOMENTS.findIndex(([name]) => name === what))}`, async (scene) => {
        const gateway = await startGateway(scene.at);
        const ids = await newPersons(scene, count);
        const type = count === 1 ? 'trigger' : 'batch';
        const body = invocationOf(ids, { callbackUrl: scene.door.url, type });
        await fault(scene, side, path, method);
        const first = await scene.at.startWorker();
        expect((await submit(gateway.origin, body)).status).toBe(201);
        await eventually('the call', () => struck(scene, side));
        await first.kill();
        await scene.at.startWorker();
        await expectOneOfEach(scene, ids, body.token);
        await gateway.kill();
      }),
  );

  it('makes one accepted callback, killed while it was calling', { timeout: 240_000 }, () =>
    inScene('kill-calling', async (scene) => {
      const { at, door } = scene;
      const gateway = await startGateway(scene.at);
      const ids = await newPersons(scene, 1);
      const body = invocationOf(ids, { callbackUrl: door.url, type: 'trigger' });
      // Taken, and no answer: the worker dies not knowing.
      door.next('drop-after');
      const first = await at.startWorker();
      expect((await submit(gateway.origin, body)).status).toBe(201);
      await eventually('the call', () => door.calls.count > 0);
      await first.kill();
      await at.startWorker();
      const open = () => at.db.selectFrom('chunks').select('key').where('callback', '=', 'open').execute();
      await eventually('the end', async () => (await open()).length === 0, 120_000);
      await expectOneOfEach(scene, ids, body.token);
      await gateway.kill();
    }),
  );
});
