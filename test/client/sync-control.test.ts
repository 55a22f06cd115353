import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundle,
} from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CreatePersonInput, CreatePersonResult } from '../../activities/contract.js';
import type { ChainStatus } from '../../client/status/chain-status.js';
import {
  buildBackfillId,
  buildBackfillQueue,
  buildCreatePersonId,
  buildCycleId,
  buildCycleQueue,
  buildOnDemandQueue,
} from '../../config/names.js';
import { findTemporalServer, startDevServer, type DevServer } from '../../launch/temporal-server.js';
import { migrate, openDatabase } from '../../store/database.js';
import { saveInstallation } from '../../store/installations.js';
import { freshDatabase, type FreshDatabase } from '../support/database.js';
import type { BackfillProgress } from '../../workflows/names.js';
import { contactSync } from './recording.js';

const OWNER = '7d1e2c4a-0b5f-4e11-a204-000d3a1b2c3d';
const ROW = '00000000-0000-4000-8000-000000000001';

let folder = '';
let server: DevServer;
let database: FreshDatabase;
let connection: NativeConnection;
let client: Client;
let workflowBundle: WorkflowBundle;
let env: Record<string, string>;
let installation = '';
let count = 0;

beforeAll(async () => {
  const logger = new DefaultLogger('ERROR');
  Runtime.install({ logger });
  folder = mkdtempSync(join(tmpdir(), 'contact-sync-control-'));
  const path = await findTemporalServer('dev');
  const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
  [server, database, workflowBundle] = await Promise.all([
    startDevServer({ path, port: 0, uiPort: 0, logFile: join(folder, 'temporal.log') }),
    freshDatabase(),
    bundleWorkflowCode({ workflowsPath, logger }),
  ]);
  connection = await NativeConnection.connect({ address: server.address });
  client = new Client({ connection: await Connection.connect({ address: server.address }) });
}, 120_000);

