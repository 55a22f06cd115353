import { enteredValues } from '../admin.js';
import type { Instance } from '../instance.js';
import type { FieldValue } from '../fields/field.js';
import { parseInstant } from '../fields/values.js';

/**
 * A person to begin with: field values by REST name. `createdAt` (ISO 8601) is when the person was added, by default
 * some weeks ago; `id` is the person's id, by default the next one.
 */
export type SeedPerson = Readonly<Record<string, FieldValue>>;

const DAY_MS = 86_400_000;
const DEFAULT_AGE_MS = 30 * DAY_MS;
const MARGIN_MS = 1000;
const SOURCE = 'New lead';

/** Fills the instance before it opens. Leaves no trace in the activity log but New Lead entries dated in the past. */
export function seedPersons(instance: Instance, persons: readonly SeedPerson[]): void {
  const newest = instance.now() - MARGIN_MS;
  const rows = persons.map((person, index) => {
    const { id, createdAt, ...values } = person;
    return {
      id: seedId(id, index),
      createdAt: Math.min(seedDate(createdAt, index) ?? newest - DEFAULT_AGE_MS + index, newest),
      values: enteredValues(instance, values),
    };
  });
  const given = new Set(rows.flatMap(({ id }) => (id === undefined ? [] : [id])));
  if (given.size < rows.filter(({ id }) => id !== undefined).length)
    throw new Error('Two seeded persons have one id');
  // Given ids first, so that no given one is handed out before; then the log in the order of its dates.
  const free = freeIds(given);
  const numbered = rows.map((row) => ({ ...row, id: row.id ?? free() }));
  numbered.sort((left, right) => left.createdAt - right.createdAt || left.id - right.id);
  for (const { values, createdAt, id } of numbered) instance.people.seed(values, SOURCE, createdAt, id);
}

function freeIds(given: ReadonlySet<number>): () => number {
  let next = 1000;
  return () => {
    do next++;
    while (given.has(next));
    return next;
  };
}

function seedId(id: FieldValue | undefined, index: number): number | undefined {
  if (id === undefined || id === null) return undefined;
  if (typeof id === 'number' && Number.isInteger(id) && id > 0) return id;
  throw new Error(`Seeded person ${index}: '${String(id)}' is no id`);
}

function seedDate(createdAt: FieldValue | undefined, index: number): number | undefined {
  if (createdAt === undefined || createdAt === null) return undefined;
  const instant = typeof createdAt === 'string' ? parseInstant(createdAt) : undefined;
  if (instant === undefined)
    throw new Error(`Seeded person ${index}: '${String(createdAt)}' is no createdAt`);
  return instant;
}
