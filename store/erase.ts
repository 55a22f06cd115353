import { sql } from 'kysely';
import type { LinkStatus } from '../rules/link.js';
import type { Database } from './database.js';

/** How many rows of which kind held values of the person, and hold none any more. */
export interface Erased {
  readonly links: number;
  readonly decisions: number;
  readonly rejections: number;
  readonly entries: number;
}

export type Erasure =
  | ({ readonly is: 'erased' } & Erased)
  /** A pair that is still synced, or still may be: both sides are kept equal by these very values. */
  | { readonly is: 'living'; readonly status: LinkStatus; readonly kind: string }
  | { readonly is: 'unknown' };

type Record = { readonly marketoId: number } | { readonly dynamicsId: string };

interface Found {
  readonly id: number;
  readonly status: LinkStatus;
  readonly kind: string;
  readonly email_key: string | null;
  readonly marketo_id: number | null;
}

/** Pairs of these are history, or keep a deleted person from coming back: they need ids, no values. */
const OVER: ReadonlySet<LinkStatus> = new Set(['ended', 'tombstone', 'excluded']);

/**
 * Strikes out every value of a person's in the store: on its pairs that are over, in the ledger, in rejections, in entries
 * for its activity log. Ids, fields, rules, cycles and moments stay, so that what happened can still be told. Noted in
 * `erasures`, without values. Doing it again changes nothing more.
 */
export const erase = (db: Database, record: Record): Promise<Erasure> =>
  db.transaction().execute(async (tx) => {
    const links = await linksOf(tx, record);
    const living = links.find(({ status }) => !OVER.has(status));
    if (living !== undefined) return { is: 'living', status: living.status, kind: living.kind };
    const ids = links.map(({ id }) => id);
    const persons = [
      ...('marketoId' in record ? [record.marketoId] : []),
      ...links.flatMap(({ marketo_id }) => marketo_id ?? []),
    ];
    const entries = await eraseEntries(tx, ids, persons);
    const erased = {
      links: await eraseLinks(tx, ids),
      decisions: await eraseDecisions(tx, ids),
      rejections: await eraseRejections(tx, ids),
      entries: entries.changed,
    };
    if (links.length === 0 && entries.found === 0) return { is: 'unknown' };
    const keys = links.flatMap(({ email_key }) => email_key ?? []);
    if (keys.length > 0) await tx.deleteFrom('email_claims').where('email_key', 'in', keys).execute();
    await tx
      .insertInto('erasures')
      .values({
        marketo_id: 'marketoId' in record ? record.marketoId : null,
        dynamics_id: 'dynamicsId' in record ? record.dynamicsId : null,
        counts: JSON.stringify(erased),
      })
      .execute();
    return { is: 'erased', ...erased };
  });

/** The record's pairs, with those of rows that became its row: leads that were qualified into it, rows merged into it. */
const linksOf = async (db: Database, record: Record): Promise<Found[]> => {
  const own =
    'marketoId' in record ? sql`marketo_id = ${record.marketoId}` : sql`dynamics_id = ${record.dynamicsId}`;
  const { rows } = await sql<Found>`
    with recursive own as (
      select id, dynamics_id, predecessor from links where ${own}
      union
      select links.id, links.dynamics_id, links.predecessor from links join own
        on (links.successor ->> 'id')::uuid = own.dynamics_id or links.dynamics_id = own.predecessor
    )
    select id, status, kind, email_key, marketo_id from links
    where id in (select id from own) order by id for update`.execute(db);
  return rows;
};

const NOTHING = '{"marketo":{},"dynamics":{}}';

const eraseLinks = async (db: Database, ids: readonly number[]): Promise<number> => {
  if (ids.length === 0) return 0;
  const { rows } = await sql`
    update links set email_key = null, decision = decision || '{"emailKey": null}',
      out_of_scope = case when out_of_scope -> 'hold' ->> 'note' is null then out_of_scope
        else jsonb_set(out_of_scope, '{hold,note}', 'null') end, agreed = ${NOTHING}, seen = ${NOTHING}, writes = '[]', overtaken = '{}',
      parked = '{}', creation = null, version = version + 1, check_at = null,
      -- a fingerprint can be guessed
      causes = (select coalesce(jsonb_object_agg(key, value - 'swing'), '{}') from jsonb_each(causes))
    where id = any(${ids}) and (email_key is not null or creation is not null or agreed <> ${NOTHING}::jsonb
      or seen <> ${NOTHING}::jsonb or writes <> '[]' or overtaken <> '{}' or parked <> '{}'
      or jsonb_path_exists(causes, '$.*.swing') or decision ->> 'emailKey' is not null
      or out_of_scope -> 'hold' ->> 'note' is not null)
    returning id`.execute(db);
  return rows.length;
};

const eraseDecisions = async (db: Database, ids: readonly number[]): Promise<number> => {
  if (ids.length === 0) return 0;
  const { rows } = await sql<{ count: number }>`
    update ledger set decisions = (
      select jsonb_agg((decision - 'base') || '{"candidates":{"marketo":null,"dynamics":null},"erased":true}')
      from jsonb_array_elements(decisions) as decision)
    where link_id = any(${ids}) and not decisions @> '[{"erased":true}]'
    returning jsonb_array_length(decisions) as count`.execute(db);
  return rows.reduce((sum, { count }) => sum + count, 0);
};

/** Stands where a text was that may have quoted a value. */
const STRUCK = '(erased)';

const eraseRejections = async (db: Database, ids: readonly number[]): Promise<number> => {
  if (ids.length === 0) return 0;
  const { rows } = await sql`
    update rejections set message = ${STRUCK}, value = 'null', closed_at = coalesce(closed_at, clock_timestamp())
    where link_id = any(${ids}) and message <> ${STRUCK} returning id`.execute(db);
  return rows.length;
};

/** What was not yet written to the log of a person that is gone will not be. */
const eraseEntries = async (
  db: Database,
  ids: readonly number[],
  persons: readonly number[],
): Promise<{ readonly found: number; readonly changed: number }> => {
  const { rows } = await sql<{ changed: boolean }>`
    update activity_entries as entry set
      attributes = entry.attributes || jsonb_build_object('message', ${STRUCK}::text),
      state = case when entry.state = 'logged' then 'logged' else 'abandoned' end
    from (select id, attributes ->> 'message' is distinct from ${STRUCK} as changed from activity_entries
      where link_id = any(${ids}) or marketo_id = any(${persons}) for update) as before
    where entry.id = before.id
    returning before.changed`.execute(db);
  return { found: rows.length, changed: rows.filter(({ changed }) => changed).length };
};
