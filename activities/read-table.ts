import type { ChangePage } from '../dynamics/index.js';
import { RemoteFailure } from '../rules/failures.js';
import { inParts } from '../rules/in-parts.js';
import type { Kind } from '../rules/terms.js';
import { storeClock } from '../store/backfill.js';
import { cursor } from '../store/cursors.js';
import type { Database } from '../store/database.js';
import { beginLoad, missingFromLoad, recordLoaded, type Load } from '../store/loads.js';
import { added } from '../store/reconciliations.js';
import { dropRenewal, moveRenewal, takeRenewal, type Renewal } from '../store/renewals.js';
import { currentMapping, mappingAfterRead } from './catalog.js';
import type { BackfillMoment, BackfillTurn } from './contract.js';
import type { Tally } from './drift.js';
import { selectionOf } from './rows.js';
import type { Attempt, Ports } from './settings.js';
import { endMissing, takePage, type TableReading } from './table-page.js';
import { beginTurn, type Turn } from './turn.js';
import { trustOnly } from './whole-rows.js';

/** Told in the transaction that moves the reading on what the last page brought. */
export type OnPage = (tx: Database, tally: Tally) => Promise<void>;

/** Reads a table for a change link that fits the field selection. */
export const readTable = async (
  ports: Ports,
  { kind }: BackfillMoment & { readonly kind: Kind },
  attempt: Attempt,
): Promise<BackfillTurn> => {
  let counts: Tally = {};
  await readOn(ports, kind, attempt, beginTurn(attempt, null), (_tx, tally) => {
    counts = added(counts, tally);
    return Promise.resolve();
  });
  return { counts, completed: null };
};

/**
 * Reads a table on from where the last turn had come to, page by page, until the turn or the table is over. The place is
 * kept with each page, so that a worker that dies costs one. A place that Dynamics no longer takes begins the table anew.
 *
 * @returns true if the table was read to its end.
 */
export const readOn = async (
  ports: Ports,
  kind: Kind,
  attempt: Attempt,
  turn: Turn,
  onPage: OnPage,
): Promise<boolean> => {
  const selection = selectionOf(await currentMapping(ports), kind);
  const load = { kind, lane: 'backfill' } as const;
  let renewal = await takeRenewal(ports.db, kind, selection.join(','));
  if (renewal.next === null && renewal.delta === null) await beginLoad(ports.db, load);
  while (renewal.delta === null && turn.goesOn()) {
    const readUpTo = (await cursor(ports.db, `dynamics/${kind}`))?.mark;
    const reading = { ports, kind, selection, attempt, readUpTo, tally: {} };
    renewal = await readNext({ reading, load, renewal, turn, onPage });
    attempt.progress();
  }
  return renewal.delta !== null;
};

interface Step {
  readonly reading: TableReading;
  readonly load: Load;
  readonly renewal: Renewal;
  readonly turn: Turn;
  readonly onPage: OnPage;
}

/** A page and the rights behind it. */
const CALLS_A_PAGE = 2;

const readNext = async ({ reading, load, renewal, turn, onPage }: Step): Promise<Renewal> => {
  const { ports, attempt, tally } = reading;
  const { db } = ports;
  await turn.pace(CALLS_A_PAGE);
  const asked = await storeClock(db);
  const page = await firstPage(reading, renewal);
  const mapping = await mappingAfterRead(ports, reading.kind, attempt.signal);
  const rows = trustOnly(reading.kind, reading.selection).strip(page.rows, mapping);
  await takePage(reading, rows, asked, mapping);
  await recordLoaded(
    db,
    load,
    page.rows.map(({ id }) => id),
  );
  const { nextLink, deltaLink, serverTime } = page;
  if (deltaLink !== undefined) await endThoseMissing(reading, load);
  attempt.signal.throwIfAborted();
  const position = deltaLink === undefined ? { next: nextLink ?? '' } : { delta: deltaLink };
  return db.transaction().execute(async (tx) => {
    if (!(await moveRenewal(tx, renewal, position, serverTime))) throw readElsewhere(reading.kind);
    await onPage(tx, tally);
    const moved = { ...renewal.cursor, version: renewal.cursor.version + 1, mark: serverTime };
    return { cursor: moved, next: nextLink ?? null, delta: deltaLink ?? null };
  });
};

const firstPage = async (
  { ports, kind, selection, attempt }: TableReading,
  { next }: Renewal,
): Promise<ChangePage> => {
  const from = next === null ? { select: selection } : { link: next, select: selection };
  try {
    for await (const page of ports.dynamics.changes(kind, from, attempt.signal)) return page;
  } catch (error) {
    if (!(error instanceof RemoteFailure) || error.type !== 'CursorInvalid') throw error;
    await dropRenewal(ports.db, kind);
    throw new RemoteFailure({ ...error.details, type: 'Unavailable' });
  }
  throw new Error(`Dynamics gave no page of ${kind}s`);
};

const ROWS_AT_ONCE = 500;

/** What the reading did not meet was deleted, or made since its page was read: it is asked for by id. */
const endThoseMissing = async (reading: TableReading, load: Load): Promise<void> => {
  const missing = await missingFromLoad(reading.ports.db, load);
  for (const some of inParts(missing, ROWS_AT_ONCE)) {
    const gone = await endMissing(reading, some);
    if (gone > 0) reading.tally['missingRows'] = (reading.tally['missingRows'] ?? 0) + gone;
    reading.attempt.progress();
  }
};

const readElsewhere = (kind: Kind): RemoteFailure =>
  new RemoteFailure({
    type: 'Busy',
    side: 'dynamics',
    code: 'table-read-elsewhere',
    effect: 'none',
    message: `the table of ${kind}s is read by another worker`,
  });
