import { sql, type RawBuilder } from 'kysely';
import { QUOTA_ZONE } from '../rules/quota-day.js';
import type { IsoInstant, Side } from '../rules/terms.js';
import type { Database } from './database.js';

/** The day of `at`, by the zone in which quotas are counted. */
export const dayOf = (at: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`(${at} at time zone ${sql.lit(QUOTA_ZONE)})::date`;

/**
 * Whether the counts of a row are of another day than `today`. A clock that was set back over midnight goes on with the
 * day that had begun; one that had been far ahead does not keep its day for ever.
 */
export const isOver = (today: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`(day is null or ${today} not between day - 1 and day)`;

/** How the day stood when the remote was about to be asked. */
export interface DayMark {
  /** As `2026-11-20`. */
  readonly day: string;
  readonly ours: number;
}

/** What is known of the day's use. */
export interface DayUse {
  /** Of all integrations: the last reading and our own calls since. */
  readonly used: number;
  readonly ours: number;
  /** Null: nobody has said yet. */
  readonly quota: number | null;
  /** Null: the remote has not told today, so that the calls of others are not known. */
  readonly readAt: IsoInstant | null;
  /** Code of the failure, when the remote did not tell when it was last asked. */
  readonly unread: string | null;
}

const clock = (now: (() => Date) | undefined): RawBuilder<unknown> =>
  now === undefined ? sql`clock_timestamp()` : sql`${now()}::timestamptz`;

/** To be taken before the remote is asked: our calls from now on are not, or not surely, in its count. */
export const markDay = async (db: Database, remote: Side, now?: () => Date): Promise<DayMark> => {
  const today = dayOf(clock(now));
  const { rows } = await sql<DayMark>`
    select (case when ${isOver(sql`today`)} then today else day end)::text as day,
      case when ${isOver(sql`today`)} then 0 else day_ours end as ours
    from (select ${today} as today) as clock left join budgets on remote = ${remote}`.execute(db);
  const [mark] = rows;
  if (mark === undefined) throw new Error('a query without a condition found no row');
  return mark;
};

/**
 * Keeps what the remote counted of the day of `mark`, unless that is over. Our own calls always count in full, whether or
 * not the remote has counted them yet.
 *
 * A count that the remote labels as of another day is told as not read. If its day is the next one (its midnight comes
 * before ours), what it counts is a part of our day, so the others made at least that many calls. If it is an earlier one,
 * nobody knows how much of it is ours.
 *
 * @param count.day by the remote's own word, if it says so.
 */
export const noteDayUse = async (
  db: Database,
  remote: Side,
  mark: DayMark,
  count: { readonly day: string | undefined; readonly total: number },
  now?: () => Date,
): Promise<void> => {
  const labelled = count.day ?? mark.day;
  const ofDay = labelled === mark.day;
  if (!ofDay) await noteDayUnread(db, remote, `usage is labelled ${labelled}`);
  if (labelled < mark.day) return;
  const others = Math.max(0, count.total - mark.ours);
  await sql`
    insert into budgets (remote, day, day_others, day_read_at)
    select ${remote}, ${mark.day}::date, ${others}::integer, case when ${ofDay} then at end
    from (select ${clock(now)} as at) as clock where ${dayOf(sql`at`)} = ${mark.day}::date
    on conflict (remote) do update set
      day = excluded.day,
      day_ours = case when budgets.day = excluded.day then budgets.day_ours else 0 end,
      day_others = case when ${ofDay} or budgets.day is distinct from excluded.day then excluded.day_others
        else greatest(budgets.day_others, excluded.day_others) end,
      day_read_at = case when ${ofDay} then excluded.day_read_at
        when budgets.day = excluded.day then budgets.day_read_at end,
      day_unread = case when ${ofDay} then null else budgets.day_unread end`.execute(db);
};

/** Keeps that the remote does not tell the day's use, and why, for people to see. */
export const noteDayUnread = async (db: Database, remote: Side, code: string): Promise<void> => {
  await sql`
    insert into budgets (remote, day_unread) values (${remote}, ${code})
    on conflict (remote) do update set day_unread = excluded.day_unread`.execute(db);
};

/** The day's use as it is known now, or `undefined` before the first call. */
export const readDayUse = async (
  db: Database,
  remote: Side,
  now?: () => Date,
): Promise<DayUse | undefined> => {
  const { rows } = await sql<{
    ours: number;
    others: number;
    quota: number | null;
    read_at: Date | null;
    unread: string | null;
  }>`
    select case when ended then 0 else day_ours end as ours, case when ended then 0 else day_others end as others,
      case when ended then null else day_read_at end as read_at, day_unread as unread, day_quota as quota
    from (select *, ${isOver(dayOf(clock(now)))} as ended from budgets where remote = ${remote}) as budget`.execute(
    db,
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { ours, others, quota, read_at: readAt, unread } = row;
  return { used: ours + others, ours, quota, readAt: readAt?.toISOString() ?? null, unread };
};