afterAll(async () => {
  await connection.close();
  await client.connection.close();
  await server.stop();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** Each test has an installation of its own, set up in the store. */
beforeEach(async () => {
  count += 1;
  installation = `test-${String(count)}`;
  env = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: server.address,
    SYNC_INSTALLATION: installation,
  };
  const db = openDatabase(database.url, { connections: 1 });
  await migrate(db);
  const id = `00000000-0000-4000-9000-${String(count).padStart(12, '0')}`;
  const made = { id, name: installation, syncUserId: ROW, organizationId: ROW };
  await saveInstallation(db, { ...made, activityTypes: { refused: 1, syncPerson: 2 } }, []);
  await db.destroy();
});

interface Status {
  readonly cycle: unknown;
  readonly chain: ChainStatus;
  readonly backfill: ChainStatus<BackfillProgress>;
}

const status = async (): Promise<Status> => {
  const { code, out } = await contactSync(['status', '--json'], env);
  expect(code).toBe(0);
  return JSON.parse(out) as Status;
};

/** A worker whose cycles rest for an hour. */
const cycleWorker = (): Promise<Worker> =>
  Worker.create({
    connection,
    workflowBundle,
    taskQueue: buildCycleQueue(installation),
    activities: { begin: () => Promise.resolve({ cycle: 7, notBefore: Date.now() + 3_600_000 }) },
  });

/** A worker that answers each request as told, and keeps what it was asked. */
const personWorker = async (
  answer: (input: CreatePersonInput) => Promise<CreatePersonResult>,
): Promise<{ worker: Worker; asked: CreatePersonInput[] }> => {
  const asked: CreatePersonInput[] = [];
  const worker = await Worker.create({
    connection,
    workflowBundle,
    taskQueue: buildOnDemandQueue(installation),
    activities: {
      createPerson: (input: CreatePersonInput) => {
        asked.push(input);
        return answer(input);
      },
      recordOutcome: () => Promise.resolve(),
    },
  });
  return { worker, asked };
};

const answering = (result: Partial<CreatePersonResult>) => (): Promise<CreatePersonResult> =>
  Promise.resolve({ outcome: 'created', kind: 'lead', dynamicsId: ROW, code: null, ...result });

describe('contact-sync start, status and stop', () => {
  it('start a chain of cycles once, show it, and end it', async () => {
    expect((await status()).chain).toMatchObject({ state: 'not-started', worker: 'unknown', progress: null });
    const first = await contactSync(['start', '--json'], env);
    expect(first.code).toBe(0);
    const workflowId = buildCycleId(installation);
    const lane = { workflowId: buildBackfillId(installation) };
    expect(JSON.parse(first.out)).toEqual({
      ...{ workflowId, alreadyRunning: false },
      backfill: { ...lane, alreadyRunning: false },
    });
    const again = await contactSync(['start'], env);
    expect(again).toMatchObject({ code: 0, out: `The sync is already running: workflow ${workflowId}` });

    const described = await client.workflow.getHandle(workflowId).describe();
    expect(described).toMatchObject({ type: 'syncCycle', taskQueue: buildCycleQueue(installation) });
    expect(described.raw.workflowExecutionInfo?.execution?.workflowId).toBe(workflowId);
    expect(await described.staticSummary()).toContain(installation);
    expect(await client.workflow.getHandle(lane.workflowId).describe()).toMatchObject({
      type: 'backfill',
      taskQueue: buildBackfillQueue(installation),
    });

    const stopped = await contactSync(['stop', '--reason', 'maintenance', '--json'], env);
    expect(JSON.parse(stopped.out)).toEqual({
      ...{ workflowId, wasRunning: true },
      backfill: { ...lane, wasRunning: true },
    });
    const ended = { state: 'ended', message: 'it is terminated' };
    expect(await status()).toMatchObject({ chain: ended, backfill: ended });
    const twice = await contactSync(['stop'], env);
    expect(twice).toMatchObject({ code: 0, out: `The sync was not running: workflow ${workflowId}` });

    const restarted = await contactSync(['start', '--json'], env);
    expect(JSON.parse(restarted.out)).toMatchObject({ workflowId, alreadyRunning: false });
    await contactSync(['stop'], env);
  });

  it('starts the lane alone where the cycles of an older version run', async () => {
    await contactSync(['start'], env);
    await client.workflow.getHandle(buildBackfillId(installation)).terminate();
    const { out } = await contactSync(['start'], env);
    expect(out).toContain('The sync is already running');
    expect(out).toContain(`The backfill lane is started: workflow ${buildBackfillId(installation)}`);
    await contactSync(['stop'], env);
  });

  it('say that no worker answers, within seconds', async () => {
    await contactSync(['start'], env);
    const begun = Date.now();
    const { code, out } = await contactSync(['status'], env);
    expect(code).toBe(0);
    expect(out).toContain('no worker answers');
    expect(Date.now() - begun).toBeLessThan(5_000);
    await contactSync(['stop'], env);
  });

  it('show what the cycle is doing, as the worker tells it', async () => {
    const worker = await cycleWorker();
    await worker.runUntil(async () => {
      await contactSync(['start'], env);
      await expect
        .poll(async () => (await status()).chain, { timeout: 10_000 })
        .toMatchObject({
          state: 'running',
          worker: 'answering',
          progress: { cycle: 7, step: 'rest' },
          retried: [],
        });
      expect((await contactSync(['status'], env)).out).toMatch(/rest before cycle 7, (1 h 0|59) min/);
      await contactSync(['stop'], env);
    });
  });

  it('show a step that fails and is tried again', async () => {
    const worker = await Worker.create({
      connection,
      workflowBundle,
      taskQueue: buildCycleQueue(installation),
      activities: {
        begin: () => Promise.reject(ApplicationFailure.retryable('the store does not answer', 'Unavailable')),
      },
    });
    await worker.runUntil(async () => {
      await contactSync(['start'], env);
      await expect
        .poll(async () => (await status()).chain.retried, { timeout: 15_000 })
        .toMatchObject([{ step: 'begin', failure: 'Unavailable: the store does not answer' }]);
      await contactSync(['stop'], env);
    });
  });

  it('name a namespace that Temporal does not have', async () => {
    const { code, err } = await contactSync(['start'], { ...env, TEMPORAL_NAMESPACE: 'elsewhere' });
    expect(code).toBe(2);
    expect(err).toContain('has no namespace "elsewhere"');
    expect(err).toContain('TEMPORAL_NAMESPACE');
  });
});

describe('contact-sync create-person', () => {
  it('leaves the request with Temporal, also when no worker runs', async () => {
    const argv = ['create-person', '1042', '--as', 'lead', '--request-id', 'r-1', '--json'];
    const { code, out } = await contactSync(argv, env);
    const workflowId = buildCreatePersonId({ installation, marketoId: 1042 });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ workflowId, requestId: 'r-1' });
    expect((await client.workflow.getHandle(workflowId).describe()).status.name).toBe('RUNNING');
    await client.workflow.getHandle(workflowId).terminate();
  });

  it('waits for the outcome and hands the request on as it was given', async () => {
    const { worker, asked } = await personWorker(answering({}));
    const argv = [
      'create-person',
      '1042',
      '--as',
      'lead',
      '--owner',
      OWNER.toUpperCase(),
      '--campaign',
      '99',
    ];
    const { code, out } = await worker.runUntil(() =>
      contactSync([...argv, '--request-id', 'r-2', '--wait', '--json'], env),
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      requestId: 'r-2',
      outcome: 'created',
      kind: 'lead',
      dynamicsId: ROW,
    });
    expect(asked).toMatchObject([
      {
        marketoId: 1042,
        requests: [{ requestId: 'r-2', campaignId: '99', syncAs: 'lead', ownerId: OWNER }],
      },
    ]);
  });

  it.each([
    ['created', 0, /created as lead/],
    ['linked', 0, /linked to lead/],
    ['already-there', 0, /nothing was changed/],
    ['refused', 3, /refused \(0x80040265\)/],
    ['ambiguous', 3, /several records/],
    ['not-found', 3, /no such person/],
  ] as const)('%s ends with %d', async (outcome, expected, sentence) => {
    const { worker } = await personWorker(answering({ outcome, code: '0x80040265' }));
    const argv = ['create-person', '7', '--as', 'lead', '--wait'];
    const { code, out } = await worker.runUntil(() => contactSync(argv, env));
    expect(code).toBe(expected);
    expect(out).toMatch(sentence);
  });

  it('two requests for one person at once are one run', async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => void (release = resolve));
    const { worker, asked } = await personWorker(async () => {
      await released;
      return answering({})();
    });
    const argv = ['create-person', '7', '--as', 'lead', '--wait', '--json'];
    const results = await worker.runUntil(async () => {
      const both = [contactSync(argv, env), contactSync(argv, env)];
      await expect.poll(() => asked.length, { timeout: 10_000 }).toBe(1);
      release();
      return Promise.all(both);
    });
    expect(results.map(({ code }) => code)).toEqual([0, 0]);
  });

  it('says that nobody answered in time; the request stays', async () => {
    const argv = ['create-person', '7', '--as', 'contact', '--wait', '--timeout', '1s'];
    const { code, err } = await contactSync(argv, env);
    expect(code).toBe(1);
    expect(err).toContain('No answer within 1 s; the request stays open.');
    expect(err).toContain('npm run worker');
    const handle = client.workflow.getHandle(buildCreatePersonId({ installation, marketoId: 7 }));
    expect((await handle.describe()).status.name).toBe('RUNNING');
    await handle.terminate();
  });

  it('tells what a request waits for', async () => {
    const { worker } = await personWorker(() =>
      Promise.reject(ApplicationFailure.nonRetryable('the role of the API user lacks a right', 'Forbidden')),
    );
    const argv = ['create-person', '7', '--as', 'lead', '--wait', '--timeout', '3s'];
    const { code, err } = await worker.runUntil(() => contactSync(argv, env));
    expect(code).toBe(1);
    expect(err).toMatch(/It says: Person 7: waiting until .*: the role of the API user lacks a right/);
    await client.workflow.getHandle(buildCreatePersonId({ installation, marketoId: 7 })).terminate();
  });

  it('tells that a request was ended by somebody', async () => {
    const running = contactSync(['create-person', '7', '--as', 'lead', '--wait'], env);
    const handle = client.workflow.getHandle(buildCreatePersonId({ installation, marketoId: 7 }));
    await expect
      .poll(() =>
        handle.terminate('not wanted any more').then(
          () => 'ended',
          () => 'not there yet',
        ),
      )
      .toBe('ended');
    expect(await running).toMatchObject({
      code: 1,
      err: expect.stringContaining('contact-sync: The request failed: not wanted any more') as string,
    });
  });
});

