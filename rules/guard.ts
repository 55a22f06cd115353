import type { Canonical } from './codecs/index.js';
import { heldValues, type Link } from './link.js';
import type { MappedField } from './mapping.js';
import { park } from './outcome.js';
import type { Planned } from './plan.js';
import { across, type Kind, type Side } from './terms.js';

/**
 * What the guard on mass change watches.
 *
 * - `clears`: values of one field that would be cleared on the other side
 * - `deletes`: records that went missing, whose pairs end
 * - `writes`: records that would be written
 * - `sameValue`: records that would get one and the same value in one field
 */
export const MEASURES = ['clears', 'deletes', 'writes', 'sameValue'] as const;
export type Measure = (typeof MEASURES)[number];

/** Shares of a table's pairs, from 0 to 1, that one cycle may change unasked; null: not watched. */
export type Thresholds = Readonly<Record<Measure, number | null>> & {
  /** Fewer changes than this never stop a cycle. */
  readonly atLeast: number;
};

/** One value that a cycle would write to a record that is there, over one that both sides had agreed on. */
export interface Change {
  /** The side that brings it. */
  readonly from: Side;
  readonly kind: Kind;
  readonly field: string;
  readonly to: Canonical;
  readonly clears: boolean;
}

/** A measure that is exceeded, without values: it may stand in histories and logs. */
export interface MassChange {
  readonly measure: Measure;
  /** The side that the change comes from; for `deletes` the one where records went missing. */
  readonly from: Side;
  readonly kind: Kind;
  /** Null where it is about whole records. */
  readonly field: string | null;
  readonly count: number;
  /** Pairs of the table that it is a share of. */
  readonly of: number;
}

export interface RecordIds {
  readonly marketoId: number | null;
  readonly dynamicsId: string | null;
}

/** The same for the store, with what people need to judge it. */
export interface GuardReason extends MassChange {
  /** The value that so many records would get, in canonical form; of `sameValue` alone. */
  readonly value?: Canonical;
  readonly examples: readonly RecordIds[];
}

/**
 * What a plan would change of what was agreed. First agreements (a new pair, a newly selected field) are none, nor is what
 * only undoes a write of ours.
 */
export const changesOf = ({ link, decisions }: Planned, fields: readonly MappedField[]): Change[] =>
  link.writes.flatMap(({ side, field: name, to, state, rule, returns }) => {
    if (state !== 'planned' || rule === 'restore' || returns === true) return [];
    const codec = fields.find((field) => field.name === name)?.codec;
    const agreedBefore = decisions.some((decision) => decision.field === name && decision.base !== undefined);
    if (codec === undefined || !agreedBefore) return [];
    const canonical = codec.canonical(side, to);
    const clears = canonical === codec.blank;
    return [{ from: across(side), kind: link.kind, field: name, to: canonical, clears }];
  });

interface Count {
  count: number;
  readonly examples: RecordIds[];
}

interface FieldTally {
  readonly from: Side;
  readonly kind: Kind;
  readonly field: string;
  writes: number;
  readonly clears: Count;
  /** Candidates for the commonest value; see `countValue`. */
  readonly values: Map<Canonical, Count>;
}

interface RecordTally extends Count {
  readonly from: Side;
  readonly kind: Kind;
}

/** What was counted so far, in memory that does not grow with the number of records. */
export interface Tally {
  readonly records: Map<string, RecordTally>;
  readonly fields: Map<string, FieldTally>;
}

export const newTally = (): Tally => ({ records: new Map(), fields: new Map() });

/** Adds the changes of one pair to the tally. */
export const countChanges = (tally: Tally, record: RecordIds, changes: readonly Change[]): void => {
  for (const from of new Set(changes.map((change) => change.from))) {
    const kind = changes[0]?.kind ?? 'lead';
    increment(entry(tally.records, [from, kind], { from, kind, ...noneCounted() }), record);
  }
  for (const { from, kind, field, to, clears } of changes) {
    const none = { from, kind, field, writes: 0, clears: noneCounted(), values: new Map<Canonical, Count>() };
    const counted = entry(tally.fields, [from, kind, field], none);
    counted.writes += 1;
    if (clears) increment(counted.clears, record);
    else countValue(counted.values, to, record);
  }
};

const entry = <T>(map: Map<string, T>, key: readonly string[], none: T): T => {
  const name = key.join(' ');
  const found = map.get(name) ?? none;
  map.set(name, found);
  return found;
};

const noneCounted = (): Count => ({ count: 0, examples: [] });

/** As many records as people look at. */
const EXAMPLES = 5;

const increment = (counted: Count, record: RecordIds): void => {
  counted.count += 1;
  if (counted.examples.length < EXAMPLES) counted.examples.push(record);
};

/** Values that are counted at once, per field and side. */
export const COUNTERS = 100;

/**
 * Counts values in bounded memory (Misra and Gries 1982): a value is never counted too high, and too low by at most the
 * number of values divided by `COUNTERS + 1`. Exact as long as there are no more different values than counters.
 */
