import { fieldsOf, type Field, type Side, type Value } from '../fields.js';
import type { Pick } from './choices.js';
import { breaksRule, isBlocked, isTooLong, winnerOf } from './merge.js';
import { next, personOf, rowOf, type Link, type Person, type Row, type World } from './state.js';

export interface Pass {
  readonly pick: Pick;
  /** False while the cycle was cut off, or somebody was at work meanwhile: what it did not get to, comes later. */
  readonly sure: boolean;
}

const otherThan = (side: Side): Side => (side === 'marketo' ? 'dynamics' : 'marketo');

interface Pair {
  readonly link: Link;
  readonly person: Person;
  readonly row: Row;
}

/** Brings the fields of one pair together, as far as the targets take them. */
export const syncFields = (world: World, link: Link, pass: Pass): void => {
  const pair = { link, person: personOf(world, link.person ?? ''), row: rowOf(world, link.row) };
  releaseMoved(pair);
  const toDynamics: { readonly field: Field; readonly value: Value }[] = [];
  for (const field of fieldsOf(pair.row.kind)) {
    const winner = due(world, pair, field, pass);
    if (winner === null) continue;
    const value = heldBy(pair, winner, field);
    if (winner === 'marketo') toDynamics.push({ field, value });
    else writePerson(world, pair, field, value);
  }
  writeRow(world, pair, toDynamics, pass);
};

const heldBy = ({ person, row }: Pair, side: Side, { name }: Field): Value =>
  (side === 'marketo' ? person : row).values[name];

/** Who wins a field that is to be written now; agrees on what is equal. */
const due = (world: World, pair: Pair, field: Field, { pick, sure }: Pass): Side | null => {
  const { link, person, row } = pair;
  const { name } = field;
  const held = { marketo: person.values[name], dynamics: row.values[name] };
  if (held.marketo === held.dynamics) {
    if (link.parked[name] === undefined) agree(link, field, held.marketo, sure);
    return null;
  }
  if (!sure && pick([false, true])) return null;
  const winner = judge(pair, field, held, pick);
  if (winner === null || link.parked[name] === undefined) return winner;
  // What parked it may be gone; then it may be tried again at any time, and need not be.
  if (stillRefused(world, pair, field, winner) || pick([true, false])) return null;
  link.parked = Object.fromEntries(Object.entries(link.parked).filter(([each]) => each !== name));
  return winner;
};

/** Where it matters what was agreed and nobody knows, each is looked at. */
const judge = (
  { link, row }: Pair,
  field: Field,
  held: Readonly<Record<Side, Value>>,
  pick: Pick,
): Side | null => {
  const bases = link.base[field.name] ?? [undefined];
  const byWinner = new Map<Side | null, (Value | undefined)[]>();
  for (const base of bases) {
    const winner = winnerOf(field, row.kind, held, base);
    byWinner.set(winner, [...(byWinner.get(winner) ?? []), base]);
  }
  const [first, ...others] = [...byWinner.keys()];
  const winner = pick([first ?? null, ...others]);
  link.base[field.name] = byWinner.get(winner) ?? bases;
  return winner;
};

/** Equal values are agreed, once the sync has seen both. */
const agree = ({ base }: Link, { name }: Field, value: Value, sure: boolean): void => {
  const before = sure ? [] : (base[name] ?? [undefined]);
  base[name] = [...before.filter((each) => each !== value), value];
};

const stillRefused = ({ conditions }: World, pair: Pair, field: Field, winner: Side): boolean => {
  const value = heldBy(pair, winner, field);
  return winner === 'marketo'
    ? isTooLong(field, value) || breaksRule(conditions, field, value)
    : isBlocked(conditions, field, heldBy(pair, otherThan(winner), field));
};

/** A refusal holds for exactly its values: one that moves frees all that the refusal parked. */
const releaseMoved = ({ link, person, row }: Pair): void => {
  const parked = Object.entries(link.parked);
  const moved = new Set(
    parked
      .filter(([name, { marketo, dynamics }]) => {
        const field = name as keyof typeof link.parked;
        return person.values[field] !== marketo || row.values[field] !== dynamics;
      })
      .map(([, { group }]) => group),
  );
  link.parked = Object.fromEntries(parked.filter(([, { group }]) => !moved.has(group)));
};

const park = ({ link, person, row }: Pair, { name }: Field, group: number): void => {
  link.parked[name] = { marketo: person.values[name], dynamics: row.values[name], group };
};

const writePerson = (world: World, pair: Pair, field: Field, value: Value): void => {
  const { link, person } = pair;
  if (isBlocked(world.conditions, field, person.values[field.name])) {
    park(pair, field, next(world));
    return;
  }
  person.values[field.name] = value;
  link.base[field.name] = [value];
};

/** One call carries all columns: where a rule refuses it and names none, the others may be parked with the culprit. */
const writeRow = (
  world: World,
  pair: Pair,
  writes: readonly { readonly field: Field; readonly value: Value }[],
  { pick }: Pass,
): void => {
  const { link, row } = pair;
  const sent = writes.filter(({ field, value }) => {
    if (!isTooLong(field, value)) return true;
    park(pair, field, next(world));
    return false;
  });
  const refused = sent.some(({ field, value }) => breaksRule(world.conditions, field, value));
  const group = next(world);
  for (const { field, value } of sent) {
    const isCulprit = breaksRule(world.conditions, field, value);
    if (refused && (isCulprit || pick([true, false]))) {
      park(pair, field, group);
      continue;
    }
    row.values[field.name] = value;
    link.base[field.name] = [value];
  }
};
