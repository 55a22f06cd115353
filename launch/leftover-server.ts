import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../store/embedded-lock.js';
import { runsCommand } from './process-command.js';

interface Running {
  /** Process that started the server. */
  readonly owner: number;
  /** Process of the server. */
  readonly server: number;
}

const noteOf = (dbFile: string): string => `${dbFile}.running`;

const readNote = (dbFile: string): Running | undefined => {
  try {
    const [owner = 0, server = 0] = readFileSync(noteOf(dbFile), 'utf8').split(' ').map(Number);
    return owner > 0 && server > 0 ? { owner, server } : undefined;
  } catch {
    return undefined;
  }
};

/** Notes that this process runs a server on the file. */
export const noteServer = (dbFile: string, server: number): void =>
  writeFileSync(noteOf(dbFile), `${process.pid} ${server}`);

export const forgetServer = (dbFile: string): void => rmSync(noteOf(dbFile), { force: true });

/**
 * Ends a server that still runs on the file although the process that started it was killed: two servers on one SQLite
 * file spoil it.
 *
 * @throws when the process that started it is alive: then somebody is using it.
 */
export const endLeftover = async (dbFile: string): Promise<void> => {
  const running = readNote(dbFile);
  if (running === undefined || !(await runsCommand(running.server, dbFile))) return;
  if (running.owner !== process.pid && isAlive(running.owner)) {
    throw new Error(
      `Process ${running.owner} already runs a Temporal server on ${dbFile}: stop that one first.`,
    );
  }
  process.kill(running.server, 'SIGTERM');
  for (let waited = 0; await runsCommand(running.server, dbFile); waited += 100) {
    if (waited === 10_000) process.kill(running.server, 'SIGKILL');
    await sleep(100);
  }
};
