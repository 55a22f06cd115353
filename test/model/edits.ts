import { decisionsOf, type LedgerRecord } from '../../store/ledger.js';
import type { Database } from '../../store/database.js';
import type { Typing } from './deeds.js';
import { FIELDS, type Side, type Value } from './fields.js';
import type { Observed } from './observed.js';

/** What is known at the end of a script: how all stands, what the ledger tells, and what people typed, in its order. */
export interface End {
  readonly real: Observed;
  readonly ledger: readonly LedgerRecord[];
  readonly typings: readonly Typing[];
  /** Fields of a kind of row that are set aside with a notice. */
  readonly notices: ReadonlySet<string>;
  /** Records that were in a pair whenever somebody looked, with how much had been typed by then. */
  readonly looks: readonly Look[];
}

export interface Look {
  readonly typed: number;
  readonly paired: ReadonlySet<string>;
  /** How much of it was read by then: a whole cycle had begun after it, and nothing went wrong. */
  readonly read: number;
}

/** More lines than any script makes. */
const MOST_LINES = 10_000;

export const readLedger = async (db: Database): Promise<LedgerRecord[]> => {
  const links = await db.selectFrom('ledger').select('link_id').distinct().execute();
  return decisionsOf(
    db,
    links.map(({ link_id: id }) => id),
    MOST_LINES,
  );
};

/** One value that only one person ever typed into this field: wherever it is found, it is that edit. */
interface Edit extends Typing {
  readonly at: number;
  readonly value: string;
}

/** What may have become of an edit, as SPEC.md and docs/rules.md permit it. */
type Fate = readonly [because: string, holds: (edit: Edit, end: End) => boolean];

const other = (side: Side): Side => (side === 'marketo' ? 'dynamics' : 'marketo');

const FATES: readonly Fate[] = [
  ['stands on both sides', (edit, end) => everyStand(edit, end).every((value) => value === edit.value)],
  [
    'was typed over later',
    ({ at, side, record, field }, { typings }) =>
      typings.some((later, index) => index > at && isOf(later, { side, record, field })),
  ],
  [
    'lost a collision, or with its record, as the ledger tells',
    ({ side, field, value }, { ledger }) =>
      ledger.some((each) => each.field === field && each.loser === side && each.candidates[side] === value),
  ],
  [
    'was overruled by a direction or at the first agreement',
    (edit, { ledger }) =>
      ledger.some(
        ({ field, rule, winner, candidates }) =>
          field === edit.field &&
          candidates[edit.side] === edit.value &&
          winner === other(edit.side) &&
          (rule === 'direction' || rule.startsWith('first-')),
      ),
  ],
  [
    'was agreed, and edited later',
    ({ field, value }, { ledger }) =>
      ledger.some(
        ({ field: of, base }) => of === field && (base?.marketo === value || base?.dynamics === value),
      ),
  ],
  ['was refused, and waits', (edit, end) => isParked(edit, end)],
  [
    'waits with its pair, which is set aside',
    (edit, end) => end.real.aside.has(edit.record) && ownStand(edit, end) === edit.value,
  ],
  ['waits for a right', (edit, end) => isNoticed(edit, end) && ownStand(edit, end) === edit.value],
  [
    'stands where it was typed: its record has no other side',
    (edit, end) => !isPaired(edit, end) && ownStand(edit, end) === edit.value && !wasPairedSince(edit, end),
  ],
  [
    'went across, and then the pair ended',
    (edit, end) =>
      !isPaired(edit, end) &&
      end.ledger.some(
        ({ field, winner, candidates }) =>
          field === edit.field && winner === edit.side && candidates[winner] === edit.value,
      ),
  ],
  [
    // A row that is made for a person takes its values without a decision.
    'was agreed by a pair, and that pair ended',
    (edit, end) =>
      !isPaired(edit, end) &&
      end.real.links.some(
        ({ status, agreed }) => status !== 'linked' && agreed[edit.side][edit.field] === edit.value,
      ),
  ],
  [
    // Our write may have covered it before anybody read it; nobody would have carried it anywhere.
    'was typed where a one-way field arrives, and its pair ended',
    (edit, end) => !isPaired(edit, end) && !goesFrom(edit),
  ],
  [
    // What may not be read or written is nobody's to follow.
    'was typed into a field that the pair never synced, and that pair ended',
    ({ record, side, field }, { real }) =>
      (real.ended.get(record) ?? []).some(({ agreed }) => !Object.hasOwn(agreed[side], field)),
  ],
  [
    'was there before its record had a pair, and that pair ended',
    (edit, end) => !isPaired(edit, end) && !wasPairedBefore(edit, end),
  ],
  // SPEC.md, gaps: "An edit of a record that was deleted before anybody read it is not in the ledger."
  [
    'its record was gone before the sync read it',
    (edit, end) => ownStand(edit, end) === undefined && !wasPairedSince(edit, end),
  ],
];

