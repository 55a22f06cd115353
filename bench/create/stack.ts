import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_CONFIG } from '../../config/default-config.js';
import { neutralEnvironment } from '../../launch/start/environment.js';
import { startChild, type Child } from '../../launch/start/child.js';
import { createTeardown, type Teardown } from '../../launch/start/teardown.js';
import { findTemporalServer, startDevServer } from '../../launch/temporal-server.js';
import { openEmbeddedPostgres } from '../../store/embedded.js';
import { openDatabase, type Database } from '../../store/database.js';

/** An installation as in production: gateway, worker, PostgreSQL, Temporal and both systems are processes of their own. */
export interface Stack {
  /** Origins: of the gateway, and of the administrative doors of both simulators. */
  readonly gateway: string;
  readonly marketo: string;
  readonly dataverse: string;
  /** What the gateway expects as `x-api-key`. */
  readonly apiKey: string;
  /** Where both systems and their credentials are. */
  readonly env: Readonly<Record<string, string>>;
  readonly db: Database;
  /** Settles when one of its processes ended by itself. */
  readonly crashed: Promise<Error>;
  /** Runs a command of `contact-sync`. */
  readonly command: (name: string) => Promise<void>;
}

export interface StackOptions {
  /** Humans over both systems at the start. */
  readonly people: number;
  /** Share of Marketo's limits that the product may use. */
  readonly share: number;
  readonly say: (line: string) => void;
}

const here = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
/** Ends a child when this process is gone, however it ended. */
const WITH_PARENT = new URL('../../launch/with-parent.js', import.meta.url).href;
const STOP_MS = 20_000;

/** Starts everything in a new folder; what runs is in `teardown` at once, and so is the folder's end. */
export const startStack = async (options: StackOptions, teardown: Teardown): Promise<Stack> => {
  const folder = await mkdtemp(join(tmpdir(), 'contact-sync-bench-'));
  await mkdir(join(folder, 'logs'));
  teardown.add('store', () => rm(folder, { recursive: true, force: true }));
  const crashes: Promise<Error>[] = [];
  const start = (name: string, script: string, env: Record<string, string>, args: string[] = []): Child => {
    const child = startChild({
      ...{ name, script: here(script), args, env, cwd: folder, preload: WITH_PARENT },
      logFile: join(folder, 'logs', `${script.replaceAll('/', '-')}.log`),
    });
    const part = script.startsWith('simulators') ? 'simulators' : 'worker';
    teardown.add(part, () => child.stop(STOP_MS));
    crashes.push(child.crashed);
    return child;
  };
  const neutral = neutralEnvironment(process.env);
  const simulators = start('The process of the simulators', 'simulators/main.js', neutral, [
    ...['--marketo-port', '0', '--dataverse-port', '0', '--limits', 'real', '--exit-with-parent'],
    ...['--people', String(options.people)],
  ]);
  const [postgres, temporal] = await bothServers(folder, options, teardown);
  const remotes = (await simulators.ready) as Pick<Stack, 'marketo' | 'dataverse'> & {
    readonly environment: Readonly<Record<string, string>>;
  };
  const apiKey = randomBytes(32).toString('base64url');
  const configFile = join(folder, 'sync.config.yaml');
  await writeFile(configFile, DEFAULT_CONFIG.replace('share: 0.5', `share: ${options.share}`));
  const env: Record<string, string> = {
    ...neutral,
    ...remotes.environment,
    DATABASE_URL: postgres,
    SYNC_DATA_DIR: folder,
    SYNC_INSTALLATION: 'bench',
    SYNC_CONFIG: configFile,
    SYNC_HEALTH_PORT: '0',
    TEMPORAL_ADDRESS: temporal,
    TEMPORAL_NAMESPACE: 'default',
    // An empty profile: one of the user's own may name another server's key or certificate.
    TEMPORAL_CONFIG_FILE: join(folder, 'temporal.toml'),
    GATEWAY_PORT: '0',
    GATEWAY_PUBLIC_URL: 'http://127.0.0.1:8090',
    GATEWAY_API_KEY: apiKey,
    GATEWAY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    GATEWAY_CALLBACK_HOSTS: '127.0.0.1',
    GATEWAY_SUPPORT_CONTACT: 'bench@example.com',
    LOG_LEVEL: 'warn',
  };
  await writeFile(join(folder, 'temporal.toml'), '[profile.default]\n');
  await command(env, folder, 'setup');
  const worker = start('The worker', 'worker/main.js', env);
  const gateway = start('The gateway', 'client/gateway/main.js', env);
  await worker.ready;
  const { port } = (await gateway.ready) as { readonly port: number };
  const db = openDatabase(postgres, { connections: 1 });
  teardown.add('clients', () => db.destroy());
  return {
    ...{ gateway: `http://127.0.0.1:${port}`, marketo: remotes.marketo, dataverse: remotes.dataverse },
    ...{ apiKey, env, db, crashed: Promise.race(crashes) },
    command: (name) => command(env, folder, name),
  };
};

const bothServers = async (
  folder: string,
  { say }: StackOptions,
  teardown: Teardown,
): Promise<readonly [postgres: string, temporal: string]> => {
  const postgres = await openEmbeddedPostgres({ dataDir: folder });
  teardown.add('temporal', postgres.stop);
  const path = await findTemporalServer('dev', { onProgress: say });
  const logFile = join(folder, 'logs', 'temporal.log');
  const server = await startDevServer({
    ...{ path, port: 0, uiPort: 0, logFile },
    dbFile: join(folder, 'temporal.db'),
  });
  teardown.add('temporal', server.stop);
  return [postgres.url, server.address];
};

const command = async (env: Record<string, string>, cwd: string, name: string): Promise<void> => {
  const child = spawn(process.execPath, [here('client/contact-sync.js'), name], {
    ...{ env, cwd, stdio: ['ignore', 'pipe', 'pipe'] },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => void (said += text.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`contact-sync ${name} ended with ${code ?? 'a signal'}:\n${said}`);
};

export { createTeardown, type Teardown };
