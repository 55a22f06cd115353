import { actual, type BySide, type Link, type Rule, type Write } from './link.js';
import type { Decision } from './plan.js';
import { across, type FieldValue, type FieldValues, type Side } from './terms.js';

/** Edits that nobody carries across any more, because a record is gone: kept in the ledger, so that none is lost unseen. */
export interface LostEdits {
  /** Whose record is gone; an edit in Marketo that a write of ours covered is lost with either. */
  readonly side: Side;
  readonly decisions: readonly Decision[];
}

type Ending = Extract<Rule, 'gone' | 'merged' | 'qualified'>;

interface End {
  readonly side: Side;
  readonly rule: Ending;
  /** What the record that took its place holds, by field: an edit that stands there is not lost. */
  readonly kept?: FieldValues;
}

/** The pair as it ends, or goes on without its record of `side`, with the edits that had not gone across. */
export const endedWith = (before: Link, after: Link, end: End): Link => {
  if (before.status !== 'linked') return after;
  const edits = Object.keys(before.seen[end.side]).flatMap((field) => lostEdit(before, field, end));
  const covered = Object.keys(before.overtaken)
    // On a new row it is merged again.
    .filter((field) => after.status !== 'linked' || after.overtaken[field] === undefined)
    .flatMap((field) => lostCovered(before, field, end))
    .filter(
      ({ field, loser }) => !edits.some((edit) => edit.field === field && edit.loser?.value === loser?.value),
    );
  return withLost(after, end.side, [...edits, ...covered]);
};

/** The pair of a row that is gone, with edits that a write of ours had covered, as Marketo's log shows only now. */
export const coveredSince = (before: Link, after: Link): Link =>
  withLost(
    after,
    'dynamics',
    Object.keys(after.overtaken)
      .filter((field) => before.overtaken[field]?.value !== after.overtaken[field]?.value)
      .flatMap((field) => lostCovered(after, field, { side: 'dynamics', rule: 'gone' })),
  );

const withLost = (link: Link, side: Side, decisions: readonly Decision[]): Link =>
  decisions.length === 0 ? link : { ...link, lost: { side, decisions } };

const lostEdit = (link: Link, field: string, { side, rule, kept = {} }: End): Decision[] => {
  const edit = editOf(link, side, field);
  if (edit === undefined) return [];
  const other = actual(link, across(side), field) ?? null;
  if (edit.value === other || stands(kept, field, edit.value)) return [];
  return [decisionOf(side, field, rule, { ...edit, other })];
};

const lostCovered = (link: Link, field: string, { side, rule, kept = {} }: End): Decision[] => {
  const overtaken = link.overtaken[field];
  if (overtaken === undefined) return [];
  const { value, written, source } = overtaken;
  const other = actual(link, 'dynamics', field) ?? null;
  // Marketo may have it back already.
  const isBack = side === 'dynamics' && actual(link, 'marketo', field) === value;
  if (isBack || value === other || stands(kept, field, value)) return [];
  return [decisionOf('marketo', field, rule, { value, other, base: { marketo: written, dynamics: source } })];
};

const stands = (kept: FieldValues, field: string, value: FieldValue): boolean =>
  Object.hasOwn(kept, field) && kept[field] === value;

interface Edit {
  readonly value: FieldValue;
  readonly base: BySide<FieldValue>;
}

/** An edit needs something that it was an edit of; what a write of ours left there, or replaces already, is none. */
const editOf = (link: Link, side: Side, field: string): Edit | undefined => {
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
