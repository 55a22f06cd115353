import { insertLinks } from '../../store/links.js';
import type { FoundRow } from '../free-records.js';
import { joinAll, newLinkOf } from '../link-row.js';
import type { Link } from '../../rules/link.js';
import { answer, busy } from '../request.js';
import { conclude, type Group, type Member } from './group.js';

export interface FoundPair {
  readonly member: Member;
  readonly row: FoundRow;
}

/** Joins rows that are there, of which the store may know nothing yet; no field of an existing row is written. */
export const linkRows = async (group: Group, pairs: readonly FoundPair[]): Promise<void> => {
  const unknown = pairs.filter(({ row }) => row.link === undefined);
  const inserted = await insertLinks(
    group.ports.db,
    unknown.map(({ row }) => newLinkOf(row)),
  );
  const byRow = new Map(inserted.map((link) => [link.dynamicsId, link]));
  const joining = pairs.flatMap(({ member, row }) => {
    const link = row.link ?? byRow.get(row.row.dynamicsId);
    return link === undefined ? [] : [{ member, link }];
  });
  if (joining.length < pairs.length) group.hindrances.push(busy('a row that was found'));
  await joinMembers(group, joining);
};

/** Completes pairs, and keeps with each that it is linked. */
export const joinMembers = async (
  group: Group,
  joining: readonly { readonly member: Member; readonly link: Link }[],
): Promise<void> => {
  if (joining.length === 0) return;
  const pairs = joining.map(({ member, link }) => ({ request: member.request, link }));
  const saved = await joinAll(group.ports, pairs, (tx, links) =>
    conclude(
      tx,
      joining.flatMap(({ member, link }) => {
        const kept = links.get(link.id);
        return kept === undefined ? [] : [{ asked: member.asked, result: answer('linked', kept) }];
      }),
    ),
  );
  if (saved.size < joining.length) group.hindrances.push(busy('a row that was found'));
};
