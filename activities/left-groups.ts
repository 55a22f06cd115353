import type { Link } from '../rules/link.js';
import { isInScope } from '../rules/scope.js';
import type { wakeAmbiguous } from '../store/ambiguous.js';

/**
 * Groups that a row has left: it has another e-mail, takes no part any more, or is out of scope. Those that it joins look
 * at it themselves.
 */
export const leftGroups = (before: readonly Link[], after: readonly Link[]): Moved => {
  const now = new Map(after.map((link) => [link.id, link]));
  const left = before.filter((link) => {
    const next = now.get(link.id);
    return next !== undefined && placeOf(link) !== placeOf(next);
  });
  return movedBy(left);
};

/** As far as a group is concerned. */
const placeOf = (link: Link): string =>
  [link.status, link.marketoId, link.emailKey, isInScope(link)].map(String).join(' ');

type Moved = Parameters<typeof wakeAmbiguous>[1];

/** Groups of these records. */
export const movedBy = (links: readonly Link[]): Moved => ({
  emailKeys: links.flatMap(({ emailKey }) => emailKey ?? []),
  persons: links.flatMap(({ marketoId }) => marketoId ?? []),
});
