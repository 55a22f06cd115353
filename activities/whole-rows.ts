import type { Row } from '../dynamics/index.js';
import type { MappedField } from '../rules/mapping.js';
import type { Kind } from '../rules/terms.js';
import { selectedColumn } from './rows.js';
import type { Attempt, Ports } from './settings.js';

interface Read {
  readonly ports: Ports;
  readonly kind: Kind;
  /** What the field selection asks for. */
  readonly selection: readonly string[];
  /** What the change link was made for. */
  readonly held: readonly string[];
  readonly attempt: Attempt;
}

/**
 * The rows with every column that is selected by now: what changed is read again by id as long as the change link is for
 * fewer columns. One that is gone by then comes as deleted.
 */
export const wholeRows = async (
  { ports, kind, selection, held, attempt }: Read,
  rows: readonly Row[],
): Promise<readonly Row[]> => {
  const lacks = selection.some((column) => !held.includes(column));
  if (!lacks || rows.length === 0) return rows;
  const ids = rows.map(({ id }) => id);
  return ports.dynamics.readRows(kind, ids, selection, attempt.signal);
};

/** Columns that were readable before a page was asked for. The null of any other is no blank, whatever is readable by now. */
export interface Trusted {
  /**
   * The rows without the columns whose right came while they were read.
   *
   * @param fields those that may be read after the page.
   */
  strip(rows: readonly Row[], fields: readonly MappedField[]): readonly Row[];
}

export const trustOnly = (columns: readonly string[]): Trusted => {
  let trusted = new Set(columns);
  return {
    strip: (rows, fields) => {
      const doubtful = new Set(
        fields.filter((field) => !trusted.has(selectedColumn(field))).map(({ column }) => column),
      );
      if (fields.length > 0)
        trusted = new Set(fields.map(selectedColumn).filter((column) => trusted.has(column)));
      if (doubtful.size === 0) return rows;
      return rows.map((row) => ({
        ...row,
        values: Object.fromEntries(Object.entries(row.values).filter(([name]) => !doubtful.has(name))),
      }));
    },
  };
};
