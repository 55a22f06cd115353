import type { ChangesFrom, Row } from '../dynamics/index.js';
import { RemoteFailure } from '../rules/failures.js';
import type { Link } from '../rules/link.js';
import type { MappedField } from '../rules/mapping.js';
import type { Kind } from '../rules/terms.js';
import { wakeAmbiguous } from '../store/ambiguous.js';
import { dropCursor, holdCursor, moveCursor, takeCursor, type Cursor } from '../store/cursors.js';
import { markActive } from '../store/cycles.js';
import type { Database } from '../store/database.js';
import { insertLinks, linksByRow, saveLinks } from '../store/links.js';
import { closeRejections } from '../store/rejections.js';
import { beginLoad, missingFromLoad, recordLoaded } from '../store/loads.js';
import { currentMapping, mappingUnder, requireInstallation } from './catalog.js';
import type { CycleRef, FetchDynamicsResult } from './contract.js';
import { endLink } from './endings.js';
import { rereadRows } from './reread.js';
import { selectionOf } from './rows.js';
import type { Attempt, Ports } from './settings.js';
import { newLink, takeRow } from './take-row.js';

/**
 * Takes what changed in one table of Dynamics into the store. Without a valid change link the whole table is read, and
 * what is linked and no longer there was deleted meanwhile.
 */
export const fetchDynamics = async (
  ports: Ports,
  kind: Kind,
  input: CycleRef,
  attempt: Attempt,
): Promise<FetchDynamicsResult> => {
  await markActive(ports.db, input.cycle, input.at);
  const stream = `dynamics/${kind}`;
  const selection = selectionOf(await currentMapping(ports), kind);
  const from = await takeCursor(ports.db, stream);
  const full = from.selection !== selection.join(',');
  const reading: Reading = { ports, kind, stream, selection, attempt, from, full };
  try {
    const start = full ? { select: selection } : { link: from.position, select: selection };
    const { rows, deleted } = await readChanges(reading, start);
    const read = await rereadRows(ports, kind, attempt);
    return { rows, deleted, read, full: reading.full };
  } catch (error) {
    if (!(error instanceof RemoteFailure) || error.type !== 'CursorInvalid') throw error;
    // The retry, which is at once, reads the whole table.
    await dropCursor(ports.db, stream);
    throw new RemoteFailure({ ...error.details, type: 'Unavailable' });
  }
};

interface Reading {
  readonly ports: Ports;
  readonly kind: Kind;
  readonly stream: string;
  readonly selection: readonly string[];
  readonly attempt: Attempt;
  readonly from: Cursor;
  readonly full: boolean;
}

const readChanges = async (
  reading: Reading,
  start: ChangesFrom,
): Promise<{ rows: number; deleted: number }> => {
  const { ports, kind, attempt, full } = reading;
  const counts = { rows: 0, deleted: 0 };
  let last: { deltaLink?: string; serverTime: string } | undefined;
  if (full) await beginLoad(ports.db, kind);
  for await (const page of ports.dynamics.changes(kind, start, attempt.signal)) {
    const fields = page.rows.length === 0 ? [] : await fieldsAfterRead(reading);
    await takeRows(reading, page.rows, fields);
    await takeDeleted(reading, page.deleted);
    if (full)
      await recordLoaded(
        ports.db,
        kind,
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
  const missing = await missingFromLoad(ports.db, kind);
  let deleted = 0;
  for (let at = 0; at < missing.length; at += ROWS_PER_SAVE) {
    const some = missing.slice(at, at + ROWS_PER_SAVE);
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
  const { ports, stream, selection, from } = reading;
  if (last?.deltaLink === undefined) return;
  const to = { stream, position: last.deltaLink, selection: selection.join(','), mark: last.serverTime };
  await moveCursor(ports.db, from, to);
};

/** Rights are asked after the page: a null in it may be a column that the sync user could not read by then. */
const fieldsAfterRead = async ({ ports, kind, attempt }: Reading): Promise<readonly MappedField[]> => {
  const { syncUserId } = await requireInstallation(ports);
  const access = await ports.dynamics.access(syncUserId, [kind], attempt.signal);
  return (await mappingUnder(ports, access, [kind])).fields[kind];
};

const ROWS_PER_SAVE = 500;

const takeRows = async (
  reading: Reading,
  rows: readonly Row[],
  fields: readonly MappedField[],
): Promise<void> => {
  for (let at = 0; at < rows.length; at += ROWS_PER_SAVE) {
    let waiting = rows.slice(at, at + ROWS_PER_SAVE);
    while (waiting.length > 0) waiting = await takeSome(reading, waiting, fields);
    reading.attempt.progress();
  }
};

/** Returns the rows whose links somebody else changed meanwhile: they are taken once more. */
const takeSome = async (
  { ports, kind, from }: Reading,
  rows: readonly Row[],
  fields: readonly MappedField[],
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
    return link === undefined ? [] : takeRow(ports, link, row, fields);
  });
  const fresh = rows.filter(({ id }) => !known.has(id)).map((row) => newLink(kind, row, fields));
  const done = await db.transaction().execute(async (tx) => {
    await requireHeld(tx, from);
    await closeRejections(
      tx,
      rejectionsOf([...known.values()].filter(({ status }) => status === 'unmatched')),
    );
    const saved = await saveLinks(tx, taken, timing.overlapMs);
    await wakeAmbiguous(tx, { emailKeys: emailsLeft([...known.values()], taken), persons: [] });
    const inserted = await insertLinks(tx, fresh);
    const missed = taken.filter(({ id }) => !saved.has(id)).map(({ dynamicsId }) => dynamicsId);
    const lost = fresh
      .map(({ dynamicsId }) => dynamicsId)
      .filter((id) => !inserted.some((link) => link.dynamicsId === id));
    return new Set([...missed, ...lost]);
  });
  return rows.filter(({ id }) => done.has(id));
};

/** E-mails of ambiguous groups that one of their rows left, because its e-mail moved or it takes no part any more. */
const emailsLeft = (before: readonly Link[], after: readonly Link[]): string[] =>
  waitingEmails(
    before.filter(({ id, emailKey }) => {
      const link = after.find((each) => each.id === id);
      return link !== undefined && (link.emailKey !== emailKey || link.status === 'excluded');
    }),
  );

const waitingEmails = (links: readonly Link[]): string[] =>
  links.flatMap(({ status, emailKey }) =>
    (status === 'unmatched' || status === 'ambiguous') && emailKey !== null ? emailKey : [],
  );

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

const rejectionsOf = (links: readonly Link[]): string[] =>
  links.flatMap(({ parked }) => Object.values(parked).flatMap(({ rejectionId }) => rejectionId ?? []));

const takeDeleted = async ({ ports, from }: Reading, ids: readonly string[]): Promise<void> => {
  const { db, timing } = ports;
  for (let left = ids.length; left > 0;) {
    left = await db.transaction().execute(async (tx) => {
      await requireHeld(tx, from);
      const there = (await linksByRow(tx, ids)).filter(({ status }) => status !== 'ended');
      const ended = there.map(endLink);
      const saved = await saveLinks(tx, ended, timing.overlapMs);
      await wakeAmbiguous(tx, { emailKeys: waitingEmails(there), persons: [] });
      return ended.length - saved.size;
    });
  }
};
