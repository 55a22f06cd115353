import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { run as runClient } from '../../client/run.js';
import { buildCycleId } from '../../config/names.js';
import type { SyncConfig } from '../../config/sync-config.js';
import { openStore, type Store } from '../../store/open.js';
import { findTemporalServer, startDevServer, type DevServer } from '../temporal-server.js';
import { startChild, tailOf, type Child } from './child.js';
import { openRunDatabase, type RunDatabase } from './database.js';
import { writeDemoConfig } from './demo-config.js';
import { neutralEnvironment, productVariables, writeEnvironment } from './environment.js';
import { StartFailure } from './failure.js';
import { noteProcesses, type Folder } from './folder.js';
import { gatewayVariables, installStep, startGateway } from './gateway.js';
import { PRODUCT_REST, type StartOptions } from './options.js';
import { portsOf, startSimulators, type Simulators } from './simulators.js';
import type { Teardown } from './teardown.js';

/** Everything that runs, as the rest of the program needs it. */
export interface Stack {
  readonly store: Store;
  readonly database: RunDatabase;
  readonly temporal: { readonly client: Client; readonly uiUrl: string };
  readonly simulators: Simulators;
  readonly config: SyncConfig;
  readonly installation: string;
  /** Straight to the workflow of the cycles. */
  readonly workflowUrl: string;
}

export interface StackInput {
  readonly options: StartOptions;
  readonly folder: Folder;
  readonly env: NodeJS.ProcessEnv;
  readonly teardown: Teardown;
  /** Told what was started, a line each. */
  readonly tell: (line: string) => void;
  /** Told when a part ended by itself. */
  readonly onCrash: (error: Error) => void;
}

/** A worker has calls and store statements to end; the server behind it stays up meanwhile. */
const STOP_MS = { worker: 30_000, gateway: 15_000, simulators: 20_000 } as const;

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

const startStore = async ({ folder, env, teardown, tell }: StackInput) => {
  const began = performance.now();
  const database = await openRunDatabase(folder, env['DATABASE_URL']);
  teardown.add('store', () => database.close());
  const store = await openStore({ databaseUrl: database.url, dataDir: folder.path });
  teardown.add('clients', () => store.close());
  tell(`Store: ${database.place}, ready in ${seconds(began)}`);
  return { database, store };
};

const startTemporal = async ({ folder, teardown, tell, onCrash }: StackInput): Promise<DevServer> => {
  const path = await findTemporalServer('dev', { onProgress: tell });
  const began = performance.now();
  const logFile = join(folder.logs, 'temporal.log');
  const server = await startDevServer({ path, port: 0, uiPort: 0, dbFile: folder.temporalDb, logFile });
  teardown.add('temporal', server.stop);
  void server.crashed.then((error) =>
    onCrash(new StartFailure(`${error.message}. The last lines of ${logFile}:\n${tailOf(logFile)}`)),
  );
  tell(`Temporal: server and UI on ${server.uiUrl}, ready in ${seconds(began)}`);
  return server;
};

const startRemotes = async (input: StackInput): Promise<Simulators> => {
  const { folder, options, env, teardown, tell, onCrash } = input;
  const began = performance.now();
  const { child, ready } = await startSimulators(folder, options, neutralEnvironment(env));
  teardown.add('simulators', () => child.stop(STOP_MS.simulators));
  void child.crashed.then(onCrash);
  const simulators = await ready;
  const people = folder.goesOn
    ? 'people of the last start'
    : `${options.people.toLocaleString('en-US')} people`;
  tell(`Marketo, Dynamics (simulated): ${people}, limits ${options.limits}, ready in ${seconds(began)}`);
  return simulators;
};

const startWorker = (input: StackInput, variables: Readonly<Record<string, string>>): Child => {
  const { folder, env, teardown, onCrash } = input;
  const worker = startChild({
    name: 'The worker',
    script: fileURLToPath(new URL('../../worker/main.js', import.meta.url)),
    // Not read: they tell people, and a later start, whose worker this is.
    args: ['--data-dir', folder.path],
    env: { ...neutralEnvironment(env), ...variables },
    // Not the project's: a .env there belongs to another installation.
    cwd: folder.path,
    logFile: join(folder.logs, 'worker.log'),
    preload: pathToFileURL(fileURLToPath(new URL('../with-parent.js', import.meta.url))).href,
  });
  teardown.add('worker', () => worker.stop(STOP_MS.worker));
  void worker.crashed.then(onCrash);
  return worker;
};

