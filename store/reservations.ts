import { sql, type Selectable } from 'kysely';
import type { Link } from '../rules/link.js';
import type { Database } from './database.js';
import { FORGOTTEN, insertOf, IS_OWED, linkOf, type NewLink } from './links.js';
import type { LinksTable } from './schema.js';

/** What its person is still to be told of a row that it lost: kept with the reservation, in case no other row comes of it. */
const owed = sql`(
  select former.stamp from links as former
  where former.marketo_id = x.marketo_id and former.status = 'ended'
    and former.stamp is not null and former.out_of_scope is null
  order by former.id desc limit 1)`;

/** A hold that came since the request was judged counts too. */
const isFree = sql`not exists (select from held_persons where held_persons.marketo_id = x.marketo_id)`;

/**
 * Inserts links of persons who are to get rows, and takes over what was still to be done about those that they lost (as
 * `forgetFormer` in links.ts), in one statement: somebody waits for it. One that exists already is left alone, and so is a
 * person on hold.
 *
 * @returns the links that were inserted.
 */
export const reserveLinks = async (db: Database, links: readonly NewLink[]): Promise<Link[]> => {
  if (links.length === 0) return [];
  const { rows } = await sql<Selectable<LinksTable>>`
    with made as (${insertOf(links, { stamp: owed, where: isFree })}),
    former as (
      update links set ${FORGOTTEN} from made where links.marketo_id = made.marketo_id and ${IS_OWED})
    select * from made`.execute(db);
  return rows.map(linkOf);
};
