import { sql } from 'kysely';
import type { Link } from '../rules/link.js';
import type { Kind, Side } from '../rules/terms.js';
import type { Database } from './database.js';
import { linkOf } from './links.js';

/** Marked for the lane, and not read by the next cycle anyway. */
const WAITS = {
  marketo: sql<boolean>`(backfill_marketo and not reread_marketo)`,
  dynamics: sql<boolean>`(backfill_dynamics and not reread_dynamics)`,
} as const satisfies Readonly<Record<Side, unknown>>;

/**
 * Pairs whose record on `side` the backfill lane is to read, in order of id, those after `after`. What the next cycle reads
 * anyway is left to it.
 */
export const linksToBackfill = async (
  db: Database,
  side: Side,
  after: number,
  limit: number,
  kind?: Kind,
): Promise<Link[]> => {
  let found = db.selectFrom('links').selectAll().where(WAITS[side]).where('status', '=', 'linked');
  if (kind !== undefined) found = found.where('kind', '=', kind);
  return (await found.where('id', '>', after).orderBy('id').limit(limit).execute()).map(linkOf);
};

/** True while a pair waits for the backfill lane. */
export const hasBackfill = async (db: Database): Promise<boolean> => {
  const row = await db
    .selectFrom('links')
    .select('id')
    .where((eb) => eb.or([WAITS.marketo, WAITS.dynamics]))
    .where('status', '=', 'linked')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
};

/** Number of pairs that wait for the backfill lane, or for the cycle to which it left them. */
export const countBackfill = async (db: Database): Promise<number> => {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from links
    where (backfill_marketo or backfill_dynamics) and status = 'linked'`.execute(db);
  return rows[0]?.count ?? 0;
};

/** Links that one statement changes, so that nobody who saves one of them waits for long. */
const LINKS_AT_ONCE = 10_000;

const inRanges = async (db: Database, change: (from: number, to: number) => Promise<void>): Promise<void> => {
  const { rows } = await sql<{ last: number | null }>`select max(id) as last from links`.execute(db);
  const last = rows[0]?.last ?? 0;
  for (let from = 1; from <= last; from += LINKS_AT_ONCE) await change(from, from + LINKS_AT_ONCE - 1);
};

/**
 * Has the backfill lane read these sides of every pair of a table. Rows that may get a person are marked too: they are read
 * when they get one.
 */
export const markForBackfill = (db: Database, kind: Kind, sides: readonly Side[]): Promise<void> =>
  inRanges(db, async (from, to) => {
    const marketo = sql`(${sides.includes('marketo')} and marketo_id is not null)`;
    const dynamics = sql`${sides.includes('dynamics')}`;
    await sql`
      update links set version = version + 1,
        backfill_marketo = backfill_marketo or ${marketo}, backfill_dynamics = backfill_dynamics or ${dynamics}
      where id between ${from} and ${to} and kind = ${kind}
        and status in ('linked', 'unmatched', 'ambiguous', 'merged-away')
        and (not backfill_marketo and ${marketo} or not backfill_dynamics and ${dynamics})`.execute(db);
  });

/**
 * Forgets fields on all links of a table: what was agreed and seen of them, writes, and what they were parked for. Their
 * last cause stays, so that the values that they had can still be explained.
 */
export const forgetFields = async (db: Database, kind: Kind, fields: readonly string[]): Promise<void> => {
  await inRanges(db, async (from, to) => {
    await sql`
      update links set version = version + 1, agreed = ${without('agreed', fields)}, seen = ${without('seen', fields)},
        parked = parked - ${fields}::text[], overtaken = overtaken - ${fields}::text[],
        writes = coalesce((select jsonb_agg(write order by place)
          from jsonb_array_elements(writes) with ordinality as each (write, place)
          where not write ->> 'field' = any(${fields}::text[])), '[]'::jsonb)
      where id between ${from} and ${to} and kind = ${kind} and ${holdsAny(fields)}`.execute(db);
  });
  await sql`
    update rejections set closed_at = clock_timestamp()
    from links where links.id = rejections.link_id and links.kind = ${kind}
      and rejections.closed_at is null and rejections.field = any(${fields}::text[])`.execute(db);
};

const without = (column: 'agreed' | 'seen', fields: readonly string[]) =>
  sql`jsonb_build_object('marketo', (${sql.ref(column)} -> 'marketo') - ${fields}::text[],
    'dynamics', (${sql.ref(column)} -> 'dynamics') - ${fields}::text[])`;

const holdsAny = (fields: readonly string[]) =>
  sql`(agreed -> 'marketo' ?| ${fields}::text[] or agreed -> 'dynamics' ?| ${fields}::text[]
    or seen -> 'marketo' ?| ${fields}::text[] or seen -> 'dynamics' ?| ${fields}::text[]
    or parked ?| ${fields}::text[] or overtaken ?| ${fields}::text[] or writes <> '[]'::jsonb)`;

/** The store's clock, by which links tell when they were saved. */
export const storeClock = async (db: Database): Promise<Date> => {
  const { rows } = await sql<{ at: Date }>`select clock_timestamp() as at`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the store told no time');
  return row.at;
};

/** Those of the rows whose link was saved at or after that moment. */
export const rowsSavedSince = async (
  db: Database,
  dynamicsIds: readonly string[],
  since: Date,
): Promise<Set<string>> => {
  if (dynamicsIds.length === 0) return new Set();
  const rows = await db
    .selectFrom('links')
    .select('dynamics_id')
    .where('dynamics_id', 'in', dynamicsIds)
    .where('updated_at', '>=', since)
    .execute();
  return new Set(rows.flatMap(({ dynamics_id: id }) => id ?? []));
};
