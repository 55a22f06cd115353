import { sql, type Kysely } from 'kysely';

/** Stops of the guard on mass change: why, since when, and what people decided. */
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql`create table guard_stops (
    id bigint generated always as identity primary key,
    first_cycle integer not null,
    last_cycle integer not null,
    -- what is exceeded, with counts, examples and a value that is written everywhere
    reasons jsonb not null,
    raised_at timestamptz not null default clock_timestamp(),
    decision text check (decision in ('go-on', 'discard')),
    decided_at timestamptz,
    note text,
    -- the cycle that lets the change through by that decision, until it has ended
    through_cycle integer,
    outcome text check (outcome in ('went-on', 'discarded', 'passed', 'outgrown', 'switched-off')),
    closed_at timestamptz
  )`.execute(db);
  // One stop at a time.
  await sql`create unique index guard_stops_open on guard_stops ((true)) where closed_at is null`.execute(db);
};
