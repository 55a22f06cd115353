import type { Catalog, DynamicsColumn } from './catalog.js';
import type { FieldNotice } from './mapping.js';
import { KINDS, type Kind } from './terms.js';

/** By table: the column that carries which call of ours wrote a row last; null where there is none, or none that serves. */
export type StampColumns = Readonly<Record<Kind, string | null>>;

export const NO_STAMPS: StampColumns = { lead: null, contact: null };

/** Characters of a stamp: a UUID. */
export const STAMP_LENGTH = 36;

type Notice = Pick<FieldNotice, 'code' | 'message'>;

/** What is wrong with a column that is to carry stamps, whoever may read or write it; nothing if it serves. */
export const misfitOf = (
  kind: Kind,
  name: string,
  column: DynamicsColumn | undefined,
): Notice | undefined => {
  if (column === undefined)
    return { code: 'unknown-column', message: `the Dynamics table ${kind} has no column ${name}` };
  if (column.type !== 'string')
    return {
      code: 'types-cannot-meet',
      message: `${kind}.${name} is of type ${column.type}; a stamp needs a line of text`,
    };
  if (column.maxLength !== undefined && column.maxLength < STAMP_LENGTH)
    return {
      code: 'types-cannot-meet',
      message: `${kind}.${name} takes ${String(column.maxLength)} characters; a stamp needs ${String(STAMP_LENGTH)}`,
    };
  return undefined;
};

/** The stamp columns that can be used, and a notice for each that cannot: rows are written without a stamp then. */
export const stampColumnsOf = (
  name: string | undefined,
  { dynamics }: Catalog,
): { readonly columns: StampColumns; readonly notices: readonly FieldNotice[] } => {
  if (name === undefined) return { columns: NO_STAMPS, notices: [] };
  const columns: Record<Kind, string | null> = { ...NO_STAMPS };
  const notices = KINDS.flatMap((kind): FieldNotice[] => {
    const column = Object.hasOwn(dynamics[kind], name) ? dynamics[kind][name] : undefined;
    const misfit = misfitOf(kind, name, column) ?? missingRight(kind, name, column);
    if (misfit === undefined) {
      columns[kind] = name;
      return [];
    }
    const message = `${misfit.message}: rows are written without a stamp.`;
    return [{ kind, field: 'stampColumn', code: misfit.code, message: sentence(message) }];
  });
  return { columns, notices };
};

const missingRight = (kind: Kind, name: string, column: DynamicsColumn | undefined): Notice | undefined => {
  if (column?.readable !== true)
    return { code: 'unreadable', message: `the sync user may not read ${kind}.${name}` };
  if (column.updatable) return undefined;
  return { code: 'read-only', message: `the sync user may not change ${kind}.${name}` };
};

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
