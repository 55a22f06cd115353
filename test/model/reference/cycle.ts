import { everyWay, type Pick } from './choices.js';
import { syncFields } from './fields-sync.js';
import { follow, seePersons, seeRows, tellPersons } from './identity.js';
import { matchRows } from './matching.js';
import type { FieldName } from '../fields.js';
import { copyOf, type Link, type World } from './state.js';

/** What a whole cycle, in which nobody else was at work and nothing went wrong, makes of the world. */
export const cycled = (worlds: readonly World[]): World[] =>
  distinct(worlds.flatMap((world) => everyWay((pick) => oneCycle(world, pick))));

const oneCycle = (before: World, pick: Pick): World => {
  const world = copyOf(before);
  for (const step of STEPS) step(world, pick);
  syncPairs(world, pick, true);
  tellPersons(world);
  return world;
};

const STEPS = [seePersons, seeRows, follow, matchRows] as const;

/** What a cycle may have come to at some moment of it: each step was done, or not yet. */
export const underWay = (worlds: readonly World[]): World[] =>
  distinct(worlds.flatMap((world) => everyWay((pick) => somethingOf(world, pick))));

const somethingOf = (before: World, pick: Pick): World => {
  let world = copyOf(before);
  for (const step of STEPS) world = maybe(world, step, pick);
  syncPairs(world, pick, false);
  return maybe(world, tellPersons, pick);
};

/** Picks only where the step would change something. */
const maybe = (before: World, step: (world: World, pick: Pick) => void, pick: Pick): World => {
  const after = copyOf(before);
  step(after, pick);
  if (JSON.stringify(after) === JSON.stringify(before)) return before;
  return pick([true, false]) ? after : before;
};

const syncPairs = (world: World, pick: Pick, sure: boolean): void => {
  for (const link of world.links) {
    if (link.status !== 'linked') continue;
    if (world.persons[link.person ?? '']?.gone === true || world.rows[link.row]?.state === 'gone') continue;
    const { born } = link;
    link.born = null;
    if (born === 'new' && pick([true, false])) continue;
    syncFields(world, link, { pick, sure: sure && born !== 'again' });
  }
};

/** Worlds that differ only in what may be agreed are one in which either may be. */
export const distinct = (worlds: readonly World[]): World[] => {
  const found = new Map<string, World>();
  for (const world of worlds) {
    const key = keyOf(world);
    const same = found.get(key);
    found.set(key, same === undefined ? world : joined(same, world));
  }
  return [...found.values()];
};

/** Numbers that only tell the order in which things came about make no other world. */
const keyOf = (world: World): string => {
  const order = inOrder(world).map((link) => ({ ...link, seq: 0, base: null }));
  return JSON.stringify({ ...world, links: order, counter: 0 }, (name, value: unknown) =>
    name === 'group' ? 0 : value,
  );
};

const inOrder = ({ links }: World): Link[] => [...links].sort((a, b) => a.seq - b.seq);

const joined = (one: World, other: World): World => {
  const others = inOrder(other);
  return {
    ...one,
    links: inOrder(one).map((link, at) => ({ ...link, base: union(link.base, others[at]?.base ?? {}) })),
  };
};

const union = (one: Link['base'], other: Link['base']): Link['base'] => {
  const names = new Set([...Object.keys(one), ...Object.keys(other)] as FieldName[]);
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      [...new Set([...(one[name] ?? [undefined]), ...(other[name] ?? [undefined])])].sort(),
    ]),
  );
};
