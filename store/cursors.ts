import type { IsoInstant } from '../rules/terms.js';
import type { Database } from './database.js';

/** How far a stream of a remote was read. */
export interface Cursor {
  readonly stream: string;
  readonly position: string;
  /** What the position was made for: another selection needs another cursor. */
  readonly selection: string;
  /** The remote's own clock when the stream was last read to its end. */
  readonly mark: IsoInstant;
  readonly version: number;
}

export const cursor = async (db: Database, stream: string): Promise<Cursor | undefined> => {
  const row = await db.selectFrom('cursors').selectAll().where('stream', '=', stream).executeTakeFirst();
  return row && { ...row, mark: row.mark.toISOString() };
};

/**
 * Moves a cursor by compare-and-set, so that a stalled worker that wakes late cannot move it back.
 *
 * @returns false if somebody else moved it since `from` was read.
 */
export const moveCursor = async (
  db: Database,
  from: Cursor | undefined,
  to: Omit<Cursor, 'version'>,
): Promise<boolean> => {
  if (from === undefined) {
    const inserted = await db
      .insertInto('cursors')
      .values(to)
      .onConflict((oc) => oc.doNothing())
      .executeTakeFirst();
    return inserted.numInsertedOrUpdatedRows === 1n;
  }
  const updated = await db
    .updateTable('cursors')
    .set({ ...to, version: from.version + 1 })
    .where('stream', '=', to.stream)
    .where('version', '=', from.version)
    .executeTakeFirst();
  return updated.numUpdatedRows === 1n;
};

/**
 * Takes a stream over for one reading: whoever began earlier and stalled can neither move the cursor nor, where it asks
 * `holdCursor`, bring in what it read. A stream without a cursor gets one that fits no selection.
 */
export const takeCursor = async (db: Database, stream: string): Promise<Cursor> => {
  const row = await db
    .insertInto('cursors')
    .values({ stream, position: '', selection: '', mark: new Date(0).toISOString() })
    .onConflict((oc) => oc.column('stream').doUpdateSet((eb) => ({ version: eb('cursors.version', '+', 1) })))
    .returningAll()
    .executeTakeFirstOrThrow();
  return { ...row, mark: row.mark.toISOString() };
};

/** True if nobody took the stream over since; it stays so until the transaction ends. */
export const holdCursor = async (db: Database, { stream, version }: Cursor): Promise<boolean> => {
  const row = await db
    .selectFrom('cursors')
    .select('version')
    .where('stream', '=', stream)
    .forShare()
    .executeTakeFirst();
  return row?.version === version;
};

/** Forgets a position that its remote no longer accepts; versions go on, so that nobody's old one fits again. */
export const dropCursor = async (db: Database, stream: string): Promise<void> => {
  await db
    .updateTable('cursors')
    .set((eb) => ({ position: '', selection: '', version: eb('version', '+', 1) }))
    .where('stream', '=', stream)
    .execute();
};

/** Those of the entries that were not handled before. */
export const unhandled = async (db: Database, guids: readonly string[]): Promise<Set<string>> => {
  if (guids.length === 0) return new Set();
  const rows = await db.selectFrom('handled_entries').select('guid').where('guid', 'in', guids).execute();
  const handled = new Set(rows.map(({ guid }) => guid));
  return new Set(guids.filter((guid) => !handled.has(guid)));
};

/**
 * Notes entries as handled.
 *
 * @returns false if another worker had handled one of them already: whatever else the transaction holds is then stale.
 */
export const markHandled = async (
  db: Database,
  entries: readonly { readonly guid: string; readonly at: IsoInstant }[],
): Promise<boolean> => {
  if (entries.length === 0) return true;
  const byGuid = new Map(entries.map(({ guid, at }) => [guid, { guid, at }]));
  const inserted = await db
    .insertInto('handled_entries')
    .values([...byGuid.values()])
    .onConflict((oc) => oc.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === BigInt(byGuid.size);
};

/** Entries older than the overlap are never read again. */
export const forgetHandled = async (db: Database, before: IsoInstant): Promise<void> => {
  await db.deleteFrom('handled_entries').where('at', '<', new Date(before)).execute();
};
