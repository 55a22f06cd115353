import { actual, type BySide, type Cause, type Link, type Parked } from '../../rules/link.js';
import type { FieldValue, IsoInstant, Side } from '../../rules/terms.js';
import type { LedgerRecord } from '../../store/ledger.js';

/** An open refusal of the store. */
export interface OpenRejection {
  readonly id: string;
  readonly linkId: number;
  readonly side: Side;
  readonly field: string | null;
  readonly code: string;
  readonly message: string;
  readonly at: IsoInstant;
}

/**
 * How a field stands.
 *
 * - `in-step`: both sides hold what they agreed on
 * - `under-way`: a write was sent, or will be with the next cycle
 * - `refused`: parked, because the target refused the value; tried again when one of the values moves
 * - `set-aside`: quarantined; the field's notice says why
 * - `discarded`: given up by decision of people, when the guard had stopped a mass change
 * - `swinging`: quarantined, because both sides kept rewriting each other's value
 * - `to-decide`: a side was edited since; the next cycle decides
 * - `unread`: one side was never read for it
 */
export type FieldState =
  'in-step' | 'under-way' | 'refused' | 'set-aside' | 'discarded' | 'swinging' | 'to-decide' | 'unread';

/** Why a field has the value it has, as far as the store knows. */
export interface FieldExplanation {
  readonly field: string;
  readonly state: FieldState;
  /** What each side is known to hold; null also for what was never read, see `state`. */
  readonly now: BySide<FieldValue>;
  /** Decisions that the ledger still holds, newest first. */
  readonly decisions: readonly LedgerRecord[];
  /** Both sides came to hold the same by themselves: none of the decisions was about the value that they have now. */
  readonly metSince: boolean;
  /** The last decision, without its values: kept as long as the pair. Null: both were equal from the start. */
  readonly cause: Pick<Cause, 'rule' | 'winner' | 'cycle' | 'at'> | null;
  readonly rejection: OpenRejection | null;
}

export function explainField(
  link: Link,
  field: string,
  decisions: readonly LedgerRecord[],
  rejections: readonly OpenRejection[],
): FieldExplanation {
  const marketo = actual(link, 'marketo', field);
  const dynamics = actual(link, 'dynamics', field);
  const parked = link.parked[field];
  const state = stateOf(link, field, marketo === undefined || dynamics === undefined);
  const now = { marketo: marketo ?? null, dynamics: dynamics ?? null };
  const made = decisions.filter((decision) => decision.linkId === link.id && decision.field === field);
  return {
    ...{ field, state, now, decisions: made },
    metSince: state === 'in-step' && made[0] !== undefined && !isAbout(made[0], now),
    cause: causeOf(link.causes[field]),
    rejection: rejections.find(({ id }) => id === parked?.rejectionId) ?? null,
  };
}

/** What was given up by decision explains no value; what was erased is not known to differ. */
const isAbout = (
  { winner, candidates, erased, discarded }: LedgerRecord,
  now: FieldExplanation['now'],
): boolean => erased === true || (discarded === undefined && candidates[winner] === now[winner]);

const causeOf = (cause: Cause | undefined): FieldExplanation['cause'] =>
  cause === undefined ? null : { rule: cause.rule, winner: cause.winner, cycle: cause.cycle, at: cause.at };

/** Every field of which the link knows anything, in the order of the alphabet. */
export const fieldsOf = (link: Link): string[] =>
  [
    ...new Set([
      ...Object.keys({ ...link.agreed.marketo, ...link.agreed.dynamics }),
      ...Object.keys({ ...link.seen.marketo, ...link.seen.dynamics }),
      ...link.writes.map(({ field }) => field),
    ]),
  ].sort();

const PARKED: Readonly<Record<Parked['reason'], FieldState>> = {
  refused: 'refused',
  quarantined: 'set-aside',
  discarded: 'discarded',
};

function stateOf(link: Link, field: string, unread: boolean): FieldState {
  const parked = link.parked[field];
  if (parked?.because === 'swinging') return 'swinging';
  if (parked !== undefined) return PARKED[parked.reason];
  const open = link.writes.some(
    (write) => write.field === field && ['planned', 'sent', 'answered'].includes(write.state),
  );
  if (open) return 'under-way';
  if (unread) return 'unread';
  const edited = [link.seen.marketo, link.seen.dynamics, link.overtaken].some((values) =>
    Object.hasOwn(values, field),
  );
  return edited ? 'to-decide' : 'in-step';
}
