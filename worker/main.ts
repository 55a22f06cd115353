import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import {
  createBackfillActivities,
  createChunkActivities,
  createCycleActivities,
  createOnDemandActivities,
} from '../activities/index.js';
import { openRemotes, reconciliationOf, timingOf } from '../activities/remotes.js';
import { sweepChunks } from '../activities/start-chunks.js';
import { ConfigurationError } from '../config/configuration-error.js';
import { loadDotenv, readEnvironment } from '../config/environment.js';
import type { TemporalEnvironment } from '../config/temporal.js';
import { buildBackfillQueue, buildChunkQueue, buildCycleQueue, buildOnDemandQueue } from '../config/names.js';
import { readSyncConfig } from '../config/sync-config.js';
import { createPoster } from '../marketo/callbacks/post.js';
import { installation } from '../store/installations.js';
import { openStore, StoreUnavailable } from '../store/open.js';
import { serveHealth } from './health.js';
import { installLogging } from './logging.js';
import { healthOf } from './readiness.js';

/** Cycle steps at once in one worker: three chunks, each pushing to both sides, beside the fetches. */
const CYCLE_STEPS = 8;
/** Steps of creations at once. Those that wait for a remote's rate share the next call, so many waiting is few calls. */
const CREATIONS = 100;
/** Chunks of batch campaigns at once: each makes full use of the remotes by itself. */
const CHUNKS = 4;
/** One thing at a time, and a look at the store beside it. */
const BACKFILL_STEPS = 2;

/** The worker process: reads its configuration, serves all queues until it is told to stop, lets calls end. */
const main = async (): Promise<void> => {
  loadDotenv();
  const env = readEnvironment(process.env, ['marketo', 'dynamics', 'store', 'temporal', 'callbacks']);
  const config = readSyncConfig(env.configFile);
  const logger = installLogging(env.logLevel);
  const store = await openStore(env.store, { onProgress: (line) => logger.info(line) });
  const remotes = openRemotes(env, config, store.db);
  const connection = await connectTemporal(env.temporal);
  if ((await installation(store.db, env.installation)) === undefined) {
    logger.warn(`the installation "${env.installation}" is not set up: run "contact-sync setup"`);
  }
  const poster = createPoster();
  const { keys, hosts } = env.callbacks;
  const ports = {
    db: store.db,
    installation: env.installation,
    choices: config.fields,
    scope: config.scope,
    stampColumn: config.stampColumn,
    onMarketoDelete: config.onMarketoDelete,
    ledgerMonths: config.ledger.months,
    timing: timingOf(env.restMs, config),
    guard: config.guard,
    reconciliation: reconciliationOf(config),
    callbacks: keys === undefined ? undefined : { poster, hosts, keys },
    ...remotes,
  };
  const common = {
    connection,
    namespace: env.temporal.namespace,
    workflowBundle: { codePath: fileURLToPath(new URL('../workflow-bundle.js', import.meta.url)) },
    shutdownGraceTime: '20 seconds',
    shutdownForceTime: '50 seconds',
  } satisfies WorkerOptions | Record<string, unknown>;
  const cycle = await Worker.create({
    ...common,
    taskQueue: buildCycleQueue(env.installation),
    activities: createCycleActivities(ports),
    maxConcurrentActivityTaskExecutions: CYCLE_STEPS,
  });
  const onDemand = await Worker.create({
    ...common,
    taskQueue: buildOnDemandQueue(env.installation),
    activities: createOnDemandActivities({
      ...ports,
      marketo: remotes.marketo.onLane('on-demand'),
      dynamics: remotes.dynamics.onLane('on-demand'),
    }),
    maxConcurrentActivityTaskExecutions: CREATIONS,
  });
  const backfill = await Worker.create({
    ...common,
    taskQueue: buildBackfillQueue(env.installation),
    activities: createBackfillActivities(ports),
    maxConcurrentActivityTaskExecutions: BACKFILL_STEPS,
  });
  // In the cycle's lane of the remotes' budgets, behind requests in real time.
  const chunks = await Worker.create({
    ...common,
    taskQueue: buildChunkQueue(env.installation),
    activities: createChunkActivities(ports),
    maxConcurrentActivityTaskExecutions: CHUNKS,
  });
  const workers = [cycle, onDemand, backfill, chunks];
  const client = new Client({ connection, namespace: env.temporal.namespace });
  const sweep = sweepChunks({ client, db: store.db, installation: env.installation }, (error) =>
    logger.warn({ err: error }, 'chunks of campaigns could not be started; they will be tried again'),
  );
  const health = await serveHealth(env.healthPort, () => healthOf(store.db, workers));
  logger.info({ installation: env.installation, health: health.port }, 'the worker is ready');
  process.send?.({ ready: { health: health.port } });
  try {
    await Promise.all(workers.map((worker) => worker.run()));
  } finally {
    await sweep.stop();
    poster.close();
    await health.close();
    await connection.close();
    await remotes.close();
    await store.close();
  }
  logger.info('the worker has stopped');
};

/** @throws {ConfigurationError} when nothing answers there. */
const connectTemporal = async ({ connectionOptions }: TemporalEnvironment): Promise<NativeConnection> => {
  try {
    return await NativeConnection.connect(connectionOptions);
  } catch (cause) {
    const problem = `Temporal at ${connectionOptions.address} does not answer: check TEMPORAL_ADDRESS, and that the server runs.`;
    throw new ConfigurationError('The worker cannot start:', [problem], { cause });
  }
};

/** What a start that failed says, and the exit code: 2 where the configuration is to be mended. */
const sentenceOf = (error: unknown): { readonly text: string; readonly code: 1 | 2 } => {
  if (error instanceof ConfigurationError || error instanceof StoreUnavailable) {
    return { text: error.message, code: 2 };
  }
  if (!(error instanceof Error)) return { text: String(error), code: 1 };
  if ('code' in error && error.code === 'EADDRINUSE') {
    return { text: `${error.message}: set SYNC_HEALTH_PORT to another port, or 0 for any free one`, code: 2 };
  }
  return { text: `${error.name}: ${error.message}`, code: 1 };
};

try {
  await main();
} catch (error) {
  const { text, code } = sentenceOf(error);
  process.stderr.write(`contact-sync worker: ${text}\n`);
  // What was opened by then would keep the process alive.
  process.exit(code);
}
