import type { Link } from '../../rules/link.js';
import type { Hold } from '../../rules/scope.js';
import { wakeAmbiguous } from '../../store/ambiguous.js';
import type { Database } from '../../store/database.js';
import { holdLink, holdPerson, holdsOfPersons, releaseLinks, releasePersons } from '../../store/holds.js';
import { linksOfRecord } from '../../store/links.js';
import { CommandFailure } from '../failure.js';
import { unknownRecord, type RecordRef } from '../record.js';

/** What the command did, or found done. */
export interface Held {
  /** The pair on hold; null for a person that has no record in Dynamics. */
  readonly pair: Pair | null;
  /** The hold that stands. */
  readonly hold: Hold;
  /** It was on hold already, and stays as it was. */
  readonly already: boolean;
}

export type Pair = Pick<Link, 'kind' | 'marketoId' | 'dynamicsId'>;

const pairOf = ({ kind, marketoId, dynamicsId }: Link): Pair => ({ kind, marketoId, dynamicsId });

/**
 * Sets a record on hold: from the next call on, nothing of its pair is written.
 *
 * @throws {CommandFailure} for a row that the store does not know, or that is gone.
 */
export const holdRecord = (db: Database, record: RecordRef, hold: Hold): Promise<Held> =>
  db.transaction().execute(async (tx) => {
    const pair = await holdPair(tx, record, hold);
    if (pair !== undefined) return pair;
    if (!('marketoId' in record)) throw unknownRecord(record);
    const before = (await holdsOfPersons(tx, [record.marketoId])).get(record.marketoId);
    if (before !== undefined) return { pair: null, hold: before, already: true };
    const fresh = await holdPerson(tx, record.marketoId, hold);
    // It may have got a record while we waited for the table.
    const linked = await holdPair(tx, record, hold);
    if (linked !== undefined) {
      await releasePersons(tx, [record.marketoId]);
      return linked;
    }
    const stands = (await holdsOfPersons(tx, [record.marketoId])).get(record.marketoId) ?? hold;
    return { pair: null, hold: stands, already: !fresh };
  });

/** The living link of a record; a row that was qualified or merged is followed to the one that took its place. */
const linkOf = async (tx: Database, links: readonly Link[], steps = 8): Promise<Link | undefined> => {
  const link = links.find(({ status }) => status !== 'ended');
  const heir = link?.status === 'excluded' ? link.successor?.id : null;
  if (heir == null || steps === 0) return link;
  return (await linkOf(tx, await linksOfRecord(tx, { dynamicsId: heir }), steps - 1)) ?? link;
};

const holdPair = async (tx: Database, record: RecordRef, hold: Hold): Promise<Held | undefined> => {
  const links = await linksOfRecord(tx, record);
  const link = await linkOf(tx, links);
  if (link === undefined) {
    if (links.length > 0 && 'dynamicsId' in record) throw deletedRow(record.dynamicsId);
    return undefined;
  }
  const done = await holdLink(tx, link.id, hold);
  if (done === undefined) {
    return { pair: pairOf(link), hold: link.outOfScope?.hold ?? hold, already: true };
  }
  if (done.leftGroup !== null) await wakeAmbiguous(tx, { emailKeys: [done.leftGroup], persons: [] });
  return { pair: pairOf(link), hold, already: false };
};

const deletedRow = (id: string): CommandFailure =>
  new CommandFailure(`The row ${id} was deleted in Dynamics: nothing is written to it any more.`, {
    hints: ["Hold its person instead, by Marketo's id."],
  });

/** What the command ended. */
export interface Released {
  readonly pair: Pair | null;
  /** False where there was no hold. */
  readonly released: boolean;
  /** Other causes that leave the pair out. */
  readonly stillOut: readonly string[];
}

/**
 * Ends the hold on a record, on its living link and on former ones; a row's on its person, which it would be put on again
 * by.
 *
 * @throws {CommandFailure} for a row that the store does not know.
 */
export const releaseRecord = (db: Database, record: RecordRef): Promise<Released> =>
  db.transaction().execute(async (tx) => {
    const own = await linksOfRecord(tx, record);
    if (own.length === 0 && 'dynamicsId' in record) throw unknownRecord(record);
    const heir = await linkOf(tx, own);
    const known = heir === undefined ? own : [heir, ...own];
    const persons = [
      ...new Set(
        'marketoId' in record ? [record.marketoId] : known.flatMap(({ marketoId }) => marketoId ?? []),
      ),
    ];
    const links = [...known];
    for (const marketoId of persons) links.push(...(await linksOfRecord(tx, { marketoId })));
    const living = heir ?? (await linkOf(tx, links));
    const ended = await releaseLinks(tx, [...new Set(links.map(({ id }) => id))]);
    const kept = await releasePersons(tx, persons);
    const causes = Object.keys(living?.outOfScope ?? {}).filter((cause) => cause !== 'hold');
    return {
      pair: living === undefined ? null : pairOf(living),
      released: ended + kept > 0,
      stillOut: causes,
    };
  });
