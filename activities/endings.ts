import type { Link } from '../rules/link.js';
import { endedWith } from '../rules/lost-edits.js';
import { without } from '../rules/scope.js';

/**
 * Deleted in Marketo: what was under way to the person ends; the row in Dynamics stays. A row that has a successor takes no
 * part any more.
 */
export const bury = (link: Link): Link => {
  if (isHeldBack(link)) return closeLink(link);
  if (isOnlyDecided(link)) return matchAnew(link);
  return endedWith(
    link,
    // Dirty until a cycle has taken note of it: the guard on mass change counts those.
    { ...atRest(link), status: 'tombstone', stamp: null, dirty: true },
    { side: 'marketo', rule: 'gone' },
  );
};

/** People decided who the person is, and nobody has seen that one yet: nothing tells that there was a pair. */
const isOnlyDecided = ({ status, marketoId, decision, seen, agreed }: Link): boolean =>
  status === 'linked' &&
  decision?.what === 'linked' &&
  marketoId !== null &&
  decision.persons.includes(marketoId) &&
  [seen, agreed].every(({ marketo }) => Object.keys(marketo).length === 0);

/** The row is what it was before the decision, which is kept for `why`. */
const matchAnew = (link: Link): Link => ({
  ...without(atRest(link), 'person'),
  ...{ status: 'unmatched', marketoId: null, stamp: null, dirty: true },
});

/** Deleted in Dynamics: the person stays, and is to be flagged. */
export const endLink = (link: Link): Link => {
  // A row that is restored does not bring the person back either.
  if (link.status === 'tombstone') return { ...link, dirty: false };
  const flagged = isPair(link) || isMakingPerson(link);
  const ended: Link = {
    ...atRest(link),
    status: 'ended',
    stamp: flagged ? { dynamicsDeleted: true } : null,
    dirty: flagged,
    creation: isMakingPerson(link) ? link.creation : null,
  };
  return endedWith(link, ended, { side: 'dynamics', rule: 'gone' });
};

const isPair = (link: Link): boolean =>
  link.marketoId !== null && (link.status === 'linked' || isHeldBack(link));

/** A call without an answer may have made its person, which is looked for. */
export const isMakingPerson = ({ marketoId, creation }: Link): boolean =>
  marketoId === null && creation?.sentAt != null;

/** A pair that another one keeps from following its row, or its person. */
const isHeldBack = ({ status, marketoId }: Link): boolean =>
  status === 'merged-away' || (status === 'ambiguous' && marketoId !== null);

/** A row without a person that takes no part. */
export const closeLink = (link: Link): Link => ({
  ...without(atRest(link), 'person'),
  status: 'excluded',
  marketoId: null,
  stamp: null,
  dirty: false,
});

/** What a pair had under way is over. */
export const atRest = (link: Link): Link => ({
  ...link,
  dirty: false,
  rereadMarketo: false,
  rereadDynamics: false,
  backfillMarketo: false,
  backfillDynamics: false,
  writes: [],
  overtaken: {},
  parked: {},
  creation: null,
  candidates: null,
});
