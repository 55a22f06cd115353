import type { ChangesFrom, Row } from '../dynamics/index.js';
import { RemoteFailure } from '../rules/failures.js';
import { inParts } from '../rules/in-parts.js';
import type { Mapping } from '../rules/mapping.js';
import type { Kind } from '../rules/terms.js';
import { dropCursor, holdCursor, moveCursor, takeCursor, type Cursor } from '../store/cursors.js';
import { markActive } from '../store/cycles.js';
import type { Database } from '../store/database.js';
import { insertLinks, linksByRow, saveLinks } from '../store/links.js';
import { beginLoad, missingFromLoad, recordLoaded } from '../store/loads.js';
import { dropRenewal, readyRenewal } from '../store/renewals.js';
import { currentMapping, mappingAfterRead } from './catalog.js';
import type { CycleRef, FetchDynamicsResult } from './contract.js';
import { endLink } from './endings.js';
import { rereadRows } from './reread.js';
import { selectionOf } from './rows.js';
import type { Attempt, Ports } from './settings.js';
import { underSchemaOfNow } from './stale-schema.js';
import { newLink, takeRow } from './take-row.js';
import { trustOnly, wholeRows, type Trusted } from './whole-rows.js';

/**
 * Takes what changed in one table of Dynamics into the store. Without a valid change link the whole table is read, and
 * what is linked and no longer there was deleted meanwhile. A link for another selection serves on, until the backfill lane
 * has one for the new selection: then the old link is read once more before the new one, so that nothing falls between
 * them.
 */
export const fetchDynamics = async (
  ports: Ports,
  kind: Kind,
  input: CycleRef,
  attempt: Attempt,
): Promise<FetchDynamicsResult> => {
  await markActive(ports.db, input.cycle, input.at);
  const stream = `dynamics/${kind}`;
  const mapping = await currentMapping(ports);
  const selection = selectionOf(mapping, kind);
  const from = await takeCursor(ports.db, stream);
  const full = from.position === '';
  const renewed = full ? undefined : await readyRenewal(ports.db, kind, selection.join(','));
  const reading = readingOf({ ports, kind, stream, selection, attempt, from, full });
  try {
    const start = full ? { select: selection } : { link: from.position, select: reading.held };
    const first = await readChanges(reading, start);
    const second = renewed === undefined ? NOTHING : await changeOver(reading, renewed.delta);
    const read = await rereadRows(ports, kind, attempt);
    return { rows: first.rows + second.rows, deleted: first.deleted + second.deleted, read, full };
  } catch (error) {
    if (!(error instanceof RemoteFailure) || error.type !== 'CursorInvalid') {
      const selected = (now: Mapping) => selectionOf(now, kind);
      throw await underSchemaOfNow(ports, error, { before: mapping, selected, signal: attempt.signal });
    }
    // The retry, which is at once, reads the whole table.
    await dropCursor(ports.db, stream);
    throw new RemoteFailure({ ...error.details, type: 'Unavailable' });
  }
};

interface ReadingInput {
  readonly ports: Ports;
  readonly kind: Kind;
  readonly stream: string;
  /** What the field selection and the rights at the beginning ask for. */
  readonly selection: readonly string[];
  readonly attempt: Attempt;
  readonly from: Cursor;
  readonly full: boolean;
}

interface Reading extends ReadingInput {
  /** What the change link was made for. */
  readonly held: readonly string[];
  readonly trusted: Trusted;
}

const NOTHING = { rows: 0, deleted: 0 } as const;

const readingOf = (input: ReadingInput): Reading => ({
  ...input,
  held: input.full ? input.selection : input.from.selection.split(','),
  trusted: trustOnly(input.kind, input.selection),
});

/**
 * The old link was read once more after the new one was there: from here on the new one goes on. One that is refused is
 * forgotten; the old one goes on then, until there is another.
 */
const changeOver = async (reading: Reading, link: string): Promise<{ rows: number; deleted: number }> => {
  const { ports, kind, selection, from } = reading;
  const next = { ...reading, from: { ...from, version: from.version + 1 }, held: selection };
  try {
    const read = await readChanges(next, { link, select: selection });
    await dropRenewal(ports.db, kind);
    return read;
  } catch (error) {
    if (!(error instanceof RemoteFailure) || error.type !== 'CursorInvalid') throw error;
    await dropRenewal(ports.db, kind);
    return NOTHING;
  }
};

