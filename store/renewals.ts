import type { Kind } from '../rules/terms.js';
import { cursor, dropCursor, moveCursor, takeCursor, type Cursor } from './cursors.js';
import type { Database } from './database.js';

/**
 * A table that is read anew beside the cycle, to end in a change link of its own: for another selection, or to look at
 * every row once. The cycle changes over to that link once it is there.
 */
export interface Renewal {
  readonly cursor: Cursor;
  /** The next page, where the last attempt had come to; null before the first. */
  readonly next: string | null;
  /** The change link, once the whole table was read. */
  readonly delta: string | null;
}

const streamOf = (kind: Kind): string => `dynamics/${kind}/next`;

const renewalOf = (from: Cursor): Renewal => {
  const { next = null, delta = null } = JSON.parse(from.position || '{}') as Partial<Renewal>;
  return { cursor: from, next, delta };
};

/** Takes the reading over, so that a worker that stalled in it moves it no more. Another selection begins it anew. */
export const takeRenewal = async (db: Database, kind: Kind, selection: string): Promise<Renewal> => {
  const from = await takeCursor(db, streamOf(kind));
  const renewal = renewalOf(from);
  return from.selection === selection ? renewal : { cursor: { ...from, selection }, next: null, delta: null };
};

/** The change link for this selection, if the table was read for it and the cycle has not changed over yet. */
export const readyRenewal = async (
  db: Database,
  kind: Kind,
  selection: string,
): Promise<(Renewal & { readonly delta: string }) | undefined> => {
  const found = await cursor(db, streamOf(kind));
  if (found?.selection !== selection) return undefined;
  const renewal = renewalOf(found);
  return renewal.delta === null ? undefined : { ...renewal, delta: renewal.delta };
};

/** Notes how far the table was read. @returns false if somebody else took the reading over. */
export const moveRenewal = (
  db: Database,
  { cursor: from }: Renewal,
  position: { readonly next: string } | { readonly delta: string },
  mark: string,
): Promise<boolean> => {
  const { stream, selection } = from;
  return moveCursor(db, from, { stream, selection, mark, position: JSON.stringify(position) });
};

/** The next reading of the table begins at its first page. */
export const dropRenewal = (db: Database, kind: Kind): Promise<void> => dropCursor(db, streamOf(kind));

/** True where a reading is under way that has no change link yet. */
export const isRenewing = async (db: Database, kind: Kind): Promise<boolean> => {
  const found = await cursor(db, streamOf(kind));
  return found !== undefined && found.position !== '' && renewalOf(found).delta === null;
};

/**
 * What the change link of a table told of this column is not believed any more: the link serves on for the others, while the
 * backfill lane reads the table for a new one.
 */
export const doubtColumn = async (db: Database, kind: Kind, column: string): Promise<void> => {
  const found = await cursor(db, `dynamics/${kind}`);
  if (found === undefined) return;
  const columns = found.selection.split(',').filter((name) => name !== column);
  await moveCursor(db, found, { ...found, selection: columns.join(',') });
  await dropRenewal(db, kind);
};
