import type { Link } from '../rules/link.js';
import { claimLinks, releaseLinks } from '../store/claims.js';
import { linksById, saveLinks } from '../store/links.js';
import type { Attempt, Ports } from './settings.js';

/** A claim outlives the longest call by far; a holder that died lets go by time. */
const CLAIM_MS = 10 * 60 * 1000;

/**
 * Runs `work` on those of the links that this attempt can claim, as they are in the store after the claim. Links held by
 * somebody else, or no longer wanted, are left out.
 *
 * @returns what `work` returned, and how many links were left out.
 */
export const withClaim = async <T>(
  { db }: Ports,
  attempt: Attempt,
  links: readonly Link[],
  work: (links: readonly Link[]) => Promise<T>,
): Promise<{ readonly result: T; readonly leftOut: number }> => {
  const claimed = await claimLinks(
    db,
    links.map(({ id }) => id),
    attempt.holder,
    CLAIM_MS,
  );
  try {
    const held = (await linksById(db, [...claimed])).sort((a, b) => a.id - b.id);
    return { result: await work(held), leftOut: links.length - held.length };
  } finally {
    await releaseLinks(db, [...claimed], attempt.holder);
  }
};

/** Saves links and gives them back as saved, in their order; one that was changed by somebody else is missing. */
export const save = async ({ db, timing }: Ports, links: readonly Link[]): Promise<Link[]> => {
  const saved = await saveLinks(db, links, timing.overlapMs);
  return links.flatMap(({ id }) => saved.get(id) ?? []);
};

/** Gives a call up, waiting for its budget included, at the deadline that the store was told: after it nothing runs. */
export const within = (signal: AbortSignal, deadlineMs: number): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
