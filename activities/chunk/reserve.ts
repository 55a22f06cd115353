import { insertLinks, forgetFlags, linksByRow, type NewLink } from '../../store/links.js';
import { requireInstallation } from '../catalog.js';
import { rowIdOf } from '../create-row.js';
import { busy } from '../request.js';
import type { Link } from '../../rules/link.js';
import type { Group, Member } from './group.js';

/** A member whose row is to be made under the id that stands in the link. */
export interface Reserved {
  readonly member: Member;
  readonly link: Link;
}

/** Reserves the links of many persons before their rows are made; one that somebody else reserved meanwhile is missing. */
export const reserveAll = async (group: Group, members: readonly Member[]): Promise<Reserved[]> => {
  if (members.length === 0) return [];
  const { db } = group.ports;
  const rowIds = await freeRowIds(group, members);
  const fresh = members.map(({ asked, request: { key } }): NewLink => {
    const { marketoId, syncAs } = asked;
    return {
      ...{ kind: syncAs, status: 'unmatched', marketoId, dynamicsId: rowIds.get(marketoId) ?? null },
      ...{ emailKey: key.startsWith('person ') ? null : key, etag: null },
      seen: { marketo: {}, dynamics: {} },
    };
  });
  const links = await db.transaction().execute(async (tx) => {
    const made = await insertLinks(tx, fresh);
    for (const { marketoId } of made) if (marketoId !== null) await forgetFlags(tx, marketoId);
    return made;
  });
  const byPerson = new Map(links.map((link) => [link.marketoId, link]));
  return members.flatMap((member) => {
    const link = byPerson.get(member.asked.marketoId);
    if (link !== undefined) return [{ member, link }];
    group.hindrances.push(busy(`person ${String(member.asked.marketoId)}`));
    return [];
  });
};

/** The first generation of each person's row that no ended link stands for. */
const freeRowIds = async (group: Group, members: readonly Member[]): Promise<Map<number, string>> => {
  const { id: installationId } = await requireInstallation(group.ports);
  const found = new Map<number, string>();
  let open = members.map(({ asked }) => asked.marketoId);
  for (let generation = 1; open.length > 0; generation += 1) {
    const ids = new Map(open.map((marketoId) => [marketoId, rowIdOf(installationId, marketoId, generation)]));
    const links = await linksByRow(group.ports.db, [...ids.values()]);
    const ended = new Set(
      links.filter(({ status }) => status === 'ended').map(({ dynamicsId }) => dynamicsId),
    );
    open = open.filter((marketoId) => ended.has(ids.get(marketoId) ?? ''));
    for (const [marketoId, rowId] of ids) if (!ended.has(rowId)) found.set(marketoId, rowId);
  }
  return found;
};
