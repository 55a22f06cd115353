import { sql, type Kysely } from 'kysely';

/** When a pause and a lease began: a clock that is set back before that gives each its own length again, and no more. */
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql`alter table budgets add column paused_at timestamptz`.execute(db);
  await sql`alter table call_slots add column held_from timestamptz`.execute(db);
};
