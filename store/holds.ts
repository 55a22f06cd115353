import { sql } from 'kysely';
import type { Hold } from '../rules/scope.js';
import type { Database } from './database.js';

/** Holds on persons that no living link carries: kept for themselves, or left on the link that ended. */
export const holdsOfPersons = async (
  db: Database,
  marketoIds: readonly number[],
): Promise<Map<number, Hold>> => {
  if (marketoIds.length === 0) return new Map();
  const own = await db.selectFrom('held_persons').selectAll().where('marketo_id', 'in', marketoIds).execute();
  const ended = await db
    .selectFrom('links')
    .select(['marketo_id', 'out_of_scope'])
    .where('marketo_id', 'in', marketoIds)
    .where('status', '=', 'ended')
    .where('out_of_scope', 'is not', null)
    .execute();
  const left = ended.flatMap(({ marketo_id: id, out_of_scope: scope }): [number, Hold][] =>
    id === null || scope?.hold === undefined ? [] : [[id, scope.hold]],
  );
  return new Map([
    ...left,
    ...own.map((row): [number, Hold] => [
      row.marketo_id,
      { since: row.since.toISOString(), by: row.held_by, note: row.note },
    ]),
  ]);
};

/** Until the transaction ends, no hold is put on a person, and nobody else links one. */
export const lockHolds = async (db: Database): Promise<void> => {
  await sql`lock table held_persons in share row exclusive mode`.execute(db);
};

/** @returns false for a person that is on hold already; that hold stays as it is. */
export const holdPerson = async (db: Database, marketoId: number, hold: Hold): Promise<boolean> => {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('held_persons')
    .values({ marketo_id: marketoId, since: hold.since, held_by: hold.by, note: hold.note })
    .onConflict((oc) => oc.doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
};

/** Ends the holds that are kept for persons alone: a link has taken them over, or an operator released them. */
export const releasePersons = async (db: Database, marketoIds: readonly number[]): Promise<number> => {
  if (marketoIds.length === 0) return 0;
  const { rows } = await sql<{ id: number }>`
    delete from held_persons where marketo_id in (
      select value::bigint from jsonb_array_elements_text(${JSON.stringify(marketoIds)}::jsonb))
    returning marketo_id as id`.execute(db);
  return rows.length;
};

/**
 * Sets a link on hold, in one statement: whoever works on it at this moment finds its version
 * changed before the next call. A row of an ambiguous group leaves the group.
 *
 * @returns the e-mail of a group that was left; undefined for a link that is on hold already.
 */
export const holdLink = async (
  db: Database,
  id: number,
  hold: Hold,
): Promise<{ readonly leftGroup: string | null } | undefined> => {
  const { rows } = await sql<{ left: string | null }>`
    update links set version = links.version + 1,
      out_of_scope = coalesce(links.out_of_scope, '{}') || ${JSON.stringify({ hold })}::jsonb,
      status = case when before.grouped then 'unmatched' else links.status end,
      candidates = case when before.grouped then null else links.candidates end
    from (select id, status = 'ambiguous' and marketo_id is null as grouped from links where id = ${id} for update) as before
    where links.id = before.id and not coalesce(links.out_of_scope ? 'hold', false)
    returning case when before.grouped then links.email_key end as left`.execute(db);
  return rows[0] && { leftGroup: rows[0].left };
};

/** Ends the holds on these links. One that nothing else leaves out is dirty: what was edited meanwhile is merged. */
export const releaseLinks = async (db: Database, ids: readonly number[]): Promise<number> => {
  if (ids.length === 0) return 0;
  const { rows } = await sql<{ id: number }>`
    update links set version = version + 1,
      out_of_scope = nullif(out_of_scope - 'hold', '{}'),
      -- a reserved row and a tombstone are nothing that a cycle could work on
      dirty = dirty or (out_of_scope - 'hold' = '{}' and status <> 'tombstone'
        and not (status = 'unmatched' and marketo_id is not null))
    where id in (select value::bigint from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))
      and out_of_scope ? 'hold'
    returning id`.execute(db);
  return rows.length;
};
