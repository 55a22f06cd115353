import { sql, type Selectable } from 'kysely';
import type { Link } from '../rules/link.js';
import { wakeGroupsOf } from './ambiguous.js';
import type { Database } from './database.js';
import { linkOf, SETTLED } from './links.js';
import type { LinksTable } from './schema.js';

/**
 * A contact that names the lead it was made of tells that the lead was qualified, whichever of the two is read first. A
 * lead without a person is closed then, so that it gets none; that of a pair has a successor, which the pair follows.
 */
export const markSuccessors = async (db: Database): Promise<void> => {
  // Two statements, so that each begins with the few links that are dirty.
  for (const moved of ['contact', 'lead'] as const) {
    await sql`
      with marked as (update links as lead set
        version = lead.version + 1,
        successor = jsonb_build_object('by', 'qualified', 'kind', 'contact', 'id', contact.dynamics_id),
        status = case when ${HAS_NO_PERSON} then 'excluded' else lead.status end,
        dirty = lead.dirty and not (${HAS_NO_PERSON}),
        creation = case when ${HAS_NO_PERSON} then null else lead.creation end,
        parked = case when ${HAS_NO_PERSON} then '{}' else lead.parked end,
        candidates = case when ${HAS_NO_PERSON} then null else lead.candidates end
      from links as contact
      where ${sql.ref(moved)}.dirty and contact.predecessor = lead.dynamics_id
        and contact.kind = 'contact' and contact.status not in ('ended', 'excluded')
        and lead.kind = 'lead' and lead.status not in ('ended', 'excluded')
        and lead.successor ->> 'id' is null
      returning lead.id, lead.status, lead.email_key, lead.marketo_id),
      closed as materialized (select email_key, marketo_id from marked where status = 'excluded'),
      woken as (${wakeGroupsOf('closed', 'marked')})
      select 1`.execute(db);
  }
};

const HAS_NO_PERSON = sql`(lead.marketo_id is null and lead.creation ->> 'sentAt' is null
  and lead.status in ('unmatched', 'ambiguous'))`;

/** How far the pairs that follow were gone through. */
export interface FollowedTo {
  /** Whether the pairs of the leads that contacts were made of are behind: they come first. */
  readonly madeOf: boolean;
  /** The last link's id. */
  readonly id: number;
}

/**
 * Pairs whose row has a successor that they have not followed. Where several lead to one contact, the lead that it was made
 * of comes first, then the one that has been known longest. One that is set aside because both sides have a pair waits until
 * the other pair is gone.
 *
 * @returns each with the place to go on from.
 */
export const pendingSuccessions = async (
  db: Database,
  after: FollowedTo | null,
  limit: number,
): Promise<{ readonly link: Link; readonly at: FollowedTo }[]> => {
  const { madeOf, id } = after ?? { madeOf: true, id: 0 };
  const { rows } = await sql<Selectable<LinksTable> & { made_of: boolean }>`
    select * from (
      select *, coalesce(${IS_MADE_OF}, false) as made_of from links
      where successor is not null and status not in ('excluded', 'ended')
        and not (status = 'unmatched' and creation ->> 'sentAt' is null)
        and not (status in ('merged-away', 'ambiguous') and (marketo_id is null or exists (
          select from links as other where other.dynamics_id = (links.successor ->> 'id')::uuid
            and other.status = 'linked')))) as pending
    where (not made_of, id) > (${!madeOf}, ${id}::bigint)
    order by not made_of, id limit ${limit}`.execute(db);
  return rows.map(({ made_of: isMadeOf, ...row }) => {
    const link = linkOf(row);
    return { link, at: { madeOf: isMadeOf, id: link.id } };
  });
};

/** A lead that names no contact is followed by the contact that names it. */
const IS_MADE_OF = sql`(links.successor ->> 'id' is null or exists (
  select from links as contact where contact.dynamics_id = (links.successor ->> 'id')::uuid
    and contact.predecessor = links.dynamics_id))`;

/** Contacts that name one of these leads as the one they were made of, by the lead. */
export const contactsMadeOf = async (
  db: Database,
  leads: readonly string[],
): Promise<Map<string, string>> => {
  if (leads.length === 0) return new Map();
  const rows = await db
    .selectFrom('links')
    .select(['predecessor', 'dynamics_id'])
    .where('predecessor', 'in', leads)
    .where('status', '<>', 'ended')
    .orderBy('id', 'desc')
    .execute();
  return new Map(
    rows.flatMap(({ predecessor, dynamics_id: id }) => (predecessor && id ? [[predecessor, id]] : [])),
  );
};

/** Rows that wait because their person went into one with a row of its own, which has none any more; with that person. */
export const waitingInVain = async (
  db: Database,
): Promise<{ readonly link: Link; readonly marketoId: number }[]> => {
  const { rows } = await sql<Selectable<LinksTable>>`
    select * from links
    where status = 'merged-away' and marketo_id is null and not exists (
      select from links as other
      where other.marketo_id = (links.candidates -> 0 ->> 'id')::bigint and other.status <> 'ended')
    order by id`.execute(db);
  return rows.map((row) => ({ link: linkOf(row), marketoId: Number(row.candidates?.[0]?.id) }));
};

/** Rows that wait for a person which went into another one by now wait for that one. */
export const renameAwaited = async (db: Database, from: number, to: number): Promise<void> => {
  const candidate = (id: number): string => JSON.stringify([{ side: 'marketo', id: String(id) }]);
  await sql`
    update links set candidates = ${candidate(to)}::jsonb, version = version + 1
    where status = 'merged-away' and marketo_id is null and candidates = ${candidate(from)}::jsonb`.execute(
    db,
  );
};

/**
 * A person that was still to be told of the loss of its row went into another one: that one is told, if it has no row. With
 * it nothing is agreed, should the row be there after all.
 */
export const passFlagOn = async (db: Database, from: number, to: number): Promise<void> => {
  const nothing = '{"marketo":{},"dynamics":{}}';
  await sql`
    update links set marketo_id = ${to}, version = version + 1,
      agreed = ${nothing}, seen = ${nothing}, ${SETTLED}
    where marketo_id = ${from} and status = 'ended' and stamp is not null`.execute(db);
};