describe('contact-sync reconcile', () => {
  const lookingFor = (looks: string[]): Promise<Worker> =>
    Worker.create({
      connection,
      workflowBundle,
      taskQueue: buildBackfillQueue(installation),
      activities: {
        findWork: ({ at }: { at: string }) => {
          looks.push(at);
          return Promise.resolve({ work: null, lookAgainAt: Date.now() + 3_600_000, takeoverMs: 30_000 });
        },
      },
    });

  it('asks for a pass once, and wakes the lane, which was to look in an hour', async () => {
    const database = openDatabase(env['DATABASE_URL'] ?? '', { connections: 1 });
    await database.deleteFrom('reconciliations').execute();
    await database.destroy();
    const looks: string[] = [];
    const worker = await lookingFor(looks);
    await worker.runUntil(async () => {
      await contactSync(['start'], env);
      await expect.poll(() => looks.length, { timeout: 10_000 }).toBe(1);
      const first = await contactSync(['reconcile', '--json'], env);
      const workflowId = buildBackfillId(installation);
      expect(JSON.parse(first.out)).toEqual({ workflowId, alreadyOpen: false, running: true });
      await expect.poll(() => looks.length, { timeout: 10_000 }).toBe(2);
      const again = await contactSync(['reconcile'], env);
      expect(again.out).toContain(`A pass is open already: workflow ${workflowId}`);
      expect((await contactSync(['status'], env)).out).toContain('Reconciling  asked for');
      await contactSync(['stop'], env);
    });
    const { out } = await contactSync(['reconcile'], env);
    expect(out).toContain('the pass begins after contact-sync start');
  });
});
