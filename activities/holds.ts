import type { Link } from '../rules/link.js';
import { withHold, without } from '../rules/scope.js';
import type { Database } from '../store/database.js';
import { holdPerson, holdsOfPersons, lockHolds, releasePersons } from '../store/holds.js';
import { closeLink } from './endings.js';

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

/**
 * Closes pairs whose persons are there still: what held a pair holds its person from then on. In the transaction that saves
 * them.
 */
export const closePairs = async (tx: Database, links: readonly Link[]): Promise<Link[]> => {
  const held = links.flatMap(({ status, marketoId, outOfScope }) =>
    marketoId === null || status === 'tombstone' || outOfScope?.hold === undefined
      ? []
      : [{ marketoId, hold: outOfScope.hold }],
  );
  if (held.length > 0) await lockHolds(tx);
  for (const { marketoId, hold } of held) await holdPerson(tx, marketoId, hold);
  return links.map((link) =>
    closeLink(held.some(({ marketoId }) => marketoId === link.marketoId) ? without(link, 'hold') : link),
  );
};
