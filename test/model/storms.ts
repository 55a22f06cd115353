import fc from 'fast-check';
import { FIELD_NAMES } from './fields.js';
import {
  actOf,
  calmEdits,
  calmScript,
  create,
  disturbedScript,
  index,
  kind,
  MINUTE,
  scriptOf,
  side,
  trouble,
  type Act,
  type Moment,
  type Round,
  type Script,
} from './scenario.js';

/** Cycles that create, match and run the backfill lane make more calls than others. */
const moment: fc.Arbitrary<Moment> = fc.record({
  call: fc.oneof(fc.nat(9), fc.nat(24)),
  when: fc.constantFrom('before' as const, 'after' as const),
});

/** Not to the e-mail: rows are looked for by it, so that a request without that right fails and names it. */
const right: fc.Arbitrary<Act> = fc.record({
  do: fc.constant('right' as const),
  kind,
  field: fc.constantFrom(...FIELD_NAMES.filter((name) => name !== 'email')),
  right: fc.constantFrom('read' as const, 'write' as const),
  given: fc.boolean(),
});

const dyingRequest: fc.Arbitrary<Act> = fc.record({
  do: fc.constant('request' as const),
  ...{ record: index, as: kind },
  dies: fc.record({ call: fc.nat(5), when: fc.constantFrom('before' as const, 'after' as const) }),
});

const hold: fc.Arbitrary<Act> = fc.record({
  do: fc.constant('hold' as const),
  ...{ side, record: index, on: fc.boolean() },
});

/** Whatever people, campaigns and administrators do. */
const anyAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 24, arbitrary: actOf(10) },
  { weight: 3, arbitrary: create },
  { weight: 2, arbitrary: right },
  { weight: 1, arbitrary: dyingRequest },
  { weight: 1, arbitrary: hold },
  { weight: 1, arbitrary: fc.constant<Act>({ do: 'pass' }) },
);

const stormy: fc.Arbitrary<Round> = fc.record({
  acts: fc.array(anyAct, { maxLength: 4 }),
  inside: fc.array(fc.record({ at: moment, act: anyAct }), { maxLength: 3 }),
  trouble: fc.option(trouble, { freq: 3, nil: null }),
  ...{ order: fc.nat(11), lane: fc.boolean() },
  restMs: fc.constantFrom(5 * MINUTE, 5 * MINUTE, 9 * MINUTE, 61 * MINUTE),
});

const stormScript: fc.Arbitrary<Script> = scriptOf(
  fc.array(stormy, { minLength: 1, maxLength: 4 }),
  fc.record({
    givesBack: fc.oneof(
      { weight: 3, arbitrary: fc.constant(true) },
      { weight: 1, arbitrary: fc.constant(false) },
    ),
    then: calmEdits,
  }),
);

/** A third of the scripts is exact throughout, a third is followed through trouble, and a third are storms. */
export const script: fc.Arbitrary<Script> = fc.oneof(calmScript, disturbedScript, stormScript);
export { stormScript };
