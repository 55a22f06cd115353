import { v5 as uuidFrom } from 'uuid';
import type { Link } from '../rules/link.js';
import type { Kind } from '../rules/terms.js';
import { linksByRow, type NewLink } from '../store/links.js';
import { reserveLinks } from '../store/reservations.js';
import { requireInstallation } from './catalog.js';
import type { Request } from './request.js';
import type { Ports } from './settings.js';

/** The id of a row follows from installation, person and generation, so that a repeated creation makes no second row. */
const rowIdOf = (installationId: string, marketoId: number, generation: number): string =>
  uuidFrom(`${String(marketoId)}/${String(generation)}`, installationId);

/** Ids for the rows of persons, by Marketo's id of the person. */
export type RowIds = ReadonlyMap<number, string>;

/**
 * Reserves links before their rows are made: whoever sees a row meets its reservation. One that somebody else reserved
 * meanwhile is missing.
 *
 * @param creationOf what is about to be sent, where that is known by now
 */
export const reserveRows = async (
  ports: Ports,
  requests: readonly Request[],
  rowIds: RowIds,
  creationOf: (request: Request) => Link['creation'] = () => null,
): Promise<Link[]> => {
  const fresh = requests.map((request): NewLink => {
    const { input, person, key } = request;
    return {
      kind: kindFor(input),
      status: 'unmatched',
      marketoId: person.id,
      dynamicsId: rowIds.get(person.id) ?? null,
      emailKey: key.startsWith('person ') ? null : key,
      etag: null,
      seen: { marketo: {}, dynamics: {} },
      creation: creationOf(request),
    };
  });
  return reserveLinks(ports.db, fresh);
};

/** As what a new row is made. */
export const kindFor = ({ requests }: Request['input']): Kind => requests[0]?.syncAs ?? 'lead';

/**
 * The first generation of each person's row that is not used up: its row was deleted, or went to another person, or another
 * row took its place. A living link of the person itself is a reservation that somebody else just made.
 */
export const freeRowIds = async (ports: Ports, persons: readonly number[]): Promise<RowIds> => {
  if (persons.length === 0) return new Map();
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
