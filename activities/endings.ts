import type { Link } from '../rules/link.js';

/** Deleted in Marketo: what was under way to the person ends; the row in Dynamics stays. */
export const bury = (link: Link): Link => ({ ...atRest(link), status: 'tombstone', stamp: null });

/** Deleted in Dynamics: the person stays, and is to be flagged. */
export const endLink = (link: Link): Link => {
  const flagged = link.marketoId !== null && link.status === 'linked';
  return {
    ...atRest(link),
    status: 'ended',
    stamp: flagged ? { dynamicsDeleted: true } : null,
    dirty: flagged,
  };
};

const atRest = (link: Link): Link => ({
  ...link,
  dirty: false,
  rereadMarketo: false,
  rereadDynamics: false,
  writes: [],
  overtaken: {},
  parked: {},
  creation: null,
  candidates: null,
});
