import type { SyncResult } from '../marketo/index.js';
import type { Link } from '../rules/link.js';
import { isInScope } from '../rules/scope.js';
import { linksByPerson } from '../store/links.js';
import { keyHeldBy, keyOf } from './keys.js';
import type { Push } from './push.js';
import { tellNewborn } from './refusals.js';
import { decideLinks } from './resolve.js';
import { refusePerson, type Form, type Taken } from './send-persons.js';

/** A person is to be created for this link's row, and no call for it is under way or in doubt. */
export const isCreation = (link: Link): boolean =>
  link.status === 'unmatched' &&
  link.marketoId === null &&
  isInScope(link) &&
  link.creation !== null &&
  link.creation.sentAt === null;

const isLinked = ({ status }: Link): boolean => status === 'linked';

const creationOf = ({ creation }: Link): NonNullable<Link['creation']> =>
  creation ?? { values: {}, sentAt: null, deadline: null };

/** Persons for rows that have none, by our key: if the person is there after all, it is the one. */
export const creations: Form = {
  action: 'createOrUpdate',
  lookupField: 'dynamicsId',
  begin: (link, { at, deadline }) => ({
    ...link,
    creation: { ...creationOf(link), sentAt: at, deadline },
  }),
  undo: (link) => ({ ...link, creation: { ...creationOf(link), sentAt: null, deadline: null } }),
  record: (link) => ({ ...creationOf(link).values, ...keyOf(link) }),
  stillDue: isCreation,
  take: async (push, sent, results) => {
    const ids = results.flatMap((result) => (result.status === 'skipped' ? [] : result.id));
    const linked = await linksByPerson(push.ports.db, ids);
    const taken = new Set(linked.map(({ marketoId }) => marketoId));
    return sent.flatMap((link, index) => {
      const result = results[index];
      return result === undefined ? [] : takeCreation(push, link, result, taken);
    });
  },
  whileSaving: (tx, saved) => tellNewborn(tx, saved.filter(isLinked)),
  // What was sent is agreed at once.
  afterwards: async (push, saved) => {
    await decideLinks(push.ports, push.mapping, saved.filter(isLinked), push.cycle);
  },
};

const takeCreation = (
  push: Push,
  link: Link,
  result: SyncResult,
  taken: ReadonlySet<number | null>,
): Taken => {
  if (result.status === 'skipped') return takeSkipped(push, link, result);
  if (taken.has(result.id)) return { link: keyHeldBy(link, result.id), done: false };
  return { link: born(link, result), done: true };
};

const takeSkipped = (push: Push, link: Link, result: Extract<SyncResult, { status: 'skipped' }>): Taken => {
  const { values } = creationOf(link);
  const refused = refusePerson(link, result, Object.keys(values), push);
  const named = refused.rejection.field;
  if (named === null)
    return { link: { ...refused.link, creation: null, dirty: false }, refused, done: false };
  const rest = Object.fromEntries(Object.entries(values).filter(([field]) => field !== named));
  const creation = { values: rest, sentAt: null, deadline: null };
  return { link: { ...refused.link, creation }, refused, done: false };
};

/**
 * The person is there: settled by the id in the answer, it holds what was sent. What was not sent may have a default, so
 * it is read before anything is decided about it. `updated` says that somebody made a person with our key meanwhile; then
 * that goes for all of it.
 */
const born = (link: Link, result: Exclude<SyncResult, { status: 'skipped' }>): Link => ({
  ...link,
  seen: { ...link.seen, marketo: result.status === 'created' ? creationOf(link).values : {} },
  status: 'linked',
  marketoId: result.id,
  creation: null,
  dirty: true,
  rereadMarketo: true,
  rereadDynamics: true,
});
