import type { Ambiguity, GroupDecision } from './ambiguity.js';
import type { LostEdits } from './lost-edits.js';
import type { OutOfScope } from './scope.js';
import type { Successor } from './succession.js';
import type { Swing } from './swing.js';
import type { FieldValue, FieldValues, IsoInstant, Kind, Side } from './terms.js';

/**
 * Where a link stands.
 *
 * - `unmatched`: a row of Dynamics that has no person yet, or a request whose row does not exist yet
 * - `linked`: both records are known
 * - `ambiguous`: several candidates; set aside until a person decides or the ambiguity is gone
 * - `ended`: the row was deleted in Dynamics; the person stays, flagged
 * - `tombstone`: the person was deleted in Marketo; the row stays and does not bring the person back
 * - `excluded`: a qualified or merged row, which never creates or matches
 * - `merged-away`: one of its records was merged into one that has a link of its own; the other waits until it is merged
 *   or deleted too. Without a person: it is the person that was merged away, and the row that waits
 */
export const LINK_STATUSES = [
  'unmatched',
  'linked',
  'ambiguous',
  'ended',
  'tombstone',
  'excluded',
  'merged-away',
] as const;
export type LinkStatus = (typeof LINK_STATUSES)[number];

/**
 * Where a write stands.
 *
 * - `planned`: decided, not sent; planned anew whenever the link is resolved again
 * - `sent`: the call was begun; until an answer or its deadline nobody knows its effect
 * - `answered`: Marketo answered `updated`, which does not prove the value (blocked fields)
 * - `settled`: seen to have taken effect; kept while its log entry may still come
 * - `superseded`: given up or replaced before it settled; if its value turns up it is ours, not an edit
 */
export type WriteState = 'planned' | 'sent' | 'answered' | 'settled' | 'superseded';

/** One field value sent to one side. */
export interface Write {
  readonly side: Side;
  readonly field: string;
  /** What the target was known to hold; `undefined` in a record that we create. */
  readonly from: FieldValue;
  readonly to: FieldValue;
  /** The value of the other side that this write carries across, in that side's form. */
  readonly source: FieldValue;
  readonly rule: Rule;
  readonly state: WriteState;
  readonly cycle: number;
  /** When it was planned, sent or answered: the last of these. */
  readonly at: IsoInstant;
  /** When its call began; entries of Marketo's log that are older than that are not of its making. */
  readonly sentAt?: IsoInstant;
  /** Until then a call may still be under way. */
  readonly deadline: IsoInstant | null;
  /** What its call writes into the stamp column, where there is one. */
  readonly rowStamp?: string;
  /** Our entry for it was seen in Marketo's change log. */
  readonly logged: boolean;
  /** It gives Marketo back an edit of its own that an earlier write covered: it carries nothing across. */
  readonly returns?: true;
  /** Since then the log showed a person typing this very value: finding it there is no trace of ours any more. */
  readonly retyped?: boolean;
}

/** Why a value won. `docs/rules.md` explains each to people. */
export const RULES = [
  'one-sided',
  'direction',
  'authority',
  'first-blank',
  'first-consent',
  'first-authority',
  'restore',
  'created',
  // An edit that never went across:
  'gone',
  'merged',
  'qualified',
] as const;
export type Rule = (typeof RULES)[number];

/** A field that does not converge for a stated reason, for exactly these values; `discarded`: by decision of people. */
export interface Parked {
  readonly reason: 'refused' | 'quarantined' | 'discarded';
  /** Quarantined for its values, not for rights or schema: both sides keep rewriting it, see `rules/swing.ts`. */
  readonly because?: 'swinging';
  readonly rejectionId: string | null;
  readonly marketo: FieldValue;
  readonly dynamics: FieldValue;
  /** Who refused it, and with which code. */
  readonly side?: Side;
  readonly code?: string;
  /** Metadata refused it, without a call: it is judged again whenever its link is planned. */
  readonly local?: true;
  /** It is tried again although no value moved. Refused with the same code, it is put back as it was. */
  readonly trial?: true;
}

/** Stands for the record as a whole among the parked: a refusal that is about none of its fields. */
export const WHOLE_RECORD = '*';

