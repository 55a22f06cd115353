import { setTimeout as sleep } from 'node:timers/promises';
import type { Link } from '../rules/link.js';
import { claimLinks, releaseLinks } from '../store/claims.js';
import { linksById, saveLinks } from '../store/links.js';
import { sum, type Counts } from './batches.js';
import type { Attempt, Ports, Timing } from './settings.js';

/**
 * How long a claim holds, in milliseconds: twice the time after which a silent worker counts as dead, so that what it held
 * is free soon after. A claim only saves work that would be in vain: what keeps two workers from writing twice is that
 * each call is noted in the link first, by compare-and-set, and in doubt until its deadline.
 */
export const claimMs = ({ takeoverMs }: Timing): number => 2 * takeoverMs;

/** For links that somebody else holds, usually the push to the other side. */
const PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 100;

/**
 * Runs `work` on the links as this attempt can claim them, as they are in the store after the claim; those that somebody
 * else holds come later, when they are let go.
 *
 * @returns the sum of what `work` returned, and how many links stayed out of reach.
 */
export const withClaims = async <C extends Counts<C>>(
  ports: Ports,
  attempt: Attempt,
  links: readonly Link[],
  none: C,
  work: (links: readonly Link[]) => Promise<C>,
): Promise<{ readonly total: C; readonly leftOut: number }> => {
  let total = none;
  let waiting = links.map(({ id }) => id);
  for (const patient = Date.now() + PATIENCE_MS; ;) {
    attempt.signal.throwIfAborted();
    const taken = await workOnFree(ports, attempt, waiting, work);
    if (taken.result !== undefined) total = sum(total, taken.result);
    waiting = taken.leftOut;
    if (waiting.length === 0 || Date.now() >= patient) return { total, leftOut: waiting.length };
    await sleep(LOOK_AGAIN_MS);
  }
};

const workOnFree = async <T>(
  { db, timing }: Ports,
  { holder }: Attempt,
  ids: readonly number[],
  work: (links: readonly Link[]) => Promise<T>,
): Promise<{ readonly result?: T; readonly leftOut: number[] }> => {
  const claimed = await claimLinks(db, ids, holder, claimMs(timing));
  const leftOut = ids.filter((id) => !claimed.has(id));
  if (claimed.size === 0) return { leftOut };
  try {
    const held = (await linksById(db, [...claimed])).sort((a, b) => a.id - b.id);
    return { result: await work(held), leftOut };
  } finally {
    await releaseLinks(db, [...claimed], holder);
  }
};

/** Saves links and gives them back as saved, in their order; one that was changed by somebody else is missing. */
export const save = async ({ db, timing }: Ports, links: readonly Link[]): Promise<Link[]> => {
  const saved = await saveLinks(db, links, timing.overlapMs);
  return links.flatMap(({ id }) => saved.get(id) ?? []);
};
