import type { Catalog, DynamicsColumn, Option } from './catalog.js';
import { KINDS, type Kind } from './terms.js';

/** Former labels that a column keeps; the newest are worth most. */
const MOST_KEPT = 1000;

/**
 * The catalog `now`, its option columns with the labels that they had in the catalog `before`: when an option is renamed
 * or removed in Dynamics, persons still hold the former label, and nobody edited them.
 */
export const rememberLabels = (before: Catalog | undefined, now: Catalog): Catalog =>
  before === undefined
    ? now
    : {
        ...now,
        dynamics: Object.fromEntries(
          KINDS.map((kind) => [kind, rememberOn(before.dynamics[kind], now.dynamics[kind])]),
        ) as Catalog['dynamics'],
      };

type Columns = Catalog['dynamics'][Kind];

const rememberOn = (before: Columns, now: Columns): Columns =>
  Object.fromEntries(
    Object.entries(now).map(([name, column]) => {
      const known = Object.hasOwn(before, name) ? before[name] : undefined;
      const former = known === undefined ? [] : formerOf(known, column);
      return [name, former.length === 0 ? column : { ...column, formerOptions: former }];
    }),
  );

function formerOf(before: DynamicsColumn, { options = [] }: DynamicsColumn): readonly Option[] {
  const had = [...(before.options ?? []), ...(before.formerOptions ?? [])];
  const current = new Set(options.map(keyOf));
  // A map keeps the first, which is the newest, of equal ones.
  const former = new Map<string, Option>();
  for (const option of had) {
    const key = keyOf(option);
    if (!current.has(key) && !former.has(key)) former.set(key, option);
  }
  return [...former.values()].slice(0, MOST_KEPT).map(({ value, label }) => ({ value, label }));
}

const keyOf = ({ value, label }: Option): string => `${value} ${label}`;
