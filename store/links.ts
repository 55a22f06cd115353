import { sql, type RawBuilder, type Selectable } from 'kysely';
import { omit } from '../rules/draft.js';
import type { Link } from '../rules/link.js';
import type { IsoInstant, Kind, Side } from '../rules/terms.js';
import { wakeGroupsOf } from './ambiguous.js';
import type { Database } from './database.js';
import { recordedEdits } from './ledger.js';
import type { LinksTable } from './schema.js';

/** A range of link ids, `from` included and `to` included: how a chunk of a cycle is named. */
export interface LinkRange {
  readonly from: number;
  readonly to: number;
}

export const linkOf = (row: Selectable<LinksTable>): Link => ({
  id: row.id,
  version: row.version,
  kind: row.kind,
  status: row.status,
  marketoId: row.marketo_id,
  dynamicsId: row.dynamics_id,
  emailKey: row.email_key,
  dirty: row.dirty,
  rereadMarketo: row.reread_marketo,
  rereadDynamics: row.reread_dynamics,
  backfillMarketo: row.backfill_marketo,
  backfillDynamics: row.backfill_dynamics,
  stamp: row.stamp,
  etag: row.etag,
  agreed: row.agreed,
  seen: row.seen,
  writes: row.writes,
  overtaken: row.overtaken,
  parked: row.parked,
  causes: row.causes,
  creation: row.creation,
  candidates: row.candidates,
  successor: row.successor,
  predecessor: row.predecessor,
  outOfScope: row.out_of_scope,
  ambiguity: row.ambiguity,
  decision: row.decision,
});

/** The dirty links of a range in order of id, after `after`: the next batch of a chunk. */
export const dirtyLinks = async (
  db: Database,
  range: LinkRange,
  after: number,
  limit: number,
): Promise<Link[]> => {
  const rows = await db
    .selectFrom('links')
    .selectAll()
    .where('dirty', '=', true)
    .where('id', '>=', range.from)
    .where('id', '<=', range.to)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(linkOf);
};

export const linksById = async (db: Database, ids: readonly number[]): Promise<Link[]> =>
  ids.length === 0
    ? []
    : (await db.selectFrom('links').selectAll().where('id', 'in', ids).execute()).map(linkOf);

/** Links whose person is there as far as the store knows, those after `after`, in order of id. */
export const linksWithPerson = async (db: Database, after: number, limit: number): Promise<Link[]> => {
  const found = db
    .selectFrom('links')
    .selectAll()
    .where('id', '>', after)
    .where('marketo_id', 'is not', null);
  const living = found.where('status', 'in', ['linked', 'ambiguous', 'merged-away']);
  return (await living.orderBy('id').limit(limit).execute()).map(linkOf);
};

/** Links of these persons that are not ended. */
export const linksByPerson = async (db: Database, marketoIds: readonly number[]): Promise<Link[]> => {
  if (marketoIds.length === 0) return [];
  const found = db.selectFrom('links').selectAll().where('marketo_id', 'in', marketoIds);
  return (await found.where('status', '<>', 'ended').execute()).map(linkOf);
};

export const linksByRow = async (db: Database, dynamicsIds: readonly string[]): Promise<Link[]> => {
  if (dynamicsIds.length === 0) return [];
  return (await db.selectFrom('links').selectAll().where('dynamics_id', 'in', dynamicsIds).execute()).map(
    linkOf,
  );
};

/** Every link of a record, the living one first, then former ones from new to old. */
export const linksOfRecord = async (
  db: Database,
  record: { readonly marketoId: number } | { readonly dynamicsId: string },
): Promise<Link[]> => {
  const all = db.selectFrom('links').selectAll();
  const own =
    'marketoId' in record
      ? // Living and former links are found by an index each.
        all.where((eb) =>
          eb.or(
            (['=', '<>'] as const).map((is) =>
              eb.and([eb('marketo_id', '=', record.marketoId), eb('status', is, 'ended')]),
            ),
          ),
        )
      : all.where('dynamics_id', '=', record.dynamicsId);
  const rows = await own
    .orderBy(sql`status in ('ended', 'tombstone')`)
    .orderBy('id', 'desc')
    .execute();
  return rows.map(linkOf);
};

