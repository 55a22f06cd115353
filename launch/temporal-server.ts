import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { endLeftover, forgetServer, noteServer } from './leftover-server.js';
import { freePorts } from './ports.js';

export { findTemporalServer, type FindServerOptions } from './temporal-binary.js';
export type { ServerKind } from './temporal-download.js';

export interface DevServerOptions {
  /** The `temporal` program, as findTemporalServer('dev') gives it. */
  readonly path: string;
  /** Port of the server on loopback; 0 picks a free one. */
  readonly port: number;
  /** Port of Temporal UI on loopback; 0 picks a free one. */
  readonly uiPort: number;
  /** SQLite file that keeps workflows over a restart; without it they are kept in memory. */
  readonly dbFile?: string;
  /** What the server says goes to the end of this file. */
  readonly logFile: string;
}

export interface DevServer {
  /** `host:port` for clients and workers; the namespace is `default`. */
  readonly address: string;
  readonly uiUrl: string;
  /** Stops it: gently, and after five seconds for good. Safe to call twice. */
  readonly stop: () => Promise<void>;
  /** Settles with a reason when the server ends without having been stopped; never otherwise. */
  readonly crashed: Promise<Error>;
}

const answerWithinMs = 60_000;
const stopWithinMs = 5_000;
const ATTEMPTS = 3;

const hasEnded = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

const logTail = (file: string, lines = 5): string =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-lines).join('\n') : '';

const answers = async (address: string): Promise<boolean> => {
  try {
    // Connecting asks the server for its capabilities, so it is also the proof that it serves.
    const connection = await Connection.connect({ address, connectTimeout: 2_000 });
    try {
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
};

const untilAnswers = async (child: ChildProcess, address: string, logFile: string): Promise<void> => {
  const deadline = Date.now() + answerWithinMs;
  const ended = new Promise<false>((resolve) => {
    child.once('exit', () => resolve(false));
    child.once('error', () => resolve(false));
  });
  while (!(await Promise.race([answers(address), ended]))) {
    if (hasEnded(child)) throw new Error(`Temporal's development server does not start: ${logTail(logFile)}`);
    if (Date.now() > deadline) {
      throw new Error(`Temporal's development server does not answer on ${address}: ${logTail(logFile)}`);
    }
    await sleep(100);
  }
};

const stopChild = async (child: ChildProcess): Promise<void> => {
  if (hasEnded(child)) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
  await ended;
  clearTimeout(hard);
};

const spawnServer = (options: DevServerOptions, port: number, uiPort: number): ChildProcess => {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const database = options.dbFile === undefined ? [] : ['--db-filename', options.dbFile];
  const ports = ['--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)];
  // A group of its own: Ctrl-C in the terminal must reach us alone, so that the worker can stop before its server.
  const child = spawn(options.path, ['server', 'start-dev', ...ports, ...database, '--log-level', 'warn'], {
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  if (options.dbFile !== undefined && child.pid !== undefined) noteServer(options.dbFile, child.pid);
  return child;
};

/**
 * Starts Temporal's development server with its UI, and answers once it serves.
 *
 * @throws when it ends or does not answer within a minute, with the last lines that it said.
 */
export const startDevServer = async (options: DevServerOptions): Promise<DevServer> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(options);
    } catch (error) {
      // Somebody may take a free port before the server does, which then ends at once.
      const taken = logTail(options.logFile, 200).includes('address already in use');
      if (options.port !== 0 || options.uiPort !== 0 || !taken || attempt === ATTEMPTS) throw error;
      rmSync(options.logFile);
    }
  }
};

const startOnce = async (options: DevServerOptions): Promise<DevServer> => {
  const [freePort = 0, freeUiPort = 0] = await freePorts(2);
  const port = options.port === 0 ? freePort : options.port;
  const uiPort = options.uiPort === 0 ? freeUiPort : options.uiPort;
  const address = `127.0.0.1:${port}`;
  if (options.dbFile !== undefined) await endLeftover(options.dbFile);
  const child = spawnServer(options, port, uiPort);
  let stopping = false;
  const crashed = new Promise<Error>((resolve) => {
    child.once('error', (error) => resolve(new Error(`${options.path} cannot be started: ${error.message}`)));
    child.once('exit', (code, signal) => {
      if (!stopping)
        resolve(new Error(`Temporal's development server ended (${code ?? signal ?? 'unknown'})`));
    });
  });
  const endWithUs = (): void => void child.kill('SIGTERM');
  process.once('exit', endWithUs);
  const stop = async (): Promise<void> => {
    stopping = true;
    await stopChild(child);
    process.off('exit', endWithUs);
    if (options.dbFile !== undefined) forgetServer(options.dbFile);
  };
  try {
    await untilAnswers(child, address, options.logFile);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, uiUrl: `http://127.0.0.1:${uiPort}`, stop, crashed };
};
