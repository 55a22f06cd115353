import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run as contactSync } from '../../client/run.js';
import { DEFAULT_CONFIG } from '../../config/default-config.js';
import { parseSyncConfig, type SyncConfig } from '../../config/sync-config.js';
import { startDataverseSimulator } from '../../simulators/dataverse/index.js';
import { startMarketoSimulator } from '../../simulators/marketo/index.js';
import { generatePopulation } from '../../simulators/population/index.js';
import { openDatabase, type Database } from '../../store/database.js';
import { freshDatabase } from './database.js';

const WORKER = join(import.meta.dirname, '../../dist/worker/main.js');

/** Asks again and again until it is so. */
export const eventually = async (
  what: string,
  holds: () => Promise<boolean> | boolean,
  withinMs = 60_000,
): Promise<void> => {
  for (const deadline = Date.now() + withinMs; ;) {
    if (await holds()) return;
    if (Date.now() > deadline) throw new Error(`it did not come to this: ${what}`);
    await sleep(20);
  }
};

export interface WorkerProcess {
  /** `kill -9`: nothing is ended, nothing is told. */
  kill(): Promise<void>;
  /** What it logged so far. */
  readonly log: () => string;
}

/** An installation whose parts run as in production: both remotes over HTTP, PostgreSQL, Temporal, a worker process. */
export interface Installation {
  readonly name: string;
  readonly db: Database;
  readonly marketo: string;
  readonly dataverse: string;
  readonly config: SyncConfig;
  /** What its processes read. */
  readonly env: NodeJS.ProcessEnv;
  /** The worker of this installation as a process of its own; resolves once it polls its queues. */
  startWorker(): Promise<WorkerProcess>;
  /** Runs a command of `contact-sync`. */
  command(...args: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface InstallationOptions {
  readonly name: string;
  readonly people: number;
  /** `host:port` of a Temporal server. */
  readonly temporal: string;
  /** The lines of `timing` in the configuration. */
  readonly timing: Readonly<Record<string, string>>;
  /** More of the environment. */
  readonly variables?: Readonly<Record<string, string>>;
}

const configOf = (timing: InstallationOptions['timing']): string => {
  const lines = Object.entries(timing).map(([key, span]) => `  ${key}: ${span}\n`);
  return DEFAULT_CONFIG.replace('share: 0.5', 'share: 1').replace(
    /^timing:[^]*$/m,
    `timing:\n${lines.join('')}`,
  );
};

export const startInstallation = async (options: InstallationOptions): Promise<Installation> => {
  if (!existsSync(WORKER)) throw new Error(`${WORKER} is missing: run npm run build first`);
  const { persons, leads, contacts } = generatePopulation({ people: options.people, seed: options.name });
  const [folder, database, marketo, dataverse] = await Promise.all([
    mkdtemp(join(tmpdir(), 'contact-sync-')),
    freshDatabase(),
    startMarketoSimulator({ limits: 'off', persons }),
    startDataverseSimulator({ limits: 'off', leads, contacts }),
  ]);
  const text = configOf(options.timing);
  await writeFile(join(folder, 'sync.config.yaml'), text);
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    ...marketo.environment,
    ...dataverse.environment,
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: options.temporal,
    SYNC_INSTALLATION: options.name,
    SYNC_CONFIG: join(folder, 'sync.config.yaml'),
    SYNC_REST: '200ms',
    SYNC_HEALTH_PORT: '0',
    ...options.variables,
  };
  const db = openDatabase(database.url);
  const workers = new Set<ChildProcess>();
  return {
    name: options.name,
    db,
    marketo: marketo.origin,
    dataverse: dataverse.origin,
    env,
    config: parseSyncConfig(text, 'sync.config.yaml'),
    startWorker: () => startWorker(env, folder, workers),
    command: (...args) => command(env, args),
    close: async () => {
      await Promise.all([...workers].map(kill));
      await db.destroy();
      await Promise.all([database.drop(), marketo.close(), dataverse.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const command = async (env: NodeJS.ProcessEnv, args: readonly string[]): Promise<void> => {
  const said: string[] = [];
  const io = { out: (text: string) => void said.push(text), err: (text: string) => void said.push(text) };
  const code = await contactSync(args, env, { ...io, color: false });
  if (code !== 0)
    throw new Error(`contact-sync ${args.join(' ')} ended with ${String(code)}:\n${said.join('\n')}`);
};

const startWorker = async (
  env: NodeJS.ProcessEnv,
  cwd: string,
  workers: Set<ChildProcess>,
): Promise<WorkerProcess> => {
  const child = spawn(process.execPath, [WORKER], { env, cwd, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  workers.add(child);
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the worker ended by itself:\n${log}`);
  });
  await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => undefined);
  return {
    log: () => log,
    kill: async () => {
      await kill(child);
      workers.delete(child);
    },
  };
};

const kill = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
};
