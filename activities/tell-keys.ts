import { inCalls, MOST_RECORDS } from '../marketo/index.js';
import type { Link } from '../rules/link.js';
import { isInScope } from '../rules/scope.js';
import { linksById, linksByPerson } from '../store/links.js';
import { save } from './claimed.js';
import { owingKey } from './keys.js';
import type { Attempt, Ports } from './settings.js';

/** Ties persons to their rows at once, instead of with the next cycle; what it does not come to, the cycle does. */
export const tellKeys = async (ports: Ports, links: readonly Link[], { signal }: Attempt): Promise<void> => {
  const due = links.filter((link) => link.status === 'linked' && link.stamp !== null && isInScope(link));
  const recordOf = ({ marketoId, stamp }: Link) => ({ id: marketoId, ...stamp });
  for (const some of inCalls(due, MOST_RECORDS, recordOf)) {
    let kept: readonly Link[] = [];
    try {
      const call = { action: 'updateOnly' as const, lookupField: 'id', records: some.map(recordOf) };
      const results = await ports.marketo.syncPersons(call, signal);
      const told = some.filter((_, index) => results[index]?.status === 'updated');
      kept = await save(
        ports,
        told.map((link) => ({ ...link, stamp: null })),
      );
    } finally {
      await tellAgain(
        ports,
        some.filter(({ id }) => !kept.some((link) => link.id === id)),
      );
    }
  }
};

/**
 * A call that waits while the row is deleted or qualified writes its old key over what a cycle has told the person since.
 * Where that has happened, the next cycle tells it once more.
 */
const tellAgain = async (ports: Ports, sent: readonly Link[]): Promise<void> => {
  const now = await linksById(
    ports.db,
    sent.map(({ id }) => id),
  );
  const overtaken = now.filter(({ id, version }) =>
    sent.some((link) => link.id === id && link.version < version),
  );
  const persons = overtaken.flatMap(({ marketoId }) => marketoId ?? []);
  const living = await linksByPerson(ports.db, persons);
  const lost = overtaken.filter(
    ({ status, marketoId }) => status === 'ended' && !living.some((link) => link.marketoId === marketoId),
  );
  const keyed = living.filter(
    (link) => link.status === 'linked' && !sent.some(({ dynamicsId }) => dynamicsId === link.dynamicsId),
  );
  const owed = [
    ...lost.map((link): Link => ({ ...link, stamp: { dynamicsDeleted: true }, dirty: true })),
    ...keyed.map(owingKey),
  ];
  const saved = await save(ports, owed);
  // Somebody else changed one at this moment.
  if (saved.length < owed.length) await tellAgain(ports, sent);
};
