import { mayPassLater, type SyncResult } from '../marketo/index.js';
import type { Link } from '../rules/link.js';
import { rejectionsOf } from '../rules/parked.js';
import { isInScope } from '../rules/scope.js';
import { restTrials } from '../rules/trials.js';
import { linksByPerson } from '../store/links.js';
import { keyHeldBy, keyOf } from './keys.js';
import type { Push } from './push.js';
import { tellNewborn, type Refused } from './refusals.js';
import { decideLinks } from './resolve.js';
import { namedBy, refusePerson, type Form, type Skipped, type Taken } from './send-persons.js';

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
  doubts: ({ creation }) => creation?.doubts ?? 0,
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

const takeSkipped = (push: Push, link: Link, result: Skipped): Taken => {
  const { values } = creationOf(link);
  const unsent = { ...creationOf(link), sentAt: null, deadline: null };
  if (mayPassLater(result.code))
    return { link: { ...link, creation: unsent, dirty: true }, done: false, deferred: true };
  const refused = refusePerson(link, result, Object.keys(values), push);
  const named = namedBy(result, Object.keys(values));
  if (named === undefined) return refusedWhole(refused);
  const rest = Object.fromEntries(Object.entries(values).filter(([field]) => field !== named));
  const creation = { ...unsent, values: rest };
  return { link: { ...refused.link, creation }, refused: [refused], done: false, again: true };
};

/** Nothing of it is made. What another refusal had parked is judged by this answer too: its trial is over. */
const refusedWhole = (refused: Refused): Taken => {
  const link = { ...restTrials(refused.link), creation: null, dirty: false };
  const returned = [...new Set([...refused.returned, ...rejectionsOf(link)])];
  return { link, refused: [{ ...refused, link, returned }], done: false };
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
  // What it was refused for before, and was on trial, has passed.
  parked: Object.fromEntries(Object.entries(link.parked).filter(([, { trial }]) => trial !== true)),
  dirty: true,
  rereadMarketo: true,
  rereadDynamics: true,
});