const isOf = (typing: Typing, { side, record, field }: Pick<Typing, 'side' | 'record' | 'field'>): boolean =>
  typing.side === side && typing.record === record && typing.field === field;

/** What the pair of this record holds on both of its sides; of a record without one, what it holds itself. */
const everyStand = (edit: Typing, end: End): (Value | undefined)[] => {
  const [person, row] = personAndRow(edit, end);
  const { field } = edit;
  const { real } = end;
  return [real.persons.get(person ?? '')?.values[field], real.rows.get(row ?? '')?.values[field]];
};

const personAndRow = (
  { side, record }: Typing,
  { real }: End,
): readonly [person: string | undefined, row: string | undefined] =>
  side === 'marketo'
    ? [record, real.pairs.get(record)]
    : [[...real.pairs].find(([, each]) => each === record)?.[0], record];

const isPaired = (edit: Typing, end: End): boolean =>
  personAndRow(edit, end).every((each) => each !== undefined);

const ownStand = ({ side, record, field }: Typing, { real }: End): Value | undefined =>
  (side === 'marketo' ? real.persons : real.rows).get(record)?.values[field];

const wasPairedSince = ({ at, record }: Edit, { looks }: End): boolean =>
  looks.some(({ read, paired }) => read > at && paired.has(record));

const wasPairedBefore = ({ at, record }: Edit, { looks }: End): boolean =>
  looks.some(({ typed, paired }) => typed <= at && paired.has(record));

const goesFrom = ({ side, field }: Typing): boolean =>
  FIELDS[field].direction !== (side === 'marketo' ? 'toMarketo' : 'toDynamics');

const isParked = (edit: Edit, end: End): boolean => {
  const [person] = personAndRow(edit, end);
  return end.real.parked.get(person ?? '')?.has(edit.field) === true && ownStand(edit, end) === edit.value;
};

const isNoticed = (edit: Edit, end: End): boolean => {
  const [, row] = personAndRow(edit, end);
  return end.notices.has(`${end.real.rows.get(row ?? '')?.kind ?? ''} ${edit.field}`);
};

/** Edits of which nobody can tell what became of them: a line for each. */
export const lostEdits = (end: End): string[] =>
  editsOf(end.typings)
    .filter((edit) => !FATES.some(([, holds]) => holds(edit, end)))
    .map((edit) => {
      const { side, record, field, value } = edit;
      const told = end.ledger.filter((each) => each.field === field);
      return `${value}, typed into ${field} of ${side} record ${record}: now ${JSON.stringify(everyStand(edit, end))}; ledger ${JSON.stringify(told)}`;
    });

/**
 * Left out are blanks, options, consent and old values typed again: nobody can tell whose they are, nor whether somebody read
 * the value in between (SPEC.md, gaps: "An edit and its exact reversal before we looked").
 */
const editsOf = (typings: readonly Typing[]): Edit[] =>
  typings.flatMap((typing, at) => {
    const { field, value } = typing;
    if (typeof value !== 'string' || field === 'rating') return [];
    const isUnique = typings.filter((each) => each.field === field && each.value === value).length === 1;
    return isUnique ? [{ ...typing, value, at }] : [];
  });
