import fc from 'fast-check';
import type { MappedField } from '../../../rules/mapping.js';
import type { FieldValue } from '../../../rules/terms.js';
import { field, flag } from '../pair.js';
import { column, person } from '../schema.js';
import { FATES, type Fate, type Happening, type Scenario } from './world.js';

/** Longest text that the column of `title` takes; Marketo's field takes more. */
const TITLE_LENGTH = 12;

/** Two-way text, one of them short in Dynamics; one way each; an opt-out. */
export const FIELDS: readonly MappedField[] = [
  field('title', {}, { dynamics: column('string', { maxLength: TITLE_LENGTH }) }),
  field('city'),
  field('score', { direction: 'toDynamics' }, { marketo: person('integer'), dynamics: column('integer') }),
  field('segment', { direction: 'toMarketo' }),
  flag('optOut', { consent: true }),
];

/** Faults that a run may know; without any, every call is answered and nothing crashes. */
export interface Faults {
  readonly fates: readonly Fate[];
  readonly crashes: boolean;
  readonly lags: boolean;
  readonly blocks: boolean;
  /** Old values typed again, blanks, and values that are too long. */
  readonly oddValues: boolean;
}

export const CALM: Faults = { fates: ['done'], crashes: false, lags: false, blocks: false, oddValues: false };
/** Calls end by their deadline here; see {@link STALLING} for those that do not. */
export const STORM: Faults = {
  fates: FATES.filter((fate) => fate !== 'stalled'),
  crashes: true,
  lags: true,
  blocks: true,
  oddValues: true,
};
/** Here a worker may also stall inside its call, which takes effect long after everybody gave it up. */
export const STALLING: Faults = { ...STORM, fates: FATES };

/** The value of the n-th edit: nobody ever types it twice. */
const fresh = (name: string, n: number): FieldValue =>
  name === 'score' ? n + 10 : name === 'optOut' ? n % 2 === 0 : `${name[0] ?? ''}${n}`;

const odd = (name: string, n: number): FieldValue => {
  if (name === 'optOut' || name === 'score') return fresh(name, n % 3);
  return n % 4 === 0 ? null : n % 4 === 1 ? `${name}-${n}-is-far-too-long` : fresh(name, n % 3);
};

interface Drawn {
  readonly after: number;
  readonly type: 'edit' | 'crash' | 'block';
  readonly side: 'marketo' | 'dynamics';
  readonly field: string;
  readonly viaApi: boolean;
  readonly odd: boolean;
}

const happening = ({ type, side, field: name, viaApi, odd: isOdd }: Drawn, n: number): Happening =>
  type === 'crash'
    ? { type }
    : type === 'block'
      ? { type, field: name }
      : { type, side, field: name, viaApi, value: isOdd ? odd(name, n) : fresh(name, n) };

export const scenarios = (
  faults: Faults,
  fields: readonly MappedField[] = FIELDS,
): fc.Arbitrary<Scenario> => {
  const names = fields.map(({ name }) => name);
  const types = [
    { arbitrary: fc.constant('edit' as const), weight: 10 },
    { arbitrary: fc.constant('crash' as const), weight: faults.crashes ? 3 : 0 },
    { arbitrary: fc.constant('block' as const), weight: faults.blocks ? 1 : 0 },
  ];
  const drawn: fc.Arbitrary<Drawn> = fc.record({
    after: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 60 })),
    type: fc.oneof(...types),
    side: fc.constantFrom('marketo', 'dynamics'),
    field: fc.constantFrom(...names),
    viaApi: fc.boolean(),
    odd: faults.oddValues ? fc.boolean() : fc.constant(false),
  });
  const values = fc.record(
    Object.fromEntries(
      fields.map(({ name }) => [
        name,
        fc.constantFrom(...(name === 'optOut' ? [true, false] : [fresh(name, -1), fresh(name, -2), null])),
      ]),
    ),
  );
  return fc.record({
    kind: fc.constantFrom('lead', 'contact'),
    marketo: values,
    dynamics: values,
    happenings: fc
      .array(drawn, { maxLength: 12 })
      .map((all) => all.map((each, n) => ({ after: each.after, what: happening(each, n) }))),
    fates: fc.array(fc.constantFrom(...faults.fates), { maxLength: 8 }),
    lags: faults.lags ? fc.array(fc.constantFrom(0, 0, 3, 25, 40), { maxLength: 12 }) : fc.constant([]),
    turns: fc.array(fc.boolean(), { maxLength: 8 }),
  });
};
