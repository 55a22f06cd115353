import type { Link } from '../rules/link.js';
import type { Mapping } from '../rules/mapping.js';
import { withFlag } from '../rules/scope.js';
import { linksByPerson, saveLinks } from '../store/links.js';
import { personFlag } from './flags.js';
import { takeOverHolds } from './holds.js';
import { personFields } from './person-fields.js';
import { textOf } from './rows.js';
import type { Attempt, Ports } from './settings.js';

/**
 * Looks for the persons of rows that were deleted while the call that was to make them had no answer: one that is there is
 * told of the loss like the person of any pair, once it is in scope. Before the call's time is over nothing can be said.
 */
export const findOrphans = async (
  ports: Ports,
  mapping: Mapping,
  links: readonly Link[],
  { signal }: Attempt,
): Promise<void> => {
  const due = links.filter((link) => isOrphan(link) && isDoubtOver(link, ports));
  if (due.length === 0) return;
  const { persons } = await ports.marketo.readPersons(
    {
      by: 'dynamicsId',
      values: due.flatMap(({ dynamicsId }) => dynamicsId ?? []),
      fields: ['id', 'dynamicsId', ...personFields(mapping, [])],
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
    if (person === undefined) return { ...link, creation: null, stamp: null, dirty: false };
    const found = { ...link, creation: null, marketoId: person.id };
    return withFlag(found, personFlag(mapping.scope.person, person.values), true);
  });
  await ports.db
    .transaction()
    .execute(async (tx) => saveLinks(tx, await takeOverHolds(tx, looked), ports.timing.overlapMs));
};

const isOrphan = ({ status, marketoId, creation }: Link): boolean =>
  status === 'ended' && marketoId === null && creation !== null;

const isDoubtOver = ({ creation }: Link, { timing }: Ports): boolean =>
  Date.now() >= Date.parse(creation?.deadline ?? creation?.sentAt ?? '') + timing.doubtMs;