/** Campaigns hand persons in there. */
const openGateway = (
  { folder, env, teardown, onCrash }: StackInput,
  variables: Readonly<Record<string, string>>,
): Child => {
  const gateway = startGateway(folder, { ...neutralEnvironment(env), ...variables });
  teardown.add('worker', () => gateway.stop(STOP_MS.gateway));
  void gateway.crashed.then(onCrash);
  return gateway;
};

/** Runs a command of `contact-sync` in this process; what it says goes to a log, and into the failure. */
const command = async (
  folder: Folder,
  env: NodeJS.ProcessEnv,
  name: 'setup' | 'start' | 'stop',
): Promise<void> => {
  const log = createWriteStream(join(folder.logs, 'contact-sync.log'), { flags: 'a' });
  const said: string[] = [];
  const err = (text: string): void => {
    said.push(text);
    log.write(`${text}\n`);
  };
  const code = await runClient([name], env, {
    out: (text) => void log.write(`${text}\n`),
    err,
    color: false,
  });
  await new Promise<void>((resolve) => log.end(resolve));
  if (code !== 0) throw new StartFailure(`contact-sync ${name} failed:\n${said.join('\n')}`);
};

const startCycles = async (folder: Folder, env: NodeJS.ProcessEnv): Promise<void> => {
  await command(folder, env, 'setup');
  // Nobody reports the end of a step whose worker was killed; a new chain goes on from the store at once.
  if (folder.wasKilled) await command(folder, env, 'stop');
  await command(folder, env, 'start');
};

const connect = async (server: DevServer, teardown: Teardown): Promise<Client> => {
  const connection = await Connection.connect({ address: server.address });
  teardown.add('clients', () => connection.close());
  return new Client({ connection });
};

/** The address of the UI's page about the workflow's latest run. */
const pageOf = (uiUrl: string, installation: string): string =>
  `${uiUrl}/namespaces/default/workflows/${encodeURIComponent(buildCycleId(installation))}`;

/**
 * Starts everything: store, Temporal and simulators side by side; then the worker, while both systems are set up; then
 * the cycles. Each part is in `teardown` as soon as it runs.
 */
export const startStack = async (input: StackInput): Promise<Stack> => {
  const { options, folder, env, teardown, tell } = input;
  const installation = env['SYNC_INSTALLATION'] ?? 'default';
  const short = options.rest.ms < PRODUCT_REST.ms;
  const base = [
    startStore(input),
    startTemporal(input),
    startRemotes(input),
    writeDemoConfig(folder, short),
    gatewayVariables(folder),
  ] as const;
  // All, also when one fails: nothing may still come up after the teardown.
  await Promise.allSettled(base);
  const [{ database, store }, server, simulators, { file, config }, forCampaigns] = await Promise.all(base);
  const variables = {
    ...productVariables(folder, {
      ...{ remotes: simulators.environment, databaseUrl: database.url, temporalAddress: server.address },
      ...{ configFile: file, installation, rest: options.rest.text },
    }),
    ...forCampaigns,
    LOG_LEVEL: env['LOG_LEVEL'] ?? 'info',
  };
  await writeEnvironment(folder, variables);
  const began = performance.now();
  const worker = startWorker(input, variables);
  const gateway = openGateway(input, variables);
  const processes = [simulators.child.pid, worker.pid, gateway.pid];
  await noteProcesses(folder, processes, portsOf(simulators));
  const campaigns = Promise.all([startCycles(folder, variables), gateway.ready]).then(() =>
    installStep(simulators.marketo, variables),
  );
  const top = [connect(server, teardown), campaigns, worker.ready] as const;
  await Promise.allSettled(top);
  const [client] = await Promise.all(top);
  tell(
    `Both systems set up, worker and gateway ready, flow step installed, cycles started in ${seconds(began)}`,
  );
  const { uiUrl } = server;
  const temporal = { client, uiUrl };
  const workflowUrl = pageOf(uiUrl, installation);
  return { store, database, temporal, simulators, config, installation, workflowUrl };
};
