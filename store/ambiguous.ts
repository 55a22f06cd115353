import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { Link } from '../rules/link.js';
import type { Database } from './database.js';
import { linkOf } from './links.js';
import type { LinksTable } from './schema.js';

/**
 * A part of a statement that moves links: marks the groups that they were of, or are of now, for another look.
 *
 * @param moved names rows of `email_key` and `marketo_id`, as they were and as they are
 * @param own names rows with the `id` of all that the statement, or what follows in its transaction, writes itself:
 *   whoever judged those has looked, and holds their versions
 */
export const wakeGroupsOf = (moved: string, own: string): RawBuilder<unknown> => sql`
  update links set dirty = true, version = version + 1
  where not dirty and id not in (select id from ${sql.ref(own)}) and id in (
    select same.id from ${sql.ref(moved)} join links as same
      on same.email_key = ${sql.ref(`${moved}.email_key`)} and same.status = 'ambiguous'
    union all
    select has.id
    from links as has
      cross join lateral jsonb_array_elements(has.candidates) as candidate
      join ${sql.ref(moved)} on ${sql.ref(`${moved}.marketo_id`)}::text = candidate ->> 'id'
    where has.status = 'ambiguous' and candidate ->> 'side' = 'marketo'
      and exists (select from ${sql.ref(moved)}))`;

/** Marks ambiguous groups for another look, because something that no link tells moved one of their e-mails or candidates. */
export const wakeAmbiguous = async (
  db: Database,
  moved: {
    readonly emailKeys: readonly string[];
    readonly persons: readonly number[];
    readonly rows?: readonly string[];
  },
): Promise<void> => {
  const { emailKeys, persons, rows = [] } = moved;
  if (emailKeys.length + persons.length + rows.length === 0) return;
  const candidates = persons.map((id) => JSON.stringify([{ side: 'marketo', id: String(id) }]));
  await sql`
    update links set dirty = true, version = version + 1
    where status = 'ambiguous' and not dirty and (
      email_key in (select jsonb_array_elements_text(${JSON.stringify(emailKeys)}::jsonb))
      or dynamics_id::text in (select jsonb_array_elements_text(${JSON.stringify(rows)}::jsonb))
      or exists (
        select from jsonb_array_elements_text(${JSON.stringify(candidates)}::jsonb) as candidate
        where candidates @> candidate::jsonb))`.execute(db);
};

/** Marks groups of too many persons for another look each `everyMs`: they know none of these, so no deletion wakes them. */
export const wakeCrowds = async (db: Database, everyMs: number): Promise<void> => {
  await sql`
    update links set dirty = true, version = version + 1
    where status = 'ambiguous' and ambiguity = 'too-many' and not dirty
      and updated_at <= clock_timestamp() - ${everyMs} * interval '1 millisecond'`.execute(db);
};

/** Ambiguous links, those of one e-mail together. */
export const ambiguousLinks = async (db: Database, limit: number): Promise<Link[]> => {
  const rows = await db
    .selectFrom('links')
    .selectAll()
    .where('status', '=', 'ambiguous')
    .orderBy('email_key')
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(linkOf);
};

/** Ambiguous links that a record is of: its own, and those that have it for a candidate; with all others of their e-mails. */
export const ambiguousLinksOf = async (
  db: Database,
  record: { readonly marketoId: number } | { readonly dynamicsId: string },
): Promise<Link[]> => {
  const side = 'marketoId' in record ? 'marketo' : 'dynamics';
  const id = 'marketoId' in record ? String(record.marketoId) : record.dynamicsId;
  const candidate = JSON.stringify([{ side, id }]);
  const own =
    'marketoId' in record
      ? sql`marketo_id = ${record.marketoId}`
      : sql`dynamics_id = ${record.dynamicsId}::uuid`;
  const { rows } = await sql<Selectable<LinksTable>>`
    with own as (
      select id, email_key from links
      where status = 'ambiguous' and (${own} or candidates @> ${candidate}::jsonb))
    select * from links where status = 'ambiguous' and (
      id in (select id from own) or email_key in (select email_key from own))
    order by email_key, id`.execute(db);
  return rows.map(linkOf);
};

/** Links of rows about which it was decided whether they belong to this person. */
export const decidedAbout = async (db: Database, marketoId: number): Promise<Link[]> => {
  const { rows } = await sql<Selectable<LinksTable>>`
    select * from links where decision is not null and decision -> 'persons' @> ${JSON.stringify([marketoId])}::jsonb
    order by id`.execute(db);
  return rows.map(linkOf);
};

/** A person that is to get a row, and the canonical form of its e-mail. */
export interface Addressed {
  readonly marketoId: number;
  readonly emailKey: string | null;
}

/**
 * Those of these persons of whom people decided that some row of that very e-mail does not belong to them. Where it was not
 * the e-mail under which they met, it is the row's own.
 */
export const separatedPersons = async (
  db: Database,
  persons: readonly Addressed[],
): Promise<ReadonlySet<number>> => {
  if (persons.length === 0) return new Set();
  const { rows } = await sql<{ id: number }>`
    select distinct asked."marketoId" as id
    from jsonb_to_recordset(${JSON.stringify(persons)}::jsonb) as asked ("marketoId" bigint, "emailKey" text)
      join links on decision -> 'persons' @> to_jsonb(asked."marketoId")
    where decision is not null and decision ->> 'what' = 'separated'
      and coalesce(decision ->> 'emailKey', email_key) = asked."emailKey"`.execute(db);
  return new Set(rows.map(({ id }) => id));
};
