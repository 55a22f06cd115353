import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { messageOf, StartFailure } from './failure.js';

export interface ChildOptions {
  /** As people know it: `the worker`. */
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Gets all that the child says. */
  readonly logFile: string;
  /** A module that is loaded before the script. */
  readonly preload?: string;
}

/** A process of ours that says `{ ready }` over its channel when it serves. */
export interface Child {
  readonly pid: number;
  /** What it said it is ready with. Fails when it ends or says nothing for a minute. */
  readonly ready: Promise<unknown>;
  /** Settles with a reason when it ends without having been stopped; never otherwise. */
  readonly crashed: Promise<Error>;
  send(message: object): void;
  onMessage(listen: (message: Readonly<Record<string, unknown>>) => void): void;
  /** Asks it to end; after `withinMs` it is killed. Safe to call twice. */
  stop(withinMs: number): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

const READY_MS = 60_000;
const TAIL = 15;

/** The last lines of a log file, indented. */
export const tailOf = (file: string, lines = TAIL): string => {
  try {
    const text = readFileSync(file, 'utf8').trimEnd();
    if (text === '') return '  (it said nothing)';
    return text
      .split('\n')
      .slice(-lines)
      .map((line) => `  ${line.length > 500 ? `${line.slice(0, 500)}…` : line}`)
      .join('\n');
  } catch (error) {
    return `  (${messageOf(error)})`;
  }
};

const asRecord = (message: unknown): Readonly<Record<string, unknown>> =>
  typeof message === 'object' && message !== null ? (message as Record<string, unknown>) : {};

const spawn = ({ script, args, env, cwd, logFile, preload }: ChildOptions): ChildProcess => {
  const log = openSync(logFile, 'a');
  try {
    // A group of its own: Ctrl-C in the terminal must reach us alone, so that everything stops in order.
    return fork(script, args, {
      ...{ env, cwd, detached: true },
      execArgv: preload === undefined ? [] : ['--import', preload],
      stdio: ['ignore', log, log, 'ipc'],
    });
  } finally {
    closeSync(log);
  }
};

export const startChild = (options: ChildOptions): Child => {
  const { name, logFile } = options;
  const child = spawn(options);
  let stopping = false;
  const failure = (what: string): Error =>
    new StartFailure(`${name} ${what}. The last lines of ${logFile}:\n${tailOf(logFile)}`);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`cannot be started: ${error.message}`));
    child.once('exit', (code, signal) => resolve(`ended (${signal ?? `exit code ${code ?? 'unknown'}`})`));
  });
  const crashed = new Promise<Error>((resolve) => {
    void ended.then((what) => {
      if (!stopping) resolve(failure(what));
    });
  });
  const ready = new Promise<unknown>((resolve, reject) => {
    const late = setTimeout(() => reject(failure('is not ready after a minute')), READY_MS);
    child.on('message', (message) => {
      const said = asRecord(message);
      if (!('ready' in said)) return;
      clearTimeout(late);
      resolve(said['ready']);
    });
    void ended.then((what) => {
      clearTimeout(late);
      reject(failure(what));
    });
    void crashed.then(reject);
  });
  // Whoever does not wait for it learns the same from `crashed`.
  ready.catch(() => undefined);
  const kill = (): void => void child.kill('SIGKILL');
  return {
    pid: child.pid ?? 0,
    ready,
    crashed,
    send: (message) => {
      if (child.connected) child.send(message, () => undefined);
    },
    onMessage: (listen) => void child.on('message', (message) => listen(asRecord(message))),
    stop: async (withinMs) => {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const hard = setTimeout(kill, withinMs);
      await ended;
      clearTimeout(hard);
    },
    kill,
  };
};