/** Rows of Dynamics that stand without a person, of the same e-mails: the groups that matching looks at. */
export const unmatchedByEmail = async (db: Database, emailKeys: readonly string[]): Promise<Link[]> => {
  if (emailKeys.length === 0) return [];
  const found = db.selectFrom('links').selectAll().where('email_key', 'in', emailKeys);
  return (await found.where('status', 'in', ['unmatched', 'ambiguous']).execute()).map(linkOf);
};

/** When the earliest open write of a link is overdue: then it is read back. */
const checkAt = (link: Link, overlapMs: number): IsoInstant | null => {
  const due = link.writes.flatMap((write) => {
    if (write.state === 'answered') return [Date.parse(write.at) + overlapMs];
    if (write.state === 'sent') return [Date.parse(write.deadline ?? write.at)];
    return [];
  });
  return due.length === 0 ? null : new Date(Math.min(...due)).toISOString();
};

const columnsOf = (link: Link, overlapMs: number): Record<string, unknown> => ({
  id: link.id,
  version: link.version,
  kind: link.kind,
  status: link.status,
  marketo_id: link.marketoId,
  dynamics_id: link.dynamicsId,
  email_key: link.emailKey,
  dirty: link.dirty,
  reread_marketo: link.rereadMarketo,
  reread_dynamics: link.rereadDynamics,
  backfill_marketo: link.backfillMarketo,
  backfill_dynamics: link.backfillDynamics,
  stamp: link.stamp,
  etag: link.etag,
  agreed: link.agreed,
  seen: link.seen,
  writes: link.writes,
  overtaken: link.overtaken,
  parked: link.parked,
  causes: link.causes,
  creation: link.creation,
  candidates: link.candidates,
  successor: link.successor,
  predecessor: link.predecessor,
  out_of_scope: link.outOfScope,
  ambiguity: link.ambiguity,
  decision: link.decision,
  check_at: checkAt(link, overlapMs),
});

/**
 * Saves links by compare-and-set on their version, in one statement, notes edits that end with them in the ledger, and
 * wakes the ambiguous groups that one of them left or joined.
 *
 * @param savedNext ids of links that the same transaction goes on to save: those are not woken.
 * @returns the saved links with their new version, by id; a link that somebody else changed meanwhile is missing.
 */
export const saveLinks = async (
  db: Database,
  links: readonly Link[],
  overlapMs: number,
  savedNext: readonly number[] = [],
): Promise<Map<number, Link>> => {
  if (links.length === 0) return new Map();
  const documents = JSON.stringify(links.map((link) => columnsOf(link, overlapMs)));
  const ids = links.map(({ id }) => id);
  const lost = links.flatMap(({ id, lost: edits }) =>
    edits === undefined ? [] : { id, ...recordedEdits(edits) },
  );
  const { rows } = await sql<{ id: number; version: number }>`
    with was as materialized (
      select id, ${PLACE} from links where id = any(${ids}::bigint[])),
    own as (select unnest(${[...ids, ...savedNext]}::bigint[]) as id),
    saved as (update links set
      version = links.version + 1, kind = x.kind, status = x.status, marketo_id = x.marketo_id,
      dynamics_id = x.dynamics_id, email_key = x.email_key, dirty = x.dirty, reread_marketo = x.reread_marketo, reread_dynamics = x.reread_dynamics,
      backfill_marketo = x.backfill_marketo, backfill_dynamics = x.backfill_dynamics,
      stamp = nullif(x.stamp, 'null'), etag = x.etag, agreed = x.agreed, seen = x.seen, writes = x.writes,
      overtaken = x.overtaken, parked = x.parked, causes = x.causes, creation = nullif(x.creation, 'null'),
      candidates = nullif(x.candidates, 'null'), successor = nullif(x.successor, 'null'), predecessor = x.predecessor,
      out_of_scope = nullif(x.out_of_scope, 'null'), ambiguity = x.ambiguity, decision = nullif(x.decision, 'null'),
      check_at = x.check_at, updated_at = clock_timestamp()
    from jsonb_to_recordset(${documents}::jsonb) as x (
      id bigint, version integer, kind text, status text, marketo_id bigint, dynamics_id uuid, email_key text,
      dirty boolean, reread_marketo boolean, reread_dynamics boolean, backfill_marketo boolean, backfill_dynamics boolean,
      stamp jsonb, etag text, agreed jsonb, seen jsonb, writes jsonb,
      overtaken jsonb, parked jsonb, causes jsonb, creation jsonb, candidates jsonb, successor jsonb, predecessor uuid,
      out_of_scope jsonb, ambiguity text, decision jsonb,
      check_at timestamptz)
    where links.id = x.id and links.version = x.version
    returning links.id, links.version, ${PLACE}),
    moved as materialized (
      select place.email_key, place.marketo_id
      from was join saved on saved.id = was.id,
        lateral (values (was.email_key, was.marketo_id), (saved.email_key, saved.marketo_id)) as place (email_key, marketo_id)
      where (was.status, was.marketo_id, was.email_key, was.in_scope)
        is distinct from (saved.status, saved.marketo_id, saved.email_key, saved.in_scope)),
    woken as (${wakeGroupsOf('moved', 'own')}),
    noted as (
      insert into ledger (link_id, cycle, side, decisions)
      select saved.id, (select coalesce(max(number), 0) from cycles), x.side, x.decisions
      from jsonb_to_recordset(${JSON.stringify(lost)}::jsonb) as x (id bigint, side text, decisions jsonb)
      join saved on saved.id = x.id)
    select id, version from saved`.execute(db);
  const versions = new Map(rows.map(({ id, version }) => [id, version]));
  return new Map(
    links.flatMap((link) => {
      const version = versions.get(link.id);
      return version === undefined ? [] : [[link.id, noted({ ...link, version })] as const];
    }),
  );
};

