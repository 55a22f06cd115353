import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { sql } from 'kysely';
import { pino } from 'pino';
import { openRemotes } from '../../activities/remotes.js';
import { sweepChunks } from '../../activities/start-chunks.js';
import { ConfigurationError } from '../../config/configuration-error.js';
import { loadDotenv, readEnvironment } from '../../config/environment.js';
import { readSyncConfig } from '../../config/sync-config.js';
import { openStore, StoreUnavailable } from '../../store/open.js';
import { buildGateway } from './app.js';
import { createIntake } from './intake.js';
import { munchkinOf } from './munchkin.js';
import { createPicklists } from './owners.js';
import { within } from './refused.js';
import { readServiceStatus } from './status.js';

const READY_MS = 2_000;

/** The gateway process: takes what campaigns hand in until it is told to stop. Any number may run side by side. */
const main = async (): Promise<void> => {
  loadDotenv();
  const env = readEnvironment(process.env, [
    'marketo',
    'dynamics',
    'store',
    'temporal',
    'gateway',
    'callbacks',
  ]);
  const config = readSyncConfig(env.configFile);
  const logger = pino({ level: env.logLevel, base: { service: 'contact-sync-gateway' } });
  const store = await openStore(env.store, { onProgress: (line) => logger.info(line) });
  const remotes = openRemotes(env, config, store.db);
  const { connectionOptions, namespace } = env.temporal;
  // Connects when it is first needed: a request is kept, and started later, while Temporal is away.
  const connection = Connection.lazy(connectionOptions);
  const client = new Client({ connection, namespace });
  const starter = { client, db: store.db, installation: env.installation };
  const onNotStarted = (err: unknown): void =>
    logger.warn({ err }, 'work of campaigns could not be started; it will be tried again');
  const intake = createIntake({
    ...{ starter, keys: env.gateway.keys, hosts: env.callbacks.hosts, onNotStarted },
    munchkinId: munchkinOf(env.marketo.endpoint),
  });
  const app = buildGateway({
    service: {
      ...intake,
      picklist: createPicklists(remotes.dynamics.onLane('on-demand')),
      status: () => readServiceStatus({ ...starter, namespace }),
    },
    apiKey: env.gateway.apiKey,
    webhookSecret: env.gateway.webhookSecret,
    published: { ...env.gateway, version: '1.0.0' },
    logger,
    isReady: () =>
      within(READY_MS, 'the store', sql`select 1`.execute(store.db)).then(
        () => true,
        () => false,
      ),
  });
  const sweep = sweepChunks(starter, onNotStarted);
  const stopped = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve());
  });
  await app.listen({ port: env.gateway.port, host: '0.0.0.0' });
  const { port } = app.server.address() as AddressInfo;
  logger.info({ installation: env.installation, port }, 'the gateway is ready');
  process.send?.({ ready: { port } });
  await stopped;
  await app.close();
  await sweep.stop();
  await connection.close();
  await remotes.close();
  await store.close();
  logger.info('the gateway has stopped');
};

try {
  await main();
} catch (error) {
  const mendable = error instanceof ConfigurationError || error instanceof StoreUnavailable;
  const inUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  const text = error instanceof Error ? error.message : String(error);
  const hint = inUse ? ': set GATEWAY_PORT to another port, or 0 for any free one' : '';
  process.stderr.write(`contact-sync gateway: ${text}${hint}\n`);
  // What was opened by then would keep the process alive.
  process.exit(mendable || inUse ? 2 : 1);
}
