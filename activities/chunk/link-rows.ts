import { insertLinks, saveLinks } from '../../store/links.js';
import type { FoundRow } from '../free-records.js';
import { joinedTo, newLinkOf } from '../link-row.js';
import { answer, busy } from '../request.js';
import { conclude, type Group, type Member } from './group.js';

export interface FoundPair {
  readonly member: Member;
  readonly row: FoundRow;
}

/** Joins rows that are there; no field of an existing row is written. */
export const linkRows = async (group: Group, pairs: readonly FoundPair[]): Promise<void> => {
  if (pairs.length === 0) return;
  const { db, timing } = group.ports;
  const unknown = pairs.filter(({ row }) => row.link === undefined);
  const inserted = await insertLinks(
    db,
    unknown.map(({ row }) => newLinkOf(row)),
  );
  const byRow = new Map(inserted.map((link) => [link.dynamicsId, link]));
  const drafts = pairs.flatMap(({ member, row }) => {
    const base = row.link ?? byRow.get(row.row.dynamicsId);
    return base === undefined ? [] : [{ member, link: joinedTo(member.request, base) }];
  });
  const kept = await db.transaction().execute(async (tx) => {
    const saved = await saveLinks(
      tx,
      drafts.map(({ link }) => link),
      timing.overlapMs,
    );
    const done = drafts.filter(({ link }) => saved.has(link.id));
    await conclude(
      tx,
      done.map(({ member, link }) => ({ asked: member.asked, result: answer('linked', link) })),
    );
    return done.length;
  });
  if (kept < pairs.length) group.hindrances.push(busy('a row that was found'));
};
