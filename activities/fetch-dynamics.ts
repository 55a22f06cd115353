import type { ChangesFrom, Row } from '../dynamics/index.js';
import { RemoteFailure } from '../rules/failures.js';
import type { Link } from '../rules/link.js';
import type { MappedField } from '../rules/mapping.js';
import type { Kind } from '../rules/terms.js';
import { cursor, dropCursor, moveCursor, type Cursor } from '../store/cursors.js';
import { markActive } from '../store/cycles.js';
import type { Database } from '../store/database.js';
import { insertLinks, linksByRow, saveLinks, type NewLink } from '../store/links.js';
import { closeRejections } from '../store/rejections.js';
import { beginLoad, missingFromLoad, recordLoaded } from '../store/loads.js';
import { currentMapping, mappingUnder, requireInstallation } from './catalog.js';
import type { CycleRef, FetchDynamicsResult } from './contract.js';
import { endLink } from './endings.js';
import { observeRow, rereadRows } from './reread.js';
import { rowEmailKey, selectionOf, takesNoPart, valuesOf } from './rows.js';
import type { Attempt, Ports } from './settings.js';

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
  const selection = selectionOf((await currentMapping(ports)).fields[kind]);
  const from = await cursor(ports.db, stream);
  const valid = from?.selection === selection.join(',') ? from : undefined;
  const reading: Reading = { ports, kind, stream, selection, attempt, from, full: valid === undefined };
  try {
    const start = valid === undefined ? { select: selection } : { link: valid.position };
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
  readonly from: Cursor | undefined;
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
    const missing = await missingFromLoad(ports.db, kind);
    await takeDeleted(reading, missing);
    counts.deleted += missing.length;
  }
  await commit(reading, last);
  return counts;
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
  { ports, kind, stream, from }: Reading,
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
    await requireUnmoved(tx, stream, from);
    await closeRejections(
      tx,
      rejectionsOf([...known.values()].filter(({ status }) => status === 'unmatched')),
    );
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

/** A worker that stalled here and wakes after another finished this step must not bring old rows in. */
const requireUnmoved = async (db: Database, stream: string, from: Cursor | undefined): Promise<void> => {
  const current = await cursor(db, stream);
  if (current?.version === from?.version) return;
  throw new RemoteFailure({
    type: 'Busy',
    side: 'dynamics',
    code: 'cursor-moved',
    effect: 'none',
    message: `the stream ${stream} was read to its end by another worker`,
  });
};

const rejectionsOf = (links: readonly Link[]): string[] =>
  links.flatMap(({ parked }) => Object.values(parked).flatMap(({ rejectionId }) => rejectionId ?? []));

const takeRow = (ports: Ports, link: Link, row: Row, fields: readonly MappedField[]): Link[] => {
  switch (link.status) {
    case 'linked':
      return [observeRow(ports, link, { values: valuesOf(row, fields), etag: row.etag, fields })];
    case 'unmatched':
      return [link.marketoId === null ? waiting(link, row, fields) : joined(link, row, fields)];
    case 'ambiguous':
    case 'excluded':
      return [waiting(link, row, fields)];
    case 'tombstone':
      return ports.onMarketoDelete === 'recreate' && row.etag !== link.etag
        ? [reborn(link, row, fields)]
        : [];
    case 'ended':
      return [];
  }
};

/** A row without a person: what it holds is kept for the match. */
const waiting = (link: Link, row: Row, fields: readonly MappedField[]): Link => {
  const status = takesNoPart(row, link.kind)
    ? 'excluded'
    : link.status === 'excluded'
      ? 'unmatched'
      : link.status;
  return {
    ...link,
    status,
    emailKey: rowEmailKey(row),
    etag: row.etag,
    dirty: status !== 'excluded',
    seen: { ...link.seen, dynamics: valuesOf(row, fields) },
    // A refused creation is tried again with what the row holds now.
    parked: {},
  };
};

/** The row that a request reserved is there: the pair is complete, whatever became of the request. */
const joined = (link: Link, row: Row, fields: readonly MappedField[]): Link => ({
  ...waiting(link, row, fields),
  status: 'linked',
  rereadMarketo: true,
});

/** `onMarketoDelete: recreate`: an edit in Dynamics brings the person back. */
const reborn = (link: Link, row: Row, fields: readonly MappedField[]): Link =>
  waiting(
    {
      ...link,
      status: 'unmatched',
      marketoId: null,
      agreed: { marketo: {}, dynamics: {} },
      seen: { marketo: {}, dynamics: {} },
    },
    row,
    fields,
  );

const newLink = (kind: Kind, row: Row, fields: readonly MappedField[]): NewLink => ({
  kind,
  status: takesNoPart(row, kind) ? 'excluded' : 'unmatched',
  marketoId: null,
  dynamicsId: row.id,
  emailKey: rowEmailKey(row),
  etag: row.etag,
  seen: { marketo: {}, dynamics: valuesOf(row, fields) },
});

const takeDeleted = async ({ ports }: Reading, ids: readonly string[]): Promise<void> => {
  const { db, timing } = ports;
  for (;;) {
    const ended = (await linksByRow(db, ids)).filter(({ status }) => status !== 'ended').map(endLink);
    const saved = await saveLinks(db, ended, timing.overlapMs);
    if (saved.size === ended.length) return;
  }
};
