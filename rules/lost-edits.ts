import { actual, type BySide, type Link, type Rule, type Write } from './link.js';
import type { Decision } from './plan.js';
import { across, type FieldValue, type FieldValues, type Side } from './terms.js';

/** Edits that nobody carries across any more, because their record is gone: kept in the ledger, so that none is lost unseen. */
export interface LostEdits {
  readonly side: Side;
  readonly decisions: readonly Decision[];
}

type Ending = Extract<Rule, 'gone' | 'merged' | 'qualified'>;

/**
 * The pair as it ends, or goes on without its record of `side`, with the edits of that side that had not gone across.
 *
 * @param kept what the record that took its place holds, by field: an edit that stands there is not lost.
 */
export const endedWith = (
  before: Link,
  after: Link,
  { side, rule, kept = {} }: { readonly side: Side; readonly rule: Ending; readonly kept?: FieldValues },
): Link => {
  if (before.status !== 'linked') return after;
  const fields = Object.keys({ ...before.seen[side], ...(side === 'marketo' && before.overtaken) });
  const decisions = fields.flatMap((field) => {
    const edit = editOf(before, side, field);
    if (edit === undefined) return [];
    const other = actual(before, across(side), field) ?? null;
    if (edit.value === other || (Object.hasOwn(kept, field) && kept[field] === edit.value)) return [];
    return [decisionOf(side, field, rule, { ...edit, other })];
  });
  return decisions.length === 0 ? after : { ...after, lost: { side, decisions } };
};

interface Edit {
  readonly value: FieldValue;
  readonly base: BySide<FieldValue>;
}

/** An edit needs something that it was an edit of; what a write of ours left there, or replaces already, is none. */
const editOf = (link: Link, side: Side, field: string): Edit | undefined => {
  const overtaken = side === 'marketo' ? link.overtaken[field] : undefined;
  if (overtaken !== undefined) {
    const base = { marketo: overtaken.written, dynamics: overtaken.source };
    return { value: overtaken.value, base };
  }
  const value = link.seen[side][field];
  if (value === undefined || !Object.hasOwn(link.agreed[side], field)) return undefined;
  const isOurs = link.writes.some(
    (write) => write.side === side && write.field === field && (isOpen(write) || write.to === value),
  );
  if (isOurs || hasCrossed(link, side, field, value)) return undefined;
  const { marketo, dynamics } = link.agreed;
  return { value, base: { marketo: marketo[field] ?? null, dynamics: dynamics[field] ?? null } };
};

/** Marketo took it; only its log, or a read, is still to prove that. */
const hasCrossed = ({ writes }: Link, side: Side, field: string, value: FieldValue): boolean =>
  writes.some(
    (write) =>
      write.side === across(side) &&
      write.field === field &&
      write.state === 'answered' &&
      write.source === value,
  );

/** Decided already, with the edit as its loser. */
const isOpen = ({ state }: Write): boolean => state === 'planned' || state === 'sent' || state === 'answered';

const decisionOf = (
  side: Side,
  field: string,
  rule: Ending,
  { value, other, base }: Edit & { readonly other: FieldValue },
): Decision => ({
  ...{ field, rule, winner: across(side), value: other, loser: { side, value }, base },
  candidates: side === 'marketo' ? { marketo: value, dynamics: other } : { marketo: other, dynamics: value },
});
