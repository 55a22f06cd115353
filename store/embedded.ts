import { mkdir, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { isAlive, withLock } from './embedded-lock.js';
import {
  createCluster,
  findCluster,
  readPassword,
  readPostmaster,
  startServer,
  stopServer,
  urlOf,
  type Cluster,
} from './embedded-server.js';

export interface OpenEmbeddedOptions {
  /** Where the cluster, its password and its runtime file live (`SYNC_DATA_DIR`); made if missing. */
  readonly dataDir: string;
  /** Told what takes a while, one plain line each. */
  readonly onProgress?: (line: string) => void;
  /** Further settings of PostgreSQL for the process that starts it; tests turn `fsync` off. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  /** Connection string of the database `contact_sync`; holds the password. */
  readonly url: string;
  /** True when this call started the server, false when it attached to a running one. */
  readonly started: boolean;
  /** Lets go of it. The server stops with the last process that uses it, whoever started it. */
  readonly stop: () => Promise<void>;
}

const database = 'contact_sync';
const lockMs = 120_000;

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof pg.DatabaseError && error.code === code;

const withClient = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
};

/** True when the server of this cluster answers there; waits while it starts, recovers or shuts down (57P03). */
const answers = async (url: string): Promise<boolean> => {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    try {
      return await withClient(url, async (client) => (await client.query('select 1')).rowCount === 1);
    } catch (error) {
      if (hasCode(error, '28P01')) {
        throw new Error('its server runs and refuses the password in postgres.password', { cause: error });
      }
      if (!hasCode(error, '57P03')) return false;
      await sleep(100);
    }
  }
  return false;
};

/** Duplicate database, the same found a moment later by its index, template in use: somebody else makes it right now. */
const beingMade = ['42P04', '23505', '55006'];

/** Makes our database unless it is there. A process killed here may have left the server working on the same order. */
const createDatabase = (url: string): Promise<void> =>
  withClient(url, async (client) => {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const found = await client.query('select 1 from pg_database where datname = $1', [database]);
      if (found.rowCount !== 0) return;
      try {
        await client.query(`create database ${database}`);
      } catch (error) {
        if (Date.now() > deadline || !beingMade.some((code) => hasCode(error, code))) throw error;
        await sleep(100);
      }
    }
  });

/** The running server's port; undefined when nothing of ours answers. */
const findRunning = async (cluster: Cluster, password: string): Promise<number | undefined> => {
  const postmaster = await readPostmaster(cluster);
  if (postmaster === undefined || !isAlive(postmaster.pid)) return undefined;
  return (await answers(urlOf(password, postmaster.port, 'postgres'))) ? postmaster.port : undefined;
};

/** Tells other programs and people where the server is; replaced whole, so that nobody reads half of it. */
const writeRuntimeFile = async (cluster: Cluster, url: string): Promise<void> => {
  const file = join(cluster.dataDir, 'postgres.json');
  const text = JSON.stringify({ url, ...(await readPostmaster(cluster)) });
  await writeFile(`${file}.${process.pid}`, `${text}\n`, { mode: 0o600 });
  await rename(`${file}.${process.pid}`, file);
};

let uses = 0;

/** Notes that this process uses the server, until the answered function is called: it answers who is left. */
const register = async (dataDir: string): Promise<() => Promise<number>> => {
  const folder = join(dataDir, 'postgres.users');
  await mkdir(folder, { recursive: true });
  uses += 1;
  const own = join(folder, `${process.pid}.${uses}`);
  await writeFile(own, '');
  return async () => {
    await rm(own, { force: true });
    const users = await readdir(folder);
    const gone = users.filter((name) => !isAlive(Number.parseInt(name, 10)));
    await Promise.all(gone.map((name) => rm(join(folder, name), { force: true })));
    return users.length - gone.length;
  };
};

const open = async (options: OpenEmbeddedOptions): Promise<EmbeddedPostgres> => {
  await mkdir(options.dataDir, { recursive: true });
  const dataDir = await realpath(options.dataDir);
  const cluster = await findCluster(dataDir);
  const lock = join(dataDir, 'postgres.lock');
  const say = options.onProgress ?? (() => undefined);
  return withLock(lock, lockMs, async () => {
    const password = await readPassword(dataDir);
    const running = await findRunning(cluster, password);
    if (running === undefined) {
      say('Starting the private PostgreSQL');
      await createCluster(cluster);
      const isRunning = async (): Promise<boolean> => (await findRunning(cluster, password)) !== undefined;
      await startServer(cluster, options.settings ?? {}, isRunning);
    }
    const port = running ?? (await findRunning(cluster, password));
    if (port === undefined)
      throw new Error('PostgreSQL was started and does not answer with the password on file');
    await createDatabase(urlOf(password, port, 'postgres'));
    const url = urlOf(password, port, database);
    await writeRuntimeFile(cluster, url);
    const leave = await register(dataDir);
    const stop = (): Promise<void> =>
      withLock(lock, lockMs, async () => {
        if ((await leave()) > 0) return;
        await stopServer(cluster);
        await rm(join(dataDir, 'postgres.json'), { force: true });
      });
    return { url, started: running === undefined, stop };
  });
};

/**
 * Opens the private PostgreSQL of a data folder: starts it (and makes it, the first time), or attaches to it when
 * another process of ours already runs it. The server outlives a process that dies without calling `stop`; the next
 * one attaches, or starts it again with everything committed still there. Works as root too, by an unprivileged user.
 *
 * @throws one Error that names `DATABASE_URL` when it cannot be run on this machine.
 */
export const openEmbeddedPostgres = async (options: OpenEmbeddedOptions): Promise<EmbeddedPostgres> => {
  try {
    return await open(options);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `The private PostgreSQL in ${options.dataDir} cannot be run: ${reason}\n` +
        'Set DATABASE_URL to a PostgreSQL 14 or newer (postgres://user:password@host:5432/database) to use that instead.',
      { cause },
    );
  }
};
