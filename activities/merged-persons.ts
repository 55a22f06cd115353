import { mergedIds, type Activity } from '../marketo/index.js';
import type { Link } from '../rules/link.js';
import { endedWith } from '../rules/lost-edits.js';
import { mergePersons, waitingWith, withPerson } from '../rules/merged-persons.js';
import { rejectionsOf } from '../rules/parked.js';
import { wakeAmbiguous } from '../store/ambiguous.js';
import type { Database } from '../store/database.js';
import { linksByPerson, saveLinks } from '../store/links.js';
import { closeRejections } from '../store/rejections.js';
import { passFlagOn, renameAwaited } from '../store/succession.js';
import { atRest, closeLink, settleEnd } from './endings.js';
import { closePairs, takeOverHolds } from './holds.js';
import { keyOf } from './keys.js';
import { busy } from './request.js';
import type { Ports } from './settings.js';

/**
 * Persons that were merged in Marketo: the pair of one that is no more goes on with the one that it went into. Stronger than
 * the deletion by which Marketo may tell of the same. Taking a merge twice changes nothing more.
 */
export const handleMerged = async (ports: Ports, merges: readonly Activity[]): Promise<void> => {
  const inOrder = [...merges].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  for (const merge of inOrder) {
    const losers = mergedIds(merge);
    await wakeAmbiguous(ports.db, { emailKeys: [], persons: [merge.marketoId, ...losers] });
    for (const loser of losers) await takeMerge(ports, loser, merge.marketoId);
  }
};

const takeMerge = (ports: Ports, loserId: number, winnerId: number): Promise<void> =>
  ports.db.transaction().execute(async (tx) => {
    await renameAwaited(tx, loserId, winnerId);
    await passFlagOn(tx, loserId, winnerId);
    const links = await linksByPerson(tx, [loserId, winnerId]);
    const loser = links.find(({ marketoId }) => marketoId === loserId);
    const winner = links.find(({ marketoId }) => marketoId === winnerId);
    const merge = mergePersons(loser, winner);
    if (loser === undefined || merge.is === 'none') return;
    await closeRejections(tx, rejectionsOf(loser));
    // A person has one link at every moment.
    if (merge.is === 'takes-over' && merge.closed !== null)
      await save(ports, tx, await closePairs(tx, [merge.closed]));
    await save(ports, tx, after(merge.is, loser, winner, winnerId));
  });

const after = (
  what: Exclude<ReturnType<typeof mergePersons>['is'], 'none'>,
  loser: Link,
  winner: Link | undefined,
  winnerId: number,
): Link[] => {
  switch (what) {
    case 'takes-over':
      return [joinedBy(loser, winnerId)];
    case 'waits':
      // Marketo filled the winner's blanks with values of the loser.
      return [waiting(loser, winnerId), ...(winner?.status === 'linked' ? [readAgain(winner)] : [])];
    case 'closes':
      return [closeLink(loser), ...(winner?.status === 'linked' ? [readAgain(winner)] : [])];
    case 'renames':
      return [waitingWith(loser, winnerId)];
  }
};

/** The row goes on with another person. */
export const joinedBy = (link: Link, marketoId: number): Link =>
  endedWith(
    link,
    { ...withPerson(link, marketoId), stamp: keyOf(link) },
    { side: 'marketo', rule: 'merged' },
  );

const readAgain = (link: Link): Link => ({ ...link, rereadMarketo: true });

/** A row whose person went into one that has a row of its own: it gets nobody, as long as that is so. */
const waiting = (link: Link, winnerId: number): Link => {
  const waits: Link = {
    ...settleEnd(atRest(link)),
    status: 'merged-away',
    marketoId: null,
    stamp: null,
    candidates: [{ side: 'marketo', id: String(winnerId) }],
  };
  return endedWith(link, waits, { side: 'marketo', rule: 'merged' });
};

/** @throws RemoteFailure `Busy` when somebody else changed one of them: the step begins again. */
const save = async ({ timing }: Ports, tx: Database, links: readonly Link[]): Promise<void> => {
  const saved = await saveLinks(tx, await takeOverHolds(tx, links), timing.overlapMs);
  if (saved.size < links.length) throw busy('a pair whose person was merged');
};
