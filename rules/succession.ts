import type { FieldValue, Kind } from './terms.js';

/**
 * The row that took another's place: the contact that a lead was qualified into, or the row that this one was merged
 * into. `id` is null for a qualified lead that names no contact (the contact, if there is one, names the lead), and for a
 * merged row whose master is gone.
 */
export interface Successor {
  readonly by: 'qualified' | 'merged';
  readonly kind: Kind;
  readonly id: string | null;
}

/** A successor that is known by name. */
export interface KnownSuccessor extends Successor {
  readonly id: string;
}

/**
 * Lookups by which rows name what they became, or came of (Microsoft: lead and contact tables). A contact names its lead
 * only where Dynamics 365 Sales is installed.
 */
export const LINEAGE = {
  lead: ['masterid', 'parentcontactid'],
  contact: ['masterid', 'originatingleadid'],
} as const satisfies Readonly<Record<Kind, readonly string[]>>;

/** What a row says of its own standing; a column that was not read is `undefined`. */
export type RowMarks = Readonly<
  Record<
    'merged' | 'statecode' | 'masterid' | 'parentcontactid' | 'originatingleadid',
    FieldValue | undefined
  >
>;

/** State of a qualified lead (Microsoft: lead table, statecode). */
const QUALIFIED = 1;

/** Rows that never create a person and never match one: qualified leads and rows that were merged away. */
export const takesNoPart = (kind: Kind, { merged, statecode }: RowMarks): boolean =>
  merged === true || (kind === 'lead' && statecode === QUALIFIED);

/** What took the row's place, as the row itself tells it. A merge is the last word: it closes what it ends. */
export const successorOf = (kind: Kind, marks: RowMarks): Successor | null => {
  if (marks.merged === true) {
    return marks.masterid === undefined ? null : { by: 'merged', kind, id: idOf(marks.masterid) };
  }
  if (kind === 'contact' || marks.statecode !== QUALIFIED) return null;
  return { by: 'qualified', kind: 'contact', id: idOf(marks.parentcontactid) };
};

/** The lead that a contact was made of. */
export const predecessorOf = (kind: Kind, marks: RowMarks): string | null =>
  kind === 'contact' ? idOf(marks.originatingleadid) : null;

const idOf = (value: FieldValue | undefined): string | null =>
  typeof value === 'string' && value !== '' ? value.toLowerCase() : null;
