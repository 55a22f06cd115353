import { fieldsOf, type FieldName, type Value } from './fields.js';
import type { Observed } from './observed.js';
import { copyOf, type Row, type Values, type World } from './reference/state.js';

/** How the world of the model differs from the real one, a line for each difference. */
export const differences = (world: World, real: Observed): string[] => [
  ...personsDiffer(world, real),
  ...rowsDiffer(world, real),
  ...pairsDiffer(world, real),
];

const show = (value: unknown): string => JSON.stringify(value ?? null);

const personsDiffer = (world: World, real: Observed): string[] => {
  const there = Object.values(world.persons).filter(({ gone }) => !gone);
  const missing = there.filter(({ id }) => !real.persons.has(id)).map(({ id }) => `person ${id} is missing`);
  const known = new Set(there.map(({ id }) => id));
  const extra = [...real.persons.keys()]
    .filter((id) => !known.has(id))
    .map((id) => `person ${id} is one too many`);
  const differ = there.flatMap((person) => {
    const found = real.persons.get(person.id);
    if (found === undefined) return [];
    const values = (Object.keys(person.values) as FieldName[])
      .filter((name) => person.values[name] !== found.values[name])
      .map(
        (name) =>
          `person ${person.id} ${name}: ${show(found.values[name])}, by the rules ${show(person.values[name])}`,
      );
    return [
      ...values,
      ...(person.key === found.key
        ? []
        : [`person ${person.id} carries ${show(found.key)}, by the rules ${show(person.key)}`]),
      ...(person.flagged === found.flagged
        ? []
        : [`person ${person.id} flagged: ${show(found.flagged)}, by the rules ${show(person.flagged)}`]),
    ];
  });
  return [...missing, ...extra, ...differ];
};

const rowsDiffer = (world: World, real: Observed): string[] => {
  const there = Object.values(world.rows).filter(({ state }) => state !== 'gone');
  const missing = there.filter(({ id }) => !real.rows.has(id)).map(({ id }) => `row ${id} is missing`);
  const known = new Set(there.map(({ id }) => id));
  const extra = [...real.rows.keys()].filter((id) => !known.has(id)).map((id) => `row ${id} is one too many`);
  const differ = there.flatMap((row) =>
    fieldsOf(row.kind).flatMap(({ name }) => {
      const found = real.rows.get(row.id)?.values;
      return found === undefined || found[name] === row.values[name]
        ? []
        : [`row ${row.id} ${name}: ${show(found[name])}, by the rules ${show(row.values[name])}`];
    }),
  );
  return [...missing, ...extra, ...differ];
};

const pairsDiffer = (world: World, real: Observed): string[] => {
  const pairs = new Map(
    world.links
      .filter(({ status, person }) => status === 'linked' && world.persons[person ?? '']?.gone === false)
      .map(({ person, row }) => [person ?? '', row]),
  );
  const persons = new Set([...pairs.keys(), ...real.pairs.keys()]);
  return [...persons]
    .filter((person) => pairs.get(person) !== real.pairs.get(person))
    .map(
      (person) =>
        `person ${person} is paired with ${show(real.pairs.get(person))}, by the rules ${show(pairs.get(person))}`,
    );
};

/** What people did while a cycle ran, since the model was last exact. */
export interface Meanwhile {
  /** Fields that were typed into in Marketo, as `person/field`: our write may stand over that until the log has told. */
  readonly typed: Set<string>;
  /** Values that were typed over, by `record/field`: our write may carry one that was read before. */
  readonly replaced: Map<string, Set<Value>>;
}

/**
 * The world as it may stand after a cycle that was disturbed; undefined where it cannot have come to this. What Marketo
 * holds is what was written there, because its log will tell. What Dynamics holds may be a value of ours that landed without
 * the sync knowing: then either may count as agreed (SPEC.md, gaps: "A lost answer of Dynamics").
 */
export const asFound = (before: World, real: Observed, { typed, replaced }: Meanwhile): World | undefined => {
  const world = copyOf(before);
  const persons = Object.values(world.persons).filter(({ gone }) => !gone);
  if (persons.length !== real.persons.size) return undefined;
  for (const { id, values } of persons) {
    const found = real.persons.get(id);
    if (found === undefined) return undefined;
    const isCovered = (name: FieldName): boolean => {
      const row = rowOfPerson(world, id);
      if (row === undefined || !typed.has(`${id}/${name}`)) return false;
      const value = found.values[name];
      return row.values[name] === value || replaced.get(`${row.id}/${name}`)?.has(value) === true;
    };
    if (names(values).some((name) => values[name] !== found.values[name] && !isCovered(name)))
      return undefined;
  }
  const rows = Object.values(world.rows).filter(({ state }) => state !== 'gone');
  if (rows.length !== real.rows.size) return undefined;
  return rows.every((row) => takeRow(world, row, real, replaced)) ? world : undefined;
};

const names = (values: Values): FieldName[] => Object.keys(values) as FieldName[];

const rowOfPerson = ({ links, rows }: World, id: string): Row | undefined =>
  rows[links.find(({ person, status }) => person === id && status === 'linked')?.row ?? ''];

const takeRow = (
  world: World,
  { id, kind, values }: Row,
  real: Observed,
  replaced: Meanwhile['replaced'],
): boolean => {
  const found = real.rows.get(id)?.values;
  const link = world.links.find(({ row, status }) => row === id && status === 'linked');
  const person = link?.person == null ? undefined : world.persons[link.person];
  return fieldsOf(kind).every(({ name }) => {
    const value = found?.[name];
    if (value === undefined) return false;
    if (values[name] === value) return true;
    if (link === undefined || person === undefined) return false;
    const wasHeld = replaced.get(`${person.id}/${name}`)?.has(value) === true;
    if (person.values[name] !== value && !wasHeld) return false;
    values[name] = value;
    link.base[name] = [...new Set([...(link.base[name] ?? [undefined]), value])].sort();
    return true;
  });
};
