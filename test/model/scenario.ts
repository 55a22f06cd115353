import fc from 'fast-check';
import { FIELD_NAMES, type FieldName, type Kind, type Side } from './fields.js';

/**
 * What is typed: a text that nobody ever typed before, nothing, one that was there before, one that is too long for its
 * column, or one that the customer's rule does not like while that is on. The number picks an old one.
 */
export type Typed = 'new' | 'blank' | 'long' | 'forbidden' | { readonly old: number };

/** Something that people do; records are picked by number out of those that there are. */
export type Act =
  | {
      readonly do: 'edit';
      readonly side: Side;
      readonly record: number;
      readonly field: FieldName;
      readonly typed: Typed;
      /** By another program over Marketo's API; with the sync user's own account in Dynamics. */
      readonly likeSync: boolean;
    }
  | {
      readonly do: 'create';
      readonly side: Side;
      readonly kind: Kind;
      /** With the e-mail of a record that is there; null for one of its own. */
      readonly twinOf: number | null;
      readonly filled: readonly FieldName[];
    }
  | { readonly do: 'swap-emails'; readonly side: Side; readonly record: number; readonly other: number }
  | { readonly do: 'delete'; readonly side: Side; readonly record: number }
  | { readonly do: 'merge'; readonly side: Side; readonly winner: number; readonly loser: number }
  | { readonly do: 'qualify'; readonly record: number; readonly into: number | null }
  | {
      readonly do: 'request';
      readonly record: number;
      readonly as: Kind;
      /** At this call of the request its worker dies, and another takes it up later. */
      readonly dies: Moment | null;
    }
  | { readonly do: 'rule'; readonly on: boolean }
  | { readonly do: 'block'; readonly on: boolean }
  | {
      readonly do: 'right';
      readonly kind: Kind;
      readonly field: FieldName;
      readonly right: 'read' | 'write';
      readonly given: boolean;
    }
  /** An operator puts a record on hold, or ends that. */
  | { readonly do: 'hold'; readonly side: Side; readonly record: number; readonly on: boolean }
  /** Somebody asks for a pass over all records. */
  | { readonly do: 'pass' };

/** Before or after the n-th call that the cycle makes to a remote, from 0; one that it never makes comes at its end. */
export interface Moment {
  readonly call: number;
  readonly when: 'before' | 'after';
}

/** What goes wrong in a cycle. */
export type Trouble =
  | { readonly is: 'crash'; readonly at: Moment; readonly resumes: boolean }
  | { readonly is: 'answer'; readonly side: Side; readonly skip: number; readonly answer: Answer }
  | { readonly is: 'delta-expired' };

export const ANSWERS = [
  ...(['lost', 'dropped', 'refused', 'garbled', 'throttled', 'token-expired'] as const),
  ...(['broken', 'bad-gateway', 'gateway-timeout'] as const),
] as const;
export type Answer = (typeof ANSWERS)[number];

export interface Round {
  /** Done one after the other while the sync rests. */
  readonly acts: readonly Act[];
  /** Done while the cycle runs. */
  readonly inside: readonly { readonly at: Moment; readonly act: Act }[];
  readonly trouble: Trouble | null;
  /** Which stream is read first, and which side is written first. */
  readonly order: number;
  /** The backfill lane runs after the cycle, and dies with its worker. */
  readonly lane: boolean;
  /** Time that passes after the cycle, ms. */
  readonly restMs: number;
}

/** A script in which everything may come at any time; only how it all stands in the end is judged. */
export interface Storm {
  /** Rights, blocked fields and the customer's rule are as at first before the sync comes to rest. Holds end always. */
  readonly givesBack: boolean;
  /** What people do once all is at rest: from there the model is exact again. */
  readonly then: readonly Act[];
}

export interface Script {
  /** How far Marketo's clock is ahead of the worker's, ms. */
  readonly skewMs: number;
  /** How long an entry of Marketo's log stays invisible, ms. */
  readonly lagMs: number;
  /** Marketo tells a person that was merged away as deleted too. */
  readonly losersDeleted: boolean;
  /** A qualified lead names its contact. */
  readonly namesContact: boolean;
  /** A CRM workflow touches each row that the API wrote. */
  readonly touches: boolean;
  /** Writes of rows bear a stamp, in a column of theirs. */
  readonly stamps: boolean;
  readonly start: readonly Act[];
  readonly rounds: readonly Round[];
  /** Null: the model follows step by step. */
  readonly storm: Storm | null;
}

export const side = fc.constantFrom<Side>('marketo', 'dynamics');
export const kind = fc.constantFrom<Kind>('lead', 'contact');
export const index = fc.nat(5);

