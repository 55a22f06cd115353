import type { Link } from '../rules/link.js';
import { dirtyLinks } from '../store/links.js';
import type { Chunk } from './contract.js';
import type { Attempt, Ports } from './settings.js';

/** Links that one batch of a chunk works on: one call of Marketo's, a dozen of Dynamics' batches. */
export const BATCH = 300;

/** Counts by name; an interface of numbers will do. */
export type Counts<C> = Readonly<Record<keyof C, number>>;

/** What an attempt tells with its heartbeat, so that the next one goes on there and keeps the counts. */
interface Reached<C> {
  readonly after: number;
  readonly counts: C;
}

/**
 * Works through the dirty links of a chunk in batches, in order of id. Begins where the last attempt had come to; what
 * that one had left undone is still dirty and belongs to the next cycle.
 */
export const inBatches = async <C extends Counts<C>>(
  { db }: Ports,
  chunk: Chunk,
  attempt: Attempt,
  none: C,
  work: (links: readonly Link[]) => Promise<C>,
): Promise<C> => {
  let { after, counts } = (attempt.reached as Reached<C> | undefined) ?? {
    after: chunk.from - 1,
    counts: none,
  };
  for (;;) {
    attempt.signal.throwIfAborted();
    const links = await dirtyLinks(db, chunk, after, BATCH);
    const last = links.at(-1);
    if (last === undefined) return counts;
    counts = sum(counts, await work(links));
    after = last.id;
    attempt.progress({ after, counts } satisfies Reached<C>);
  }
};

export const sum = <C extends Counts<C>>(a: C, b: C): C =>
  Object.fromEntries((Object.keys(a) as (keyof C)[]).map((key) => [key, a[key] + b[key]])) as C;
