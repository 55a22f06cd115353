import { actual, type Link } from './link.js';
import { STRANGERS } from './strangers.js';
import type { FieldValue } from './terms.js';

/** What a merge of two persons makes of their links. */
export type PersonMerge =
  | { readonly is: 'none' }
  /** The loser's pair goes on with the winner; a row that the winner cannot follow any more is closed. */
  | { readonly is: 'takes-over'; readonly closed: Link | null }
  /** Both persons have a row: the loser's waits until the rows are merged too. */
  | { readonly is: 'waits' }
  /** The loser's row was merged already: nothing is left of the pair. */
  | { readonly is: 'closes' }
  /** The loser's row was merged already, and the winner waits in its place. */
  | { readonly is: 'renames' };

/**
 * @param loser the link of the person that is no more; a tombstone where its deletion was read before the merge.
 * @param winner the link of the person that it went into, if it has one.
 */
export const mergePersons = (loser: Link | undefined, winner: Link | undefined): PersonMerge => {
  if (loser === undefined || loser.status === 'unmatched') return { is: 'none' };
  if (isHeldBack(loser)) return { is: winner === undefined ? 'renames' : 'closes' };
  if (winner === undefined) return { is: 'takes-over', closed: null };
  return isHeldBack(winner) ? { is: 'takes-over', closed: winner } : { is: 'waits' };
};

/** Its row has a successor that belongs to another person. */
const isHeldBack = ({ status, marketoId }: Link): boolean =>
  (status === 'merged-away' || status === 'ambiguous') && marketoId !== null;

/** The pair with another person, of whose values nothing is agreed. What the row is known to hold stands. */
export const withPerson = (link: Link, marketoId: number): Link => {
  const held: Record<string, FieldValue> = {};
  // The row of a tombstone may have been edited unseen.
  if (link.status === 'linked') {
    for (const name of Object.keys({ ...link.agreed.dynamics, ...link.seen.dynamics }))
      held[name] = actual(link, 'dynamics', name) ?? null;
  }
  return {
    ...link,
    ...STRANGERS,
    ...{ status: 'linked', marketoId, creation: null, candidates: null },
    seen: { marketo: {}, dynamics: held },
    ...{ dirty: true, rereadMarketo: true, rereadDynamics: true },
  };
};

/** The pair waits on as it did, with another person. What its row holds is read once it goes on. */
export const waitingWith = (link: Link, marketoId: number): Link => ({
  ...link,
  ...STRANGERS,
  marketoId,
  seen: { marketo: {}, dynamics: {} },
});
