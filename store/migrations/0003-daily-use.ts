import { sql, type Kysely } from 'kysely';

/** The day's use of a remote's daily quota, beside its pace: both change in one statement. */
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql`
    alter table budgets
      -- by the zone of the quota; the counts are of this day
      add column day date,
      add column day_ours integer not null default 0,
      -- what the remote counted when last asked, less our own calls before the question
      add column day_others integer not null default 0,
      add column day_read_at timestamptz,
      add column day_unread text,
      add column day_quota integer`.execute(db);
};
