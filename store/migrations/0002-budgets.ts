import { sql, type Kysely } from 'kysely';

export const up = async (db: Kysely<never>): Promise<void> => {
  await sql`
    create table budgets (
      remote text primary key,
      -- GCRA: the theoretical arrival time of the next call
      arrival timestamptz not null default 'epoch',
      paused_until timestamptz,
      parallelism integer check (parallelism >= 1)
    )`.execute(db);
  await sql`
    create table call_slots (
      remote text not null,
      slot integer not null check (slot >= 0),
      holder uuid,
      held_until timestamptz,
      primary key (remote, slot),
      check ((holder is null) = (held_until is null))
    )`.execute(db);
};
