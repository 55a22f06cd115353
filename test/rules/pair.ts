import { codecFor, meets } from '../../rules/codecs/index.js';
import type { DynamicsColumn, MarketoField } from '../../rules/catalog.js';
import type { Link, Write } from '../../rules/link.js';
import type { MappedField } from '../../rules/mapping.js';
import type { FieldValue } from '../../rules/terms.js';
import { column, person } from './schema.js';

type Types = Readonly<{ marketo?: MarketoField; dynamics?: DynamicsColumn }>;

/** A mapped field, text meeting text unless told otherwise. Its column bears its name. */
export const field = (name: string, over: Partial<MappedField> = {}, types: Types = {}): MappedField => {
  const marketoField = { ...(types.marketo ?? person('string')), name };
  const dynamicsColumn = { ...(types.dynamics ?? column('string')), name };
  const codec = codecFor(marketoField, dynamicsColumn);
  if (!meets(codec)) throw new Error(codec.cannotMeet);
  return {
    name,
    column: name,
    direction: 'both',
    narrowed: false,
    consent: false,
    codec,
    marketoField,
    dynamicsColumn,
    creatable: true,
    updatable: true,
    ...over,
  };
};

export const flag = (name: string, over: Partial<MappedField> = {}): MappedField =>
  field(name, over, { marketo: person('boolean'), dynamics: column('boolean') });

/** A linked pair of which nothing is known yet. */
export const pair = (over: Partial<Link> = {}): Link => ({
  id: 1,
  version: 1,
  kind: 'lead',
  status: 'linked',
  marketoId: 7,
  dynamicsId: '00000000-0000-0000-0000-000000000007',
  emailKey: null,
  dirty: true,
  rereadMarketo: false,
  rereadDynamics: false,
  backfillMarketo: false,
  backfillDynamics: false,
  stamp: null,
  etag: 'e1',
  agreed: { marketo: {}, dynamics: {} },
  seen: { marketo: {}, dynamics: {} },
  writes: [],
  overtaken: {},
  parked: {},
  causes: {},
  creation: null,
  candidates: null,
  successor: null,
  predecessor: null,
  outOfScope: null,
  ambiguity: null,
  decision: null,
  ...over,
});

/** A pair that agreed on `title` and then saw it edited, on the sides that are named. */
export const titled = (
  agreed: FieldValue,
  seen: Readonly<{ marketo?: FieldValue; dynamics?: FieldValue }> = {},
  over: Partial<Link> = {},
): Link =>
  pair({
    agreed: { marketo: { title: agreed }, dynamics: { title: agreed } },
    seen: {
      marketo: seen.marketo === undefined ? {} : { title: seen.marketo },
      dynamics: seen.dynamics === undefined ? {} : { title: seen.dynamics },
    },
    ...over,
  });

/** Noon on the day of these tests, plus seconds. */
export const noon = Date.parse('2026-11-23T12:00:00Z');
export const at = (seconds: number): string => new Date(noon + seconds * 1000).toISOString();

/** A write of `title` that was answered at noon; its call could run for thirty seconds. */
export const write = (over: Partial<Write> = {}): Write => ({
  side: 'marketo',
  field: 'title',
  from: 'A',
  to: 'B',
  source: 'B',
  rule: 'one-sided',
  state: 'answered',
  cycle: 1,
  at: at(0),
  deadline: at(30),
  logged: false,
  ...over,
});