/** What tells of which group a link is, and whether its person is free. */
const PLACE = sql`links.status, links.marketo_id, links.email_key, links.out_of_scope is null as in_scope`;

/** What was to be noted is. */
const noted = (link: Link): Link => {
  const saved: Record<string, unknown> & Link = { ...link };
  omit(saved, 'lost');
  return saved;
};

/** A row of Dynamics, or a reserved one, that enters the store. */
export type NewLink = Pick<
  Link,
  'kind' | 'status' | 'marketoId' | 'dynamicsId' | 'emailKey' | 'etag' | 'seen'
> &
  Partial<Pick<Link, 'successor' | 'predecessor' | 'outOfScope' | 'dirty' | 'creation'>>;

/**
 * Inserts links; one that exists already, by person or row, is left alone.
 *
 * @returns the links that were inserted.
 */
export const insertLinks = async (db: Database, links: readonly NewLink[]): Promise<Link[]> => {
  if (links.length === 0) return [];
  return (await insertOf(links).execute(db)).rows.map(linkOf);
};

/** What else a statement that inserts links does with each of them, which it calls `x`. */
interface Inserting {
  /** What its person is still to be told. */
  readonly stamp?: RawBuilder<unknown>;
  /** Leaves out those for which this is false. */
  readonly where?: RawBuilder<unknown>;
}

/** The statement by itself, for one that does more. */
export const insertOf = (
  links: readonly NewLink[],
  { stamp = sql`null::jsonb`, where = sql`true` }: Inserting = {},
): RawBuilder<Selectable<LinksTable>> => {
  const documents = JSON.stringify(
    links.map((link) => ({
      kind: link.kind,
      status: link.status,
      marketo_id: link.marketoId,
      dynamics_id: link.dynamicsId,
      email_key: link.emailKey,
      etag: link.etag,
      seen: link.seen,
      successor: link.successor ?? null,
      predecessor: link.predecessor ?? null,
      out_of_scope: link.outOfScope ?? null,
      creation: link.creation ?? null,
      // A reserved row is nothing that a cycle could work on until it is there.
      dirty: link.dirty ?? (link.status !== 'excluded' && link.marketoId === null),
    })),
  );
  return sql<Selectable<LinksTable>>`
    insert into links (
      kind, status, marketo_id, dynamics_id, email_key, etag, seen, successor, predecessor, out_of_scope, creation, dirty,
      stamp)
    select
      kind, status, marketo_id, dynamics_id, email_key, etag, seen, nullif(successor, 'null'), predecessor,
      nullif(out_of_scope, 'null'), nullif(creation, 'null'), dirty, ${stamp}
    from jsonb_to_recordset(${documents}::jsonb) as x (
      kind text, status text, marketo_id bigint, dynamics_id uuid, email_key text, etag text, seen jsonb,
      successor jsonb, predecessor uuid, out_of_scope jsonb, creation jsonb, dirty boolean)
    where ${where}
    on conflict do nothing
    returning *`;
};

