import { actual, type Link } from '../rules/link.js';
import type { MappedField } from '../rules/mapping.js';
import type { FieldValues, IsoInstant, Side } from '../rules/terms.js';

/** Fields of which the store knew another value than the one that was read. One that it never knew is none. */
export const driftedFields = (
  link: Link,
  side: Side,
  values: FieldValues,
  fields: readonly MappedField[],
): string[] =>
  fields.flatMap(({ name, codec }) => {
    const known = actual(link, side, name);
    if (known === undefined || !Object.hasOwn(values, name)) return [];
    return codec.canonical(side, known) === codec.canonical(side, values[name] ?? null) ? [] : [name];
  });

/** True if a write of ours to this side may still be under way: what is read there proves nothing yet. */
export const isBeingWritten = (link: Link, side: Side): boolean =>
  link.writes.some((write) => write.side === side && (write.state === 'sent' || write.state === 'answered'));

/** Remotes tell whole seconds, and commit a little later than they stamp. */
const SLACK_MS = 60_000;

/** Changed so lately that the next cycle may still be told of it. */
export const isRecent = (changedAt: unknown, readUpTo: IsoInstant | undefined): boolean =>
  typeof changedAt !== 'string' ||
  readUpTo === undefined ||
  Date.parse(changedAt) >= Date.parse(readUpTo) - SLACK_MS;

export type Tally = Record<string, number>;

export const count = (tally: Tally, name: string, by = 1): void => {
  if (by !== 0) tally[name] = (tally[name] ?? 0) + by;
};

/** What one record was found to differ in. */
export const countDrift = (tally: Tally, side: Side, drifted: readonly string[], recent: boolean): void => {
  if (drifted.length === 0) return;
  if (recent) {
    count(tally, 'recent');
    return;
  }
  count(tally, side === 'marketo' ? 'driftedPersons' : 'driftedRows');
  for (const field of drifted) count(tally, `drift.${side}.${field}`);
};
