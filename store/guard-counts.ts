import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { Missing, RecordIds } from '../rules/guard.js';
import type { Link } from '../rules/link.js';
import type { Kind, Side } from '../rules/terms.js';
import type { Database } from './database.js';
import { linkOf } from './links.js';
import type { LinksTable } from './schema.js';

/** Links that a cycle would look at: no measure of the guard counts more. */
export const countDirty = async (db: Database): Promise<number> => {
  const { count } = await db
    .selectFrom('links')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('dirty', '=', true)
    .executeTakeFirstOrThrow();
  return count;
};

/** Pairs that stand, by table. */
export const countPairs = async (db: Database): Promise<Record<Kind, number>> => {
  const { rows } = await sql<{ kind: Kind; count: number }>`
    select kind, count(*) as count from links where status = 'linked' group by kind`.execute(db);
  return { lead: 0, contact: 0, ...Object.fromEntries(rows.map(({ kind, count }) => [kind, count])) };
};

/** Pairs that are to be decided, in order of id, after `after`. */
export const dirtyPairs = async (db: Database, after: number, limit: number): Promise<Link[]> => {
  const rows = await db
    .selectFrom('links')
    .selectAll()
    .where('dirty', '=', true)
    .where('status', '=', 'linked')
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(linkOf);
};

/**
 * Pairs that ended since the last cycle that went on: whose row is gone and whose person is still to be told, unless it
 * has another row; whose person is gone and of whom no cycle has taken note.
 */
const ENDED: Readonly<Record<Side, ReturnType<typeof sql<boolean>>>> = {
  dynamics: sql<boolean>`links.dirty and links.status = 'ended' and links.stamp is not null
    and links.marketo_id is not null and not exists (
    select from links as alive where alive.marketo_id = links.marketo_id and alive.status <> 'ended')`,
  marketo: sql<boolean>`links.dirty and links.status = 'tombstone'`,
};

/** A person out of scope is told nothing yet; its loss counts once it is back. */
const COUNTED = { ...ENDED, dynamics: sql<boolean>`${ENDED.dynamics} and links.out_of_scope is null` };

/** Records for which something is decided and not done, or in doubt. */
export const countUnderWay = async (db: Database): Promise<number> => {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from links where ${COUNTED.dynamics}
      or (status = 'linked' and jsonb_path_exists(writes, '$[*] ? (@.state == "planned" || @.state == "sent")'))`.execute(
    db,
  );
  return rows[0]?.count ?? 0;
};

/** How many records went missing on each side, with a few of them. */
export const countMissing = async (db: Database): Promise<Missing[]> => {
  const missing: Missing[] = [];
  for (const from of ['dynamics', 'marketo'] as const) {
    const { rows } = await sql<{ kind: Kind; count: number }>`
      select kind, count(*) as count from links where ${COUNTED[from]} group by kind`.execute(db);
    for (const { kind, count } of rows) {
      const some = await pairsWhere(db, COUNTED[from], { kind, after: 0, limit: EXAMPLES });
      missing.push({ from, kind, count, examples: some.map(idsOf) });
    }
  }
  return missing;
};

const EXAMPLES = 5;

const idsOf = ({ marketoId, dynamicsId }: Link): RecordIds => ({ marketoId, dynamicsId });

/** Pairs of a table that ended because a record went missing on this side, in order of id. */
export const endedPairs = (
  db: Database,
  { from, ...part }: Part & { readonly from: Side },
): Promise<Link[]> => pairsWhere(db, ENDED[from], part);

interface Part {
  readonly kind: Kind;
  readonly after: number;
  readonly limit: number;
}

const pairsWhere = async (
  db: Database,
  condition: RawBuilder<boolean>,
  { kind, after, limit }: Part,
): Promise<Link[]> => {
  const { rows } = await sql<Selectable<LinksTable>>`
    select * from links where ${condition} and kind = ${kind} and id > ${after}
    order by id limit ${limit}`.execute(db);
  return rows.map(linkOf);
};

/** Pairs of these persons that ended so: the change log is judged for them as for any other, in case that they go on. */
export const endedPairsOf = async (db: Database, marketoIds: readonly number[]): Promise<Link[]> => {
  if (marketoIds.length === 0) return [];
  const [ended, buried] = [ENDED.dynamics, ENDED.marketo].map(
    (isEnded) => sql`select * from links where marketo_id = any(${[...marketoIds]}::bigint[]) and ${isEnded}`,
  );
  // Apart, because there is an index for each.
  const { rows } = await sql<Selectable<LinksTable>>`${ended} union all ${buried}`.execute(db);
  return rows.map(linkOf);
};
