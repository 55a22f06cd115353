import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { DataverseState } from './dataverse/index.js';
import type { MarketoState } from './marketo/index.js';
import { linesOf, objectFrom } from './state-lines.js';

/** All that both simulators hold, and how often simulated people were set to work so far. */
export interface RemotesState {
  readonly lives: number;
  readonly marketo: MarketoState;
  readonly dataverse: DataverseState;
}

/** A kept state that this version cannot read. */
export class StateUnreadable extends Error {
  override readonly name = 'StateUnreadable';
}

export const STATE_FILE = 'simulators.jsonl';
const FORMAT = 'contact-sync simulators';
const HEADER = JSON.stringify({ format: FORMAT, version: 1 });

/**
 * What the folder keeps, or undefined when it keeps nothing yet.
 *
 * @throws StateUnreadable when the file is empty, of another version, or none of ours
 */
export async function loadState(folder: string): Promise<RemotesState | undefined> {
  const path = join(folder, STATE_FILE);
  const lines: string[] = [];
  try {
    for await (const line of createInterface({ input: createReadStream(path, 'utf8') })) lines.push(line);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw unreadable(path, error);
  }
  try {
    const header = lines.shift();
    if (header === undefined) throw new Error('it is empty');
    if (header !== HEADER) throw new Error(whoseHeader(header));
    // The header says who wrote it: this file's own types are then what it holds.
    return objectFrom(lines) as unknown as RemotesState;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): StateUnreadable {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StateUnreadable(`${path} cannot be read: ${why}. Move it away to start anew.`, { cause });
}

/** What is wrong with a first line that is not ours: only one that looks like ours is of another version. */
const whoseHeader = (header: string): string =>
  header.startsWith(`{"format":"${FORMAT}"`)
    ? 'it was kept by another version'
    : 'it is no state of the simulators';

/** Written beside and renamed into place: a process killed on the way leaves the last whole one. */
async function writeState(folder: string, state: RemotesState): Promise<void> {
  const path = join(folder, STATE_FILE);
  const lines = [HEADER, ...linesOf({ ...state })];
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    for (const line of lines) await file.write(`${line}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

const PAUSE_MS = 5_000;
/** A large state takes long to write: at most this share of the time goes there. */
const SHARE = 0.05;

export interface KeepOptions {
  readonly state: () => RemotesState;
  readonly revision: () => string;
  /** Told when the state could not be written; it is tried again. */
  readonly tell: (line: string) => void;
}

/**
 * Writes the state now, then every few seconds while it changes, and once more when it is stopped. The caller holds the
 * folder (`holdFolder`).
 */
export async function keepState(
  folder: string,
  { state, revision, tell }: KeepOptions,
): Promise<{ stop(): Promise<void> }> {
  await rm(join(folder, `${STATE_FILE}.new`), { force: true });
  let written: string | undefined;
  const write = async (): Promise<number> => {
    const now = revision();
    if (now === written) return 0;
    const began = performance.now();
    await writeState(folder, state());
    written = now;
    return performance.now() - began;
  };
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  let stopped = false;
  const again = (took: number): void => {
    if (stopped) return;
    const next = (): void => {
      turn = write().catch(failed).then(again);
    };
    timer = setTimeout(next, Math.max(PAUSE_MS, took / SHARE));
  };
  const failed = (error: unknown): number => {
    tell(`The state could not be kept: ${error instanceof Error ? error.message : String(error)}`);
    return 0;
  };
  again(await write());
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await turn;
      await write();
    },
  };
}