const typed: fc.Arbitrary<Typed> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Typed>('new') },
  { weight: 2, arbitrary: fc.constant<Typed>('blank') },
  { weight: 2, arbitrary: fc.nat(7).map((old) => ({ old })) },
  { weight: 3, arbitrary: fc.constantFrom<Typed>('long', 'forbidden') },
);

const edit: fc.Arbitrary<Extract<Act, { do: 'edit' }>> = fc.record({
  do: fc.constant('edit' as const),
  ...{ side, record: index, typed, likeSync: fc.boolean() },
  field: fc.constantFrom<FieldName>(...FIELD_NAMES, 'title', 'title', 'city', 'city'),
});

export const create: fc.Arbitrary<Act> = fc.record({
  do: fc.constant('create' as const),
  ...{ side, kind },
  twinOf: fc.option(index, { freq: 3, nil: null }),
  filled: fc.subarray([...FIELD_NAMES].filter((name) => name !== 'email')),
});

/** Rather on than off: it refuses only what is typed while it is on. */
const rule: fc.Arbitrary<Act> = fc.record({
  do: fc.constant('rule' as const),
  on: fc.constantFrom(true, true, false),
});

/** @param edits how many acts are edits, for each two that create a record. */
export const actOf = (edits: number): fc.Arbitrary<Act> =>
  fc.oneof(
    { weight: edits, arbitrary: edit },
    { weight: 2, arbitrary: create },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('swap-emails' as const), side, record: index, other: index }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), side, record: index }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('merge' as const), side, winner: index, loser: index }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('qualify' as const),
        record: index,
        into: fc.option(index, { freq: 2, nil: null }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('request' as const),
        ...{ record: index, as: kind, dies: fc.constant(null) },
      }),
    },
    { weight: 2, arbitrary: rule },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('block' as const), on: fc.boolean() }) },
  );

/**
 * What people do while a cycle runs, or around one that goes wrong. Left out: what changes who is who (the model orders
 * values there, and not identities yet), and blocking a field in Marketo (an edit that our write covered then cannot be given
 * back).
 */
const aSmallAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: edit.filter(({ field }) => field !== 'email') },
  { weight: 2, arbitrary: rule },
);

export const moment: fc.Arbitrary<Moment> = fc.record({
  call: fc.nat(14),
  when: fc.constantFrom('before' as const, 'after' as const),
});

export const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ is: fc.constant('crash' as const), at: moment, resumes: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant('answer' as const),
      ...{ side, skip: fc.nat(3), answer: fc.constantFrom(...ANSWERS) },
    }),
  },
  { weight: 1, arbitrary: fc.constant({ is: 'delta-expired' as const }) },
);

export const MINUTE = 60_000;

const round: fc.Arbitrary<Round> = fc.record({
  acts: fc.array(aSmallAct, { maxLength: 5 }),
  inside: fc.array(fc.record({ at: moment, act: aSmallAct }), { maxLength: 2 }),
  trouble: fc.option(trouble, { freq: 2, nil: null }),
  ...{ order: fc.nat(11), lane: fc.constant(false) },
  restMs: fc.constantFrom(5 * MINUTE, 5 * MINUTE, 9 * MINUTE, 25 * MINUTE),
});

const calm: fc.Arbitrary<Round> = fc.record({
  acts: fc.array(actOf(24), { maxLength: 5 }),
  ...{ inside: fc.constant([]), trouble: fc.constant(null) },
  ...{ order: fc.nat(11), lane: fc.constant(false) },
  restMs: fc.constant(9 * MINUTE),
});

export const scriptOf = (
  rounds: fc.Arbitrary<readonly Round[]>,
  storm: fc.Arbitrary<Storm | null> = fc.constant(null),
): fc.Arbitrary<Script> =>
  fc.record({
    skewMs: fc.oneof(fc.constant(0), fc.integer({ min: -2_500, max: 2_500 })),
    lagMs: fc.constantFrom(0, 0, 2_000, 6_000),
    ...{ losersDeleted: fc.boolean(), namesContact: fc.boolean(), stamps: fc.boolean() },
    touches: fc.oneof(
      { weight: 3, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    start: fc.array(create, { minLength: 1, maxLength: 4 }),
    ...{ rounds, storm },
  });

/** Nothing but edits of what is there, which the model follows exactly. */
export const calmEdits: fc.Arbitrary<readonly Act[]> = fc.array(edit, { maxLength: 4 });

/** Nobody is at work while a cycle runs, and nothing goes wrong: there the model is exact. */
export const calmScript = scriptOf(fc.array(calm, { minLength: 1, maxLength: 5 }));

export const disturbedScript = scriptOf(
  fc
    .tuple(fc.array(calm, { minLength: 1, maxLength: 2 }), fc.array(round, { minLength: 1, maxLength: 4 }))
    .map(([first, then]) => [...first, ...then]),
);
