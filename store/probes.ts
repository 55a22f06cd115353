import { sql } from 'kysely';
import type { Database } from './database.js';

/** A cause of which some records are to be tried again. */
export interface Probe {
  readonly cause: string;
  /** How many records, those first that were not tried for the longest time. */
  readonly portion: number;
}

/** The first portion tells whether the cause is mended; the second, whether it is so for more than one record. */
const SECOND_PORTION = 1_000;
const LATER_PORTION = 10_000;

/**
 * Takes the causes that are due, each for one worker: those whose last trials went through at once, with a larger
 * portion; the others `everyMs` after their last trial, with one record.
 */
export const takeProbes = async (db: Database, everyMs: number): Promise<Probe[]> => {
  const every = sql`${everyMs} * interval '1 millisecond'`;
  const mended = await sql<Probe>`
    update probes set probed_at = clock_timestamp(), due_at = clock_timestamp() + ${every},
      portion = case when portion = 1 then ${SECOND_PORTION}::int else ${LATER_PORTION}::int end
    from (
      select tried.cause, probed_at as before from probes as tried
      join rejections on rejections.cause = tried.cause and tried_at >= probed_at
      group by tried.cause, probed_at
      having bool_or(passed)
        and count(*) filter (where passed) >= count(*) filter (where closed_at is null and not on_trial)
    ) as judged
    where probes.cause = judged.cause and probed_at = judged.before
    returning probes.cause, portion`.execute(db);
  const due = await sql<Probe>`
    update probes set probed_at = clock_timestamp(), due_at = clock_timestamp() + ${every}, portion = 1
    where due_at <= clock_timestamp()
    returning cause, portion`.execute(db);
  await sql`
    update probes set due_at = ${every} + (
      select min(at) from rejections where rejections.cause = probes.cause and closed_at is null)
    where due_at is null
      and exists (select from rejections where rejections.cause = probes.cause and closed_at is null)`.execute(
    db,
  );
  return [...mended.rows, ...due.rows];
};

/** A refusal that is to be tried again, and the link that parks it. */
export interface Tried {
  readonly id: string;
  readonly linkId: number;
}

/** Open refusals of one cause that may be tried again, those first that were not tried for the longest time. */
export const untriedRejections = async (db: Database, cause: string, limit: number): Promise<Tried[]> => {
  const { rows } = await sql<{ id: string; link_id: number }>`
    select rejections.id, link_id from rejections join links on links.id = link_id
    where cause = ${cause} and closed_at is null and not on_trial and links.status in ('linked', 'unmatched')
      -- nothing would come of a trial out of scope
      and links.out_of_scope is null
    order by coalesce(tried_at, at), rejections.id limit ${limit}`.execute(db);
  return rows.map(({ id, link_id: linkId }) => ({ id, linkId }));
};

export const markTried = async (db: Database, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return;
  await db
    .updateTable('rejections')
    .set({ on_trial: true, tried_at: sql<Date>`clock_timestamp()` })
    .where('id', 'in', ids)
    .where('closed_at', 'is', null)
    .execute();
};

/** A cause without open refusals waits for the next one. */
export const restProbe = async (db: Database, cause: string): Promise<void> => {
  await sql`
    update probes set due_at = null where cause = ${cause}
      and not exists (select from rejections where rejections.cause = probes.cause and closed_at is null)`.execute(
    db,
  );
};
