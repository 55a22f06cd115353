import type { Cause, Link } from '../../rules/link.js';
import type { Decision } from '../../rules/plan.js';
import type { FieldValue, FieldValues } from '../../rules/terms.js';
import { FIELD_PAIRS, generatePopulation, type SeedPerson } from '../../simulators/population/index.js';
import { inColumn } from '../../simulators/population/records.js';
import type { LedgerLine } from '../../store/ledger.js';
import type { NewLink } from '../../store/links.js';

/** The fields of the default selection that leads have: 25. */
export const FIELDS = FIELD_PAIRS.flatMap(({ marketo, lead }) =>
  lead === undefined ? [] : { name: marketo, column: lead },
);

/** Persons as two companies' systems really hold them, as many as there are to be links. */
export const persons = (count: number): readonly SeedPerson[] => {
  // Some humans are in Dynamics alone.
  const all = generatePopulation({ people: Math.ceil(count * 2.2), seed: 'ledger' }).persons;
  if (all.length < count) throw new Error(`only ${all.length} persons for ${count} links`);
  return all.slice(0, count);
};

const marketoValues = (person: SeedPerson): FieldValues =>
  Object.fromEntries(FIELDS.map(({ name }) => [name, person[name] ?? null]));

const dynamicsValues = (person: SeedPerson): FieldValues =>
  Object.fromEntries(
    FIELDS.map(({ name, column }) => [name, inColumn('lead', column, person[name] ?? null)]),
  );

const idOf = (index: number): string => `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;

export const newLink = (person: SeedPerson, index: number): NewLink => ({
  ...{ kind: 'lead', status: 'unmatched', marketoId: null, dynamicsId: idOf(index), etag: 'W/"12345678"' },
  emailKey: typeof person['email'] === 'string' ? person['email'].toLowerCase() : null,
  seen: { marketo: {}, dynamics: {} },
});

/** A pair at rest: everything agreed, and the last decisions of `decided` of its fields. */
export const atRest = (link: Link, person: SeedPerson, index: number, decided: number): Link => ({
  ...link,
  ...{ status: 'linked', marketoId: index + 1, dirty: false },
  agreed: { marketo: marketoValues(person), dynamics: dynamicsValues(person) },
  causes: Object.fromEntries(some(index, decided).map(({ name }) => [name, CAUSE])),
});

const CAUSE: Cause = { rule: 'one-sided', winner: 'marketo', cycle: 104_832, at: '2026-11-27T09:30:00.123Z' };

/** `count` fields in turn, another one first for each index. */
const some = (index: number, count: number) =>
  Array.from({ length: count }, (_, n) => FIELDS[(index * 7 + n * 5) % FIELDS.length]).flatMap(
    (field) => field ?? [],
  );

/** What a cycle decided for a link: `count` fields edited, each in ten a collision. */
export const line = (linkId: number, count: number, person: SeedPerson, before: SeedPerson): LedgerLine => {
  const [now, then] = [marketoValues(person), marketoValues(before)];
  const there = dynamicsValues(before);
  const decisions = some(linkId, count).map(({ name }, n): Decision => {
    const held = { marketo: then[name] ?? null, dynamics: there[name] ?? null };
    const value = now[name] ?? null;
    return (linkId + n) % 10 === 0 ? collision(name, value, held) : oneSided(name, value, held);
  });
  return { linkId, cycle: 104_832, side: 'dynamics', decisions };
};

interface Held {
  readonly marketo: FieldValue;
  readonly dynamics: FieldValue;
}

const oneSided = (field: string, value: FieldValue, base: Held): Decision => ({
  ...{ field, rule: 'one-sided', winner: 'marketo', value, base },
  candidates: { marketo: value, dynamics: base.dynamics },
});

const collision = (field: string, value: FieldValue, base: Held): Decision => ({
  ...{ field, rule: 'authority', winner: 'marketo', value, base },
  candidates: { marketo: value, dynamics: `${String(base.dynamics)} (edited)` },
  loser: { side: 'dynamics', value: `${String(base.dynamics)} (edited)` },
});
