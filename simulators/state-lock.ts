import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A folder that cannot keep a state now: it cannot be made or written, or another process uses it. */
export class StateFolderUnusable extends Error {
  override readonly name = 'StateFolderUnusable';
}

/** Before each ticket's process id and a name that is never used twice. */
const TICKET = 'simulators.lock.';
const BEAT_MS = 1_000;
/** A holder that has not touched its ticket for this long is gone, even if its process id is in use again. */
const SILENT_MS = 15_000;
/** A process that was told to end may still be writing its last state. */
const PATIENCE_MS = 3_000;

/** Tickets of this very process: a dead one may have had the same process id, as the first one in a container has. */
const own = new Set<string>();

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

/**
 * Makes the folder and what is missing above it. One step at a time, because Node's own recursive `mkdir` never comes
 * back from a place where nothing can be made, such as /proc.
 */
async function makeFolder(folder: string): Promise<void> {
  if (await madeFolder(folder)) return;
  if (dirname(folder) !== folder) await makeFolder(dirname(folder));
  await mkdir(folder);
}

/** False when what is above the folder is missing. */
async function madeFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    if (codeOf(error) === 'EEXIST' && (await stat(folder)).isDirectory()) return true;
    throw error;
  }
}

/** A killed process stays in the table until its parent asks; where process 1 never does (containers), for ever. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') return false;
  }
  return !isZombie(pid);
}

/** Whether the holder of a ticket still runs. On another host (a container is one), only the beat can tell. */
async function isHeld(ticket: string, pid: number): Promise<boolean> {
  if (own.has(ticket)) return true;
  const beat = await stat(ticket).catch(() => undefined);
  if (beat === undefined || Date.now() - beat.mtimeMs > SILENT_MS) return false;
  const host = await readFile(ticket, 'utf8').catch(() => '');
  return host === hostname() ? pid !== process.pid && isAlive(pid) : true;
}

/** The process that holds another ticket, if any. Tickets of dead ones are removed. */
async function otherHolder(folder: string, mine?: string): Promise<number | undefined> {
  for (const name of await readdir(folder)) {
    const ticket = join(folder, name);
    if (!name.startsWith(TICKET) || ticket === mine) continue;
    const pid = Number(name.slice(TICKET.length).split('.', 1)[0]);
    if (await isHeld(ticket, pid)) return pid;
    await rm(ticket, { force: true });
  }
  return undefined;
}

/** Takes a ticket, or answers who holds one: of two at once, whoever looks second sees the first. */
async function tryTicket(folder: string): Promise<string | number> {
  const holder = await otherHolder(folder);
  if (holder !== undefined) return holder;
  const ticket = join(folder, `${TICKET}${process.pid}.${randomUUID()}`);
  own.add(ticket);
  await writeFile(ticket, hostname(), { mode: 0o600 });
  const other = await otherHolder(folder, ticket);
  if (other === undefined) return ticket;
  await release(ticket);
  return other;
}

async function release(ticket: string): Promise<void> {
  own.delete(ticket);
  await rm(ticket, { force: true });
}

async function takeTicket(folder: string, patienceMs: number): Promise<string> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const taken = await tryTicket(folder);
    if (typeof taken === 'string') return taken;
    if (Date.now() >= deadline)
      throw new StateFolderUnusable(
        `${folder} is in use by process ${taken}: end that one first, or name another folder with --state-dir.`,
      );
    await sleep(50 + Math.random() * 100);
  }
}

/**
 * Makes the folder when it is missing, and keeps every other process out of it until the answer is called. A process
 * that died, even by `kill -9`, keeps nobody out.
 *
 * @throws StateFolderUnusable with one line that says what to do
 */
export async function holdFolder(folder: string, patienceMs = PATIENCE_MS): Promise<() => Promise<void>> {
  const ticket = await makeFolder(folder)
    .then(() => takeTicket(folder, patienceMs))
    .catch((cause: unknown) => {
      if (cause instanceof StateFolderUnusable) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new StateFolderUnusable(
        `${folder} cannot keep a state (${why}): name a folder that can be written with --state-dir.`,
        { cause },
      );
    });
  const beat = setInterval(() => {
    utimes(ticket, new Date(), new Date()).catch(() => undefined);
  }, BEAT_MS).unref();
  return async () => {
    clearInterval(beat);
    await release(ticket);
  };
}
