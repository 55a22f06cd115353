import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const beatMs = 1_000;
/** A holder that has not touched its ticket for this long is gone, even if its pid is in use again. */
const silentMs = 15_000;

/** A killed process stays in the table until its parent asks; where pid 1 never does (containers), for ever. */
const isZombie = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false;
  }
};

/** True while a process of that id runs, whoever owns it. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  return process.platform !== 'linux' || !isZombie(pid);
};

const isHeld = async (ticket: string): Promise<boolean> => {
  const pid = Number(/\.(\d+)\.[0-9a-f-]+$/.exec(ticket)?.[1]);
  const beat = await stat(ticket).catch(() => undefined);
  return beat !== undefined && isAlive(pid) && Date.now() - beat.mtimeMs < silentMs;
};

/** The tickets of other live holders; those of dead ones are removed (names are never used twice, so that is safe). */
const otherHolders = async (path: string, own?: string): Promise<readonly string[]> => {
  const prefix = `${basename(path)}.`;
  const names = (await readdir(dirname(path))).filter((name) => name.startsWith(prefix));
  const held: string[] = [];
  for (const ticket of names.map((name) => join(dirname(path), name))) {
    if (ticket === own) continue;
    if (await isHeld(ticket)) held.push(ticket);
    else await rm(ticket, { force: true });
  }
  return held;
};

/** Takes a ticket, or answers undefined when somebody else holds one: whoever looks second sees the first. */
const tryTicket = async (path: string): Promise<string | undefined> => {
  if ((await otherHolders(path)).length > 0) return undefined;
  const ticket = `${path}.${process.pid}.${randomUUID()}`;
  await writeFile(ticket, '', { mode: 0o600 });
  if ((await otherHolders(path, ticket)).length === 0) return ticket;
  await rm(ticket, { force: true });
  return undefined;
};

/**
 * Runs `work` while no other process (or other caller in this one) is inside a lock of the same path.
 * A holder that died, even by `kill -9`, is passed over.
 *
 * @param path where the tickets go: `<path>.<pid>.<uuid>`; its folder must exist.
 * @throws when the lock is not free within `timeoutMs`; whatever `work` throws.
 */
export const withLock = async <T>(path: string, timeoutMs: number, work: () => Promise<T>): Promise<T> => {
  const deadline = Date.now() + timeoutMs;
  let ticket = await tryTicket(path);
  while (ticket === undefined) {
    if (Date.now() > deadline) throw new Error(`${path} has been locked by another process for too long`);
    await sleep(20 + Math.random() * 100);
    ticket = await tryTicket(path);
  }
  const held = ticket;
  const beat = setInterval(() => void utimes(held, new Date(), new Date()).catch(() => undefined), beatMs);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await rm(held, { force: true });
  }
};
