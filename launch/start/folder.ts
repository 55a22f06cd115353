import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../../store/embedded-lock.js';
import { openEmbeddedPostgres } from '../../store/embedded.js';
import { endLeftover } from '../leftover-server.js';
import { runsCommand } from '../process-command.js';
import { StartFailure } from './failure.js';

/** Where one run keeps everything; absolute paths. */
export interface Folder {
  readonly path: string;
  readonly logs: string;
  readonly temporalDb: string;
  /** True when an earlier start left people and a store here, from which this one goes on. */
  readonly goesOn: boolean;
  /** True when the last start here was killed: a step of its cycle may still count as being at work. */
  readonly wasKilled: boolean;
  /** Ports that the simulators had; kept where they are free, because links to changes name them. */
  readonly ports: { readonly marketo: number; readonly dataverse: number };
  /** What was done with an earlier content, for the person at the terminal. */
  readonly notice: string | undefined;
}

/** Written by each start into its folder: whose it is, and which processes it runs. */
interface Note {
  readonly owner: number;
  readonly processes: readonly number[];
  readonly ports: Folder['ports'];
}

const nothing: Note = { owner: 0, processes: [], ports: { marketo: 0, dataverse: 0 } };

const NOTE = 'demo.json';
const STORE = 'postgres';
const PEOPLE = 'simulators.jsonl';
/** What is not the content of a run. */
const BESIDE: ReadonlySet<string> = new Set(['old', 'runs', NOTE]);

const noteIn = async (path: string): Promise<Note | undefined> => {
  try {
    return JSON.parse(await readFile(join(path, NOTE), 'utf8')) as Note;
  } catch {
    return undefined;
  }
};

const writeNote = (path: string, note: Note): Promise<void> =>
  writeFile(join(path, NOTE), `${JSON.stringify(note)}\n`);

/** Notes the processes that run on the folder, so that a start after a `kill -9` finds them. */
export const noteProcesses = (
  { path }: Folder,
  processes: readonly number[],
  ports: Folder['ports'],
): Promise<void> => writeNote(path, { owner: process.pid, processes, ports });

/** Everything has stopped: the folder is nobody's until the next start. */
export const releaseFolder = ({ path }: Folder, ports: Folder['ports']): Promise<void> =>
  writeNote(path, { owner: 0, processes: [], ports });

const LOCK_MS = 10_000;
const LEFTOVER_MS = 10_000;

/**
 * Takes the folder for this process; answers what the last start noted.
 *
 * @throws {StartFailure} when another start runs on it, or when it holds a store that is not a demo's.
 */
const claim = (path: string): Promise<Note | undefined> =>
  withLock(join(path, 'demo.lock'), LOCK_MS, async () => {
    const note = await noteIn(path);
    if (note === undefined && existsSync(join(path, STORE))) {
      const advice = 'choose another folder with --data-dir.';
      throw new StartFailure(`${path} holds a store that npm start did not make: ${advice}`, 2);
    }
    if (
      note !== undefined &&
      ![0, process.pid].includes(note.owner) &&
      (await runsCommand(note.owner, 'start'))
    ) {
      throw new StartFailure(
        `npm start already runs on ${path} (process ${note.owner}): stop that one, or choose another folder with --data-dir.`,
        2,
      );
    }
    await writeNote(path, { ...(note ?? nothing), owner: process.pid });
    return note;
  });

/** Children of a start that was killed end by themselves within seconds: until then they use what is here. */
const outlive = async (path: string, { processes }: Note): Promise<void> => {
  for (const pid of processes) {
    for (let waited = 0; await runsCommand(pid, path); waited += 100) {
      if (waited === LEFTOVER_MS) process.kill(pid, 'SIGKILL');
      await sleep(100);
    }
  }
};

/** Stops servers that a killed start left running on the folder. */
const stopServers = async (path: string, temporalDb: string): Promise<void> => {
  await endLeftover(temporalDb);
  if (existsSync(join(path, 'postgres.json'))) await (await openEmbeddedPostgres({ dataDir: path })).stop();
};

const contentOf = async (path: string): Promise<string[]> =>
  (await readdir(path)).filter((name) => !BESIDE.has(name));

const moveAside = async (path: string): Promise<string> => {
  const aside = join(path, 'old', new Date().toISOString().replaceAll(/[:.]/g, '-'));
  await mkdir(aside, { recursive: true });
  for (const name of await contentOf(path)) await rename(join(path, name), join(aside, name));
  return `${path} holds a store without its simulated people: it was moved to ${aside}, and this start begins anew.`;
};

const forget = async (path: string): Promise<string> => {
  for (const name of await contentOf(path)) await rm(join(path, name), { recursive: true, force: true });
  return `What ${path} held is forgotten (--fresh).`;
};

/** Clears away what cannot or shall not be gone on from. */
const cleared = async (path: string, temporalDb: string, fresh: boolean): Promise<string | undefined> => {
  const lost = existsSync(join(path, STORE)) && !existsSync(join(path, PEOPLE));
  if (!fresh && !lost) {
    await endLeftover(temporalDb);
    return undefined;
  }
  await stopServers(path, temporalDb);
  return fresh ? forget(path) : moveAside(path);
};

/**
 * Gets the folder of this run ready: the data folder itself, where a start goes on from the last one, or a new one
 * inside of it for a bounded run.
 *
 * @throws {StartFailure} when somebody else uses it, or when it holds what is not a demo's.
 */
export const prepareFolder = async (options: {
  readonly dataDir: string;
  readonly bounded: boolean;
  readonly fresh: boolean;
}): Promise<Folder> => {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  const run = join('runs', `${stamp}-${randomBytes(3).toString('hex')}`);
  const wanted = options.bounded ? join(options.dataDir, run) : options.dataDir;
  await mkdir(wanted, { recursive: true });
  const path = await realpath(wanted);
  const temporalDb = join(path, 'temporal.db');
  const last = await claim(path);
  if (last !== undefined) await outlive(path, last);
  const notice = last && (await cleared(path, temporalDb, options.fresh));
  const { ports } = last ?? nothing;
  const wasKilled = (last?.processes.length ?? 0) > 0;
  await writeNote(path, { owner: process.pid, processes: [], ports });
  const logs = join(path, 'logs');
  await mkdir(logs, { recursive: true });
  const goesOn = existsSync(join(path, PEOPLE));
  return { path, logs, temporalDb, goesOn, wasKilled, ports, notice };
};

export const removeFolder = ({ path }: Folder): Promise<void> => rm(path, { recursive: true, force: true });
