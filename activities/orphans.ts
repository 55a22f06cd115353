import type { Link } from '../rules/link.js';
import { linksByPerson, saveLinks } from '../store/links.js';
import { textOf } from './rows.js';
import type { Attempt, Ports } from './settings.js';

/**
 * Looks for the persons of rows that were deleted while the call that was to make them had no answer: one that is there is
 * told of the loss like the person of any pair. Before the call's time is over nothing can be said.
 */
export const findOrphans = async (
  ports: Ports,
  links: readonly Link[],
  { signal }: Attempt,
): Promise<void> => {
  const due = links.filter((link) => isOrphan(link) && isDoubtOver(link, ports));
  if (due.length === 0) return;
  const { persons } = await ports.marketo.readPersons(
    {
      by: 'dynamicsId',
      values: due.flatMap(({ dynamicsId }) => dynamicsId ?? []),
      fields: ['id', 'dynamicsId'],
    },
    signal,
  );
  const living = await linksByPerson(
    ports.db,
    persons.map(({ id }) => id),
  );
  const free = persons.filter(({ id }) => !living.some(({ marketoId }) => marketoId === id));
  const looked = due.map((link): Link => {
    const person = free.find(({ values }) => textOf(values['dynamicsId'])?.toLowerCase() === link.dynamicsId);
    return person === undefined
      ? { ...link, creation: null, stamp: null, dirty: false }
      : { ...link, creation: null, marketoId: person.id };
  });
  await saveLinks(ports.db, looked, ports.timing.overlapMs);
};

const isOrphan = ({ status, marketoId, creation }: Link): boolean =>
  status === 'ended' && marketoId === null && creation !== null;

const isDoubtOver = ({ creation }: Link, { timing }: Ports): boolean =>
  Date.now() >= Date.parse(creation?.deadline ?? creation?.sentAt ?? '') + timing.doubtMs;
