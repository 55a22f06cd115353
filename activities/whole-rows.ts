import type { Row } from '../dynamics/index.js';
import type { Mapping } from '../rules/mapping.js';
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
   * @param mapping under the rights after the page.
   */
  strip(rows: readonly Row[], mapping: Mapping): readonly Row[];
}

export const trustOnly = (kind: Kind, columns: readonly string[]): Trusted => {
  let trusted = new Set(columns);
  return {
    strip: (rows, mapping) => {
      const now = readNow(mapping, kind);
      const doubtful = new Set(now.filter(({ asked }) => !trusted.has(asked)).map(({ column }) => column));
      trusted = new Set(now.map(({ asked }) => asked).filter((asked) => trusted.has(asked)));
      if (doubtful.size === 0) return rows;
      return rows.map((row) => ({
        ...row,
        values: Object.fromEntries(Object.entries(row.values).filter(([name]) => !doubtful.has(name))),
      }));
    },
  };
};

/** Columns that may be read, with the name that each is asked for by. */
const readNow = (
  { fields, scope }: Mapping,
  kind: Kind,
): readonly { readonly column: string; readonly asked: string }[] => {
  const flag = scope[kind];
  return [
    ...fields[kind].map((field) => ({ column: field.column, asked: selectedColumn(field) })),
    ...(flag?.readable === true ? [{ column: flag.name, asked: flag.name }] : []),
  ];
};
