import type { Link } from '../rules/link.js';
import { endedWith } from '../rules/lost-edits.js';
import { withoutPlans } from '../rules/outcome.js';
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
const matchAnew = (link: Link): Link => ({ ...closeLink(link), status: 'unmatched', dirty: true });

/** Deleted in Dynamics: the person stays, and is to be flagged. Until then the row may turn out to be there. */
export const endLink = (link: Link): Link => {
  // A row that is restored does not bring the person back either.
  if (link.status === 'tombstone') return { ...settleEnd(link), dirty: false };
  const flagged = isPair(link) || isMakingPerson(link);
  const ended: Link = {
    ...atRest(isPair(link) ? link : settleEnd(link)),
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
  ...without(settleEnd(atRest(link)), 'person'),
  status: 'excluded',
  marketoId: null,
  stamp: null,
  dirty: false,
});

/**
 * Nothing more is done for a pair for now. What it knows of its values (writes of ours, covered edits, what is set aside)
 * stays, because it may go on: a record that is missed may only be out of sight.
 */
export const atRest = (link: Link): Link => ({
  ...withoutPlans(link),
  dirty: false,
  rereadMarketo: false,
  rereadDynamics: false,
  backfillMarketo: false,
  backfillDynamics: false,
  creation: null,
  candidates: null,
});

/**
 * The end of a pair is final: its person was told, or a cycle that the guard let go on has taken note of it. What was
 * agreed stays, for the record.
 */
export const settleEnd = (link: Link): Link => ({
  ...link,
  rereadMarketo: false,
  writes: [],
  overtaken: {},
  parked: wasPair(link) ? {} : link.parked,
});

/** A row that could not be made has its refusal for as long as nobody asks for it again. */
const wasPair = ({ status, agreed }: Link): boolean =>
  status !== 'ended' || Object.keys(agreed.marketo).length > 0;
