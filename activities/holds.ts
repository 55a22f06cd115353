import type { Link } from '../rules/link.js';
import { withHold } from '../rules/scope.js';
import type { Database } from '../store/database.js';
import { holdsOfPersons, lockHolds, releasePersons } from '../store/holds.js';

/**
 * Links that are about to get persons, with the holds on these persons, which stand on the links from then on. In the
 * transaction that saves them: a hold that comes at the same moment waits for it, and finds the link.
 */
export const takeOverHolds = async (tx: Database, links: readonly Link[]): Promise<Link[]> => {
  const persons = links.flatMap(({ marketoId }) => marketoId ?? []);
  if (persons.length === 0) return [...links];
  await lockHolds(tx);
  const holds = await holdsOfPersons(tx, persons);
  if (holds.size > 0) await releasePersons(tx, persons);
  return links.map((link) => {
    const hold = holds.get(link.marketoId ?? 0);
    return hold === undefined ? link : withHold(link, hold);
  });
};
