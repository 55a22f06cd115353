import { v5 as uuidFrom } from 'uuid';
import type { Link } from '../rules/link.js';
import { forgetFormer, insertLinks, linksByRow, type NewLink } from '../store/links.js';
import { requireInstallation } from './catalog.js';
import type { Request } from './request.js';
import type { Ports } from './settings.js';

/** The id of a row follows from installation, person and generation, so that a repeated creation makes no second row. */
const rowIdOf = (installationId: string, marketoId: number, generation: number): string =>
  uuidFrom(`${String(marketoId)}/${String(generation)}`, installationId);

/**
 * Reserves links before their rows are made: whoever sees a row meets its reservation. One that somebody else reserved
 * meanwhile is missing.
 */
export const reserveRows = async (ports: Ports, requests: readonly Request[]): Promise<Link[]> => {
  if (requests.length === 0) return [];
  const persons = requests.map(({ person }) => person.id);
  const rowIds = await freeRowIds(ports, persons);
  const fresh = requests.map(({ input, person, key }): NewLink => ({
    kind: input.requests[0]?.syncAs ?? 'lead',
    status: 'unmatched',
    marketoId: person.id,
    dynamicsId: rowIds.get(person.id) ?? null,
    emailKey: key.startsWith('person ') ? null : key,
    etag: null,
    seen: { marketo: {}, dynamics: {} },
  }));
  return ports.db.transaction().execute(async (tx) => {
    const made = await insertLinks(tx, fresh);
    await forgetFormer(
      tx,
      made.flatMap(({ marketoId }) => marketoId ?? []),
    );
    return made;
  });
};

/**
 * The first generation of each person's row that is not used up: its row was deleted, or went to another person, or another
 * row took its place. A living link of the person itself is a reservation that somebody else just made.
 */
const freeRowIds = async (ports: Ports, persons: readonly number[]): Promise<Map<number, string>> => {
  const { id: installationId } = await requireInstallation(ports);
  const found = new Map<number, string>();
  let open = persons;
  for (let generation = 1; open.length > 0; generation += 1) {
    const ids = new Map(open.map((marketoId) => [marketoId, rowIdOf(installationId, marketoId, generation)]));
    const links = await linksByRow(ports.db, [...ids.values()]);
    const isUsedUp = (marketoId: number): boolean =>
      links.some(
        (link) =>
          link.dynamicsId === ids.get(marketoId) && (link.status === 'ended' || link.marketoId !== marketoId),
      );
    open = open.filter(isUsedUp);
    for (const [marketoId, rowId] of ids) if (!open.includes(marketoId)) found.set(marketoId, rowId);
  }
  return found;
};
