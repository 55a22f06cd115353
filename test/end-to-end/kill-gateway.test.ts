import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminDoors } from '../../simulators/admin-doors.js';
import { invocationOf, openCallbackDoor, type CallbackDoor } from '../support/campaign.js';
import { eventually, startInstallation, type Installation } from '../support/running.js';
import { startScratchTemporal, type ScratchTemporal } from '../support/scratch-temporal.js';

const GATEWAY = join(import.meta.dirname, '../../dist/client/gateway/main.js');
const API_KEY = 'the-key-that-marketo-shows-to-the-gateway';
const VARIABLES = {
  GATEWAY_PORT: '0',
  GATEWAY_PUBLIC_URL: 'http://127.0.0.1:8090',
  GATEWAY_API_KEY: API_KEY,
  GATEWAY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  GATEWAY_CALLBACK_HOSTS: '127.0.0.1',
  GATEWAY_SUPPORT_CONTACT: 'crm@example.com',
};
/** Silence of two seconds is death here. */
const TIMING = { overlap: '5s', doubt: '1s', call: '4s', takeover: '2s' };

let temporal: ScratchTemporal;
beforeAll(async () => {
  temporal = await startScratchTemporal();
});
afterAll(() => temporal.close());

/** An installation of one test, with the campaign's door. */
interface Scene {
  readonly at: Installation;
  readonly door: CallbackDoor;
}

const inScene = async (name: string, test: (scene: Scene) => Promise<void>): Promise<void> => {
  const at = await startInstallation({
    ...{ name, people: 20, temporal: temporal.address, timing: TIMING },
    variables: VARIABLES,
  });
  const door = await openCallbackDoor();
  try {
    await at.command('setup');
    await test({ at, door });
  } finally {
    await at.close();
    await door.close();
  }
};

interface GatewayProcess {
  readonly origin: string;
  readonly kill: () => Promise<void>;
}

const startGateway = async ({ at }: Scene): Promise<GatewayProcess> => {
  const child: ChildProcess = spawn(process.execPath, [GATEWAY], {
    ...{ env: at.env, cwd: temporal.folder, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  });
  const [message] = (await once(child, 'message')) as [{ ready: { port: number } }];
  return {
    origin: `http://127.0.0.1:${String(message.ready.port)}`,
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};

const post = (origin: string, body: object): Promise<Response> =>
  fetch(`${origin}/submitAsyncAction`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': API_KEY },
    body: JSON.stringify(body),
  });

const newPersons = ({ at }: Scene, count: number): Promise<number[]> =>
  adminDoors(at).createPersons(
    Array.from({ length: count }, () => ({
      email: `${randomBytes(8).toString('hex')}@example.com`,
      lastName: 'Ito',
    })),
  );

const fault = async (
  { at }: Scene,
  side: 'marketo' | 'dataverse',
  path: string,
  method: string,
): Promise<void> => {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ kind: 'slow', delayMs: 1_500, method, path });
  await fetch(`${at[side]}/admin/faults`, { method: 'POST', headers, body });
};

const struck = async ({ at }: Scene, side: 'marketo' | 'dataverse'): Promise<boolean> => {
  const { faults } = (await (await fetch(`${at[side]}/admin/faults`)).json()) as { faults: unknown[] };
  return faults.length === 0;
};

/** One record for each person, and one callback that says so. */
const expectOneOfEach = async ({ at, door }: Scene, ids: readonly number[], token: string): Promise<void> => {
  const mine = () => door.accepted.filter(({ body }) => body.token === token);
  await eventually('the callback', () => mine().length > 0, 90_000);
  const told = mine()[0]?.body.objectData ?? [];
  expect(told.map(({ leadData }) => leadData.id).sort()).toEqual([...ids].sort());
  expect(told.every(({ activityData }) => activityData['success'] === true)).toBe(true);
  expect(mine()).toHaveLength(1);
  const rows = new Map<unknown, number>();
  for await (const page of adminDoors(at).rows('leads'))
    for (const { emailaddress1 } of page) rows.set(emailaddress1, (rows.get(emailaddress1) ?? 0) + 1);
  for (const id of ids) {
    const { person } = (await (await fetch(`${at.marketo}/admin/persons/${String(id)}`)).json()) as {
      person: Record<string, unknown>;
    };
    expect(rows.get(person['email'])).toBe(1);
    expect(person['dynamicsType']).toBe('lead');
  }
};

describe.concurrent('A gateway killed with -9 right after its 201', () => {
  it('has forgotten nothing: a worker or another gateway starts the work', { timeout: 240_000 }, () =>
    inScene('kill-gateway', async (scene) => {
      const gateway = await startGateway(scene);
      const ids = await newPersons(scene, 3);
      const body = invocationOf(ids, { callbackUrl: scene.door.url });
      expect((await post(gateway.origin, body)).status).toBe(201);
      await gateway.kill();
      // As if it had died before it started the work.
      await scene.at.db.updateTable('chunks').set({ started_at: null, due_at: new Date() }).execute();
      await scene.at.startWorker();
      await expectOneOfEach(scene, ids, body.token);
    }),
  );
});

const MOMENTS = [
  ['one person, reading it', 1, 'marketo', '/rest/v1/leads.json', 'GET'],
  ['one person, making its row', 1, 'dataverse', '/leads(', 'PATCH'],
  ['one person, telling it', 1, 'marketo', '/activities/external.json', 'POST'],
  ['many, making their rows', 60, 'dataverse', '$batch', 'POST'],
  ['many, writing their keys', 60, 'marketo', '/rest/v1/leads.json', 'POST'],
] as const;

describe.concurrent('A worker killed with -9 while it works for a campaign', () => {
  it.each(MOMENTS)(
    'makes one record and one callback: %s',
    { timeout: 240_000 },
    (what, count, side, path, method) =>
      inScene(`kill-${String(MOMENTS.findIndex(([name]) => name === what))}`, async (scene) => {
        const gateway = await startGateway(scene);
        const ids = await newPersons(scene, count);
        const type = count === 1 ? 'trigger' : 'batch';
        const body = invocationOf(ids, { callbackUrl: scene.door.url, type });
        await fault(scene, side, path, method);
        const first = await scene.at.startWorker();
        expect((await post(gateway.origin, body)).status).toBe(201);
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
      const gateway = await startGateway(scene);
      const ids = await newPersons(scene, 1);
      const body = invocationOf(ids, { callbackUrl: door.url, type: 'trigger' });
      // Taken, and no answer: the worker dies not knowing.
      door.next('drop-after');
      const first = await at.startWorker();
      expect((await post(gateway.origin, body)).status).toBe(201);
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
