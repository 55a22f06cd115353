import { sql, type Selectable } from 'kysely';
import type { Link } from '../rules/link.js';
import type { Database } from './database.js';
import { insertOf, linkOf, type NewLink } from './links.js';
import type { LinksTable } from './schema.js';

/**
 * Inserts links of persons who are to get rows, and forgets what was still to be done about those that they lost (as
 * `forgetFormer` in links.ts), in one statement: somebody waits for it. One that exists already is left alone.
 *
 * @returns the links that were inserted.
 */
export const reserveLinks = async (db: Database, links: readonly NewLink[]): Promise<Link[]> => {
  if (links.length === 0) return [];
  const { rows } = await sql<Selectable<LinksTable>>`
    with made as (${insertOf(links)}),
    former as (
      update links set stamp = null, parked = '{}', dirty = false, version = links.version + 1
      from made where links.marketo_id = made.marketo_id and links.status = 'ended'
        and (links.stamp is not null or links.parked <> '{}'))
    select * from made`.execute(db);
  return rows.map(linkOf);
};