const readChanges = async (
  reading: Reading,
  start: ChangesFrom,
): Promise<{ rows: number; deleted: number }> => {
  const { ports, kind, attempt, full } = reading;
  const counts = { rows: 0, deleted: 0 };
  let last: { deltaLink?: string; serverTime: string } | undefined;
  const load = { kind, lane: 'cycle' } as const;
  if (full) await beginLoad(ports.db, load);
  for await (const page of ports.dynamics.changes(kind, start, attempt.signal)) {
    const rows = await wholeRows(reading, page.rows);
    if (rows.length > 0) {
      const mapping = await mappingAfterRead(ports, kind, attempt.signal);
      await takeRows(reading, reading.trusted.strip(rows, mapping), mapping);
    }
    await takeDeleted(reading, page.deleted);
    if (full)
      await recordLoaded(
        ports.db,
        load,
        page.rows.map(({ id }) => id),
      );
    counts.rows += page.rows.length;
    counts.deleted += page.deleted.length;
    last = page;
    attempt.progress();
  }
  if (full) {
    counts.deleted += await takeMissing(reading);
  }
  await commit(reading, last);
  return counts;
};

/**
 * What the full read did not meet was deleted, or made on demand since its page was read: those that are still there
 * come with the next changes.
 */
const takeMissing = async (reading: Reading): Promise<number> => {
  const { ports, kind, attempt } = reading;
  const missing = await missingFromLoad(ports.db, { kind, lane: 'cycle' });
  let deleted = 0;
  for (const some of inParts(missing, ROWS_PER_SAVE)) {
    const found = await ports.dynamics.readRows(kind, some, ['statecode'], attempt.signal);
    const there = new Set(found.map(({ id }) => id));
    const gone = some.filter((id) => !there.has(id));
    await takeDeleted(reading, gone);
    deleted += gone.length;
    attempt.progress();
  }
  return deleted;
};

const commit = async (
  reading: Reading,
  last: { deltaLink?: string; serverTime: string } | undefined,
): Promise<void> => {
  const { ports, stream, held, from } = reading;
  if (last?.deltaLink === undefined) return;
  const to = { stream, position: last.deltaLink, selection: held.join(','), mark: last.serverTime };
  await moveCursor(ports.db, from, to);
};

const ROWS_PER_SAVE = 500;

const takeRows = async (reading: Reading, rows: readonly Row[], mapping: Mapping): Promise<void> => {
  for (const some of inParts(rows, ROWS_PER_SAVE)) {
    let waiting = some;
    while (waiting.length > 0) waiting = await takeSome(reading, waiting, mapping);
    reading.attempt.progress();
  }
};

/** Returns the rows whose links somebody else changed meanwhile: they are taken once more. */
const takeSome = async (
  { ports, kind, from }: Reading,
  rows: readonly Row[],
  mapping: Mapping,
): Promise<Row[]> => {
  const { db, timing } = ports;
  const known = new Map(
    (
      await linksByRow(
        db,
        rows.map(({ id }) => id),
      )
    ).map((link) => [link.dynamicsId, link]),
  );
  const taken = rows.flatMap((row) => {
    const link = known.get(row.id);
    return link === undefined ? [] : takeRow(ports, link, row, mapping);
  });
  const fresh = rows.filter(({ id }) => !known.has(id)).map((row) => newLink(kind, row, mapping));
  const done = await db.transaction().execute(async (tx) => {
    await requireHeld(tx, from);
    const saved = await saveLinks(tx, taken, timing.overlapMs);
    const inserted = await insertLinks(tx, fresh);
    const missed = taken.filter(({ id }) => !saved.has(id)).map(({ dynamicsId }) => dynamicsId);
    const lost = fresh
      .map(({ dynamicsId }) => dynamicsId)
      .filter((id) => !inserted.some((link) => link.dynamicsId === id));
    return new Set([...missed, ...lost]);
  });
  return rows.filter(({ id }) => done.has(id));
};

/** A worker that stalled here and wakes after another began to read the stream must not bring old rows in. */
const requireHeld = async (db: Database, from: Cursor): Promise<void> => {
  if (await holdCursor(db, from)) return;
  throw new RemoteFailure({
    type: 'Busy',
    side: 'dynamics',
    code: 'cursor-moved',
    effect: 'none',
    message: `the stream ${from.stream} is read by another worker`,
  });
};

const takeDeleted = async ({ ports, from }: Reading, ids: readonly string[]): Promise<void> => {
  const { db, timing } = ports;
  for (let left = ids.length; left > 0;) {
    left = await db.transaction().execute(async (tx) => {
      await requireHeld(tx, from);
      const before = (await linksByRow(tx, ids)).filter(({ status }) => status !== 'ended');
      const ended = before.map(endLink);
      const saved = await saveLinks(tx, ended, timing.overlapMs);
      return ended.length - saved.size;
    });
  }
};