const countValue = (values: Map<Canonical, Count>, value: Canonical, record: RecordIds): void => {
  const known = values.get(value);
  if (known !== undefined) {
    increment(known, record);
    return;
  }
  if (values.size < COUNTERS) {
    values.set(value, { count: 1, examples: [record] });
    return;
  }
  for (const [other, counted] of values) {
    counted.count -= 1;
    if (counted.count === 0) values.delete(other);
  }
};

/** Records that went missing on one side, whose pairs the cycle would end. */
export interface Missing extends Count {
  readonly from: Side;
  readonly kind: Kind;
}

export interface Judged {
  readonly tally: Tally;
  readonly missing: readonly Missing[];
  /** Pairs that stand, by table. */
  readonly pairs: Readonly<Record<Kind, number>>;
}

/** What of it exceeds the thresholds, in a fixed order; nothing where the cycle may go on. */
export const judgeMass = ({ tally, missing, pairs }: Judged, thresholds: Thresholds): GuardReason[] => {
  const exceeds = ({ measure, count, of }: MassChange): boolean => {
    const share = thresholds[measure];
    return share !== null && count > 0 && count >= thresholds.atLeast && count > share * of;
  };
  const gone = missing.map(({ from, kind, count, examples }) => ({
    ...{ measure: 'deletes' as const, from, kind, field: null },
    ...{ count, of: pairs[kind] + count, examples },
  }));
  const values = [...tally.fields.values()].flatMap((field) => valueReasons(field, pairs[field.kind]));
  const named = [...gone, ...values].filter(exceeds);
  const whole = [...tally.records.values()].map(({ from, kind, count, examples }): GuardReason => ({
    ...{ measure: 'writes', from, kind, field: null },
    ...{ count: Math.min(count, unnamed(tally, named, from, kind)), of: pairs[kind], examples },
  }));
  return [...named, ...whole.filter(exceeds)].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
};

const valueReasons = ({ from, kind, field, clears, values }: FieldTally, of: number): GuardReason[] => [
  { measure: 'clears', from, kind, field, of, ...clears },
  ...[...values].map(([value, counted]): GuardReason => {
    return { measure: 'sameValue', from, kind, field, of, value, ...counted };
  }),
];

/** Changes that no reason names yet: at least as many as the records that carry one. */
const unnamed = (tally: Tally, named: readonly GuardReason[], from: Side, kind: Kind): number => {
  const isHere = (each: { readonly from: Side; readonly kind: Kind }) =>
    each.from === from && each.kind === kind;
  const all = [...tally.fields.values()].filter(isHere).reduce((sum, { writes }) => sum + writes, 0);
  const told = named.filter((reason) => reason.field !== null && isHere(reason));
  return all - told.reduce((sum, { count }) => sum + count, 0);
};

const keyOf = ({ measure, from, kind, field, value }: Omit<GuardReason, 'examples'>): string =>
  JSON.stringify([MEASURES.indexOf(measure), from, kind, field, value ?? null]);

/** How much more than was decided on may go through: as much as passes unasked, or a tenth. */
const tolerated = ({ count }: MassChange, { atLeast }: Thresholds): number =>
  count + Math.max(atLeast, Math.ceil(count / 10));

/** What goes beyond that which people let through. */
export const beyond = (
  reasons: readonly GuardReason[],
  allowed: readonly GuardReason[],
  thresholds: Thresholds,
): GuardReason[] =>
  reasons.filter((reason) => {
    const same = allowed.find((each) => keyOf(each) === keyOf(reason));
    return same === undefined || reason.count > tolerated(same, thresholds);
  });

/** True if the change is one that these reasons are about. */
export const isNamedBy = (reasons: readonly GuardReason[], change: Change): boolean =>
  reasons.some(({ measure, from, kind, field, value }) => {
    if (from !== change.from || kind !== change.kind) return false;
    if (measure === 'writes') return true;
    if (field !== change.field) return false;
    return measure === 'clears' ? change.clears : measure === 'sameValue' && value === change.to;
  });

/**
 * Gives fields of a pair up for exactly the values that both sides hold now: each keeps its own, and an edit that our write
 * covered is given up with them.
 */
export const giveUpFields = (link: Link, fields: readonly string[]): Link => {
  const unplanned = link.writes.filter(({ field, state }) => state !== 'planned' || !fields.includes(field));
  const overtaken = Object.fromEntries(
    Object.entries(link.overtaken).filter(([field]) => !fields.includes(field)),
  );
  return fields.reduce<Link>(
    (current, field) => park(current, field, heldValues(link, field), 'discarded', null),
    { ...link, writes: unplanned, overtaken },
  );
};

/** A reason as histories and logs may hold it. */
export const withoutValues = ({ measure, from, kind, field, count, of }: GuardReason): MassChange => ({
  ...{ measure, from, kind, field, count, of },
});