/** Links whose record on `side` is to be read again, in order of id. */
export const linksToReread = async (
  db: Database,
  side: Side,
  limit: number,
  kind?: Kind,
): Promise<Link[]> => {
  const mark = side === 'marketo' ? 'reread_marketo' : 'reread_dynamics';
  let found = db.selectFrom('links').selectAll().where(mark, '=', true).where('status', '=', 'linked');
  if (kind !== undefined) found = found.where('kind', '=', kind);
  return (await found.orderBy('id').limit(limit).execute()).map(linkOf);
};

/** Marks links with an overdue write for a read-back of the side that was written. */
export const markOverdue = async (db: Database): Promise<void> => {
  await sql`
    update links set version = version + 1, check_at = null,
      reread_marketo = reread_marketo or jsonb_path_exists(writes, ${OPEN_MARKETO}::jsonpath),
      reread_dynamics = reread_dynamics or jsonb_path_exists(writes, ${OPEN_DYNAMICS}::jsonpath)
    where check_at <= clock_timestamp() and status = 'linked'`.execute(db);
};

const OPEN_MARKETO = '$[*] ? (@.side == "marketo" && (@.state == "sent" || @.state == "answered"))';
const OPEN_DYNAMICS = '$[*] ? (@.side == "dynamics" && @.state == "sent")';

/** A link that ended, of which its person is still to be told something. */
export const IS_OWED = sql`links.status = 'ended' and (links.stamp is not null or links.parked <> '{}')`;
/** What is set on one of which nothing that was under way or set aside counts any more. */
export const SETTLED = sql`writes = '[]', overtaken = '{}', parked = '{}', check_at = null`;
/** What is set on one where nothing is to be told any more. */
export const FORGOTTEN = sql`stamp = null, ${SETTLED}, dirty = false, version = links.version + 1`;

/**
 * Persons that get a row again are not to be flagged any more for the one that they lost, and what the creation of one was
 * refused for is over.
 */
export const forgetFormer = async (db: Database, marketoIds: readonly number[]): Promise<void> => {
  if (marketoIds.length === 0) return;
  await sql`update links set ${FORGOTTEN}
    where marketo_id = any(${[...marketoIds]}::bigint[]) and ${IS_OWED}`.execute(db);
};

/** Links of a table that park one of these fields, in order of id. */
export const linksParking = async (
  db: Database,
  kind: Kind,
  fields: readonly string[],
  after: number,
  limit: number,
): Promise<Link[]> => {
  const { rows } = await sql<Selectable<LinksTable>>`
    select * from links where kind = ${kind} and parked <> '{}' and parked ?| ${[...fields]}::text[] and id > ${after}
    order by id limit ${limit}`.execute(db);
  return rows.map(linkOf);
};

/**
 * Takes fields up again that may be written by now, on all links of a table that had set them aside, and on those that hold
 * a value of Marketo which could not go across.
 */
export const takeUpWritable = async (db: Database, kind: Kind, fields: readonly string[]): Promise<void> => {
  for (const field of fields) {
    await sql`
      update links set parked = parked - ${field}::text, dirty = true, version = version + 1
      where kind = ${kind} and status = 'linked' and case when parked ? ${field}
        then parked -> ${field} ->> 'reason' = 'quarantined' and parked -> ${field} ->> 'because' is null
        else not agreed -> 'marketo' ? ${field} or seen -> 'marketo' ? ${field} end`.execute(db);
  }
};

/** A chunk of a cycle's dirty links, of about `size` links each. */
export const dirtyRanges = async (db: Database, size: (dirty: number) => number): Promise<LinkRange[]> => {
  const { count } = await db
    .selectFrom('links')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('dirty', '=', true)
    .executeTakeFirstOrThrow();
  if (count === 0) return [];
  const { rows } = await sql<LinkRange>`
    select min(id) as "from", max(id) as "to" from (
      select id, (row_number() over (order by id) - 1) / ${size(count)}::int as chunk from links where dirty
    ) as numbered group by chunk order by 1`.execute(db);
  return rows;
};