/** An edit in Marketo that a write of ours covered before we had seen it. */
export interface Overtaken {
  readonly value: FieldValue;
  /** `collision`: it stood in the log before our write; `later`: after an application of that same write. */
  readonly as: 'collision' | 'later';
  /** What our write put over it, and the value of Dynamics that it carried: where both sides stood then. */
  readonly written: FieldValue;
  readonly source: FieldValue;
}

/** The last cause of a field's value, kept so that any current value can be explained. */
export interface Cause {
  readonly rule: Rule;
  readonly winner: Side;
  readonly cycle: number;
  readonly at: IsoInstant;
  /** Writes that carried the field between the same two values. */
  readonly swing?: Swing;
}

export type BySide<T> = Readonly<Record<Side, T>>;

/** The pair (person, lead or contact) that the sync keeps true; see docs/architecture.md, "The link". */
export interface Link {
  readonly id: number;
  readonly version: number;
  readonly kind: Kind;
  readonly status: LinkStatus;
  readonly marketoId: number | null;
  readonly dynamicsId: string | null;
  readonly emailKey: string | null;
  readonly dirty: boolean;
  /** Sides whose record the next fetch reads again, whatever the change feeds say. */
  readonly rereadMarketo: boolean;
  readonly rereadDynamics: boolean;
  /** Sides whose record the backfill lane reads: for fields that were never read there. The cycle does not wait for it. */
  readonly backfillMarketo: boolean;
  readonly backfillDynamics: boolean;
  /** Key fields that the person should carry and does not yet (`dynamicsId`, `dynamicsType`, `dynamicsDeleted`). */
  readonly stamp: FieldValues | null;
  readonly etag: string | null;
  readonly agreed: BySide<FieldValues>;
  readonly seen: BySide<FieldValues>;
  readonly writes: readonly Write[];
  readonly overtaken: Readonly<Record<string, Overtaken>>;
  readonly parked: Readonly<Record<string, Parked>>;
  readonly causes: Readonly<Record<string, Cause>>;
  /** The person that is to be created in Marketo, or whose creation is under way or in doubt. */
  readonly creation: Creation | null;
  /** Ids of the other candidates of an ambiguous group. */
  readonly candidates: readonly Candidate[] | null;
  /** What took the row's place, as long as the pair has not followed it. */
  readonly successor: Successor | null;
  /** The lead that the row, a contact, was made of. */
  readonly predecessor: string | null;
  /** To be noted in the ledger with the next save, in the same statement; not kept on the link. */
  readonly lost?: LostEdits;
  /** Why nothing of the pair is written at present; null for one in scope. */
  readonly outOfScope: OutOfScope | null;
  /** Why it is ambiguous; says nothing in any other status. */
  readonly ambiguity: Ambiguity | null;
  /** The last decision of an operator about an ambiguous group that this link was of. */
  readonly decision: GroupDecision | null;
}

export interface Creation {
  /** Values by field, in Marketo's form. */
  readonly values: FieldValues;
  /** When the call began; null while it is only planned. */
  readonly sentAt: IsoInstant | null;
  readonly deadline: IsoInstant | null;
  /** How often a call for it got no answer, and had made no person. */
  readonly doubts?: number;
}

export interface Candidate {
  readonly side: Side;
  readonly kind?: Kind;
  readonly id: string;
}

/** The value that a side is known to hold; `undefined` if it was never observed. */
export const actual = (link: Link, side: Side, field: string): FieldValue | undefined => {
  const seen = link.seen[side];
  return Object.hasOwn(seen, field) ? seen[field] : link.agreed[side][field];
};

/** What both sides are known to hold of a field; null also where a side was never observed. */
export const heldValues = (link: Link, field: string): BySide<FieldValue> => ({
  marketo: actual(link, 'marketo', field) ?? null,
  dynamics: actual(link, 'dynamics', field) ?? null,
});

/** A record of the pair went missing, and no cycle has gone on since: it may be only out of sight. */
export const isMissed = ({ status, dirty, stamp }: Link): boolean =>
  dirty && (status === 'tombstone' || (status === 'ended' && stamp !== null));
