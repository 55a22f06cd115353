import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import type { CallLimits } from '../../rules/call-limits.js';
import type { Answer, Lease } from '../../store/budget-statements.js';
import { migrate, openDatabase, type Database } from '../../store/database.js';
import { freshDatabase, type FreshDatabase } from '../support/database.js';

export interface TwoProcesses {
  readonly url: string;
  readonly db: Database;
  /** A second process: the database is all that it shares with the first. */
  readonly other: Database;
}

/** Two connections to a database with empty budgets before each test of the file. */
export const twoProcesses = (): TwoProcesses => {
  let fresh: FreshDatabase | undefined;
  const opened: Database[] = [];
  const at = (index: number): Database => opened[index] ?? expect.fail('the database is not open yet');
  beforeAll(async () => {
    fresh = await freshDatabase();
    opened.push(openDatabase(fresh.url), openDatabase(fresh.url));
    await migrate(at(0));
  });
  beforeEach(async () => {
    await sql`truncate budgets, call_slots`.execute(at(0));
  });
  afterAll(async () => {
    await Promise.all(opened.map((db) => db.destroy()));
    await fresh?.drop();
  });
  return {
    get url() {
      return fresh?.url ?? expect.fail('there is no database yet');
    },
    get db() {
      return at(0);
    },
    get other() {
      return at(1);
    },
  };
};

/** Five calls at the same time, four for the cycle, three for backfill; a rate that is never in the way. */
export const FIVE_SLOTS = {
  calls: 100_000,
  windowMs: 1_000,
  burst: 1_000,
  concurrency: 5,
  share: 1,
  onDemandReserve: { callsPerWindow: 10, slots: 1 },
} as const satisfies CallLimits;

const startOfTime = Date.UTC(2026, 0, 1);
/** A clock that moves when the test says so. */
export const clockAt = (ms = 0) => {
  let now = startOfTime + ms;
  return { now: () => new Date(now), pass: (passed: number) => (now += passed), micros: () => now * 1_000 };
};

export const leaseOf = (answer: Answer): Lease => answer.lease ?? expect.fail(`no lease: ${answer.lack}`);

/** Notes the time of every grant, exactly as the statement took it, for a judge that trusts no stopwatch. */
export const noteGrants = async (db: Database, deadlineMs: number): Promise<void> => {
  await sql`
    drop table if exists grants;
    drop function if exists note_grant cascade;
    create table grants (at timestamptz);
    create function note_grant() returns trigger language plpgsql as $$
    begin
      if new.held_until is not null then
        insert into grants values (new.held_until - ${sql.lit(deadlineMs)} * interval '1 millisecond');
      end if;
      return new;
    end $$;
    create trigger note_grant after update on call_slots for each row execute function note_grant()`.execute(
    db,
  );
};

/** Milliseconds since the epoch, with fractions, in order. */
export const grantsIn = async (db: Database): Promise<number[]> => {
  const query = sql<{ at: number }>`
    select (extract(epoch from at) * 1000)::float8 as at from grants order by grants.at`;
  return (await query.execute(db)).rows.map(({ at }) => at);
};

/** The most calls in any window that holds both of its ends: the strictest way in which a remote can count. */
export const busiestSlidingWindow = (times: readonly number[], windowMs: number): number => {
  let from = 0;
  let busiest = 0;
  times.forEach((time, index) => {
    while (time - (times[from] ?? time) > windowMs) from += 1;
    busiest = Math.max(busiest, index - from + 1);
  });
  return busiest;
};

const fixedWindows = (times: readonly number[], windowMs: number, begin: number): Map<number, number> => {
  const counts = new Map<number, number>();
  for (const time of times) {
    const window = Math.floor((time - begin) / windowMs);
    counts.set(window, (counts.get(window) ?? 0) + 1);
  }
  return counts;
};

/** The most calls in windows that follow each other, wherever the first one begins. */
export const busiestFixedWindow = (times: readonly number[], windowMs: number): number =>
  Math.max(
    ...Array.from({ length: 20 }, (_, part) =>
      Math.max(...fixedWindows(times, windowMs, (times[0] ?? 0) + (part / 20) * windowMs).values()),
    ),
  );

/** The fewest calls in any window that lies within the span of `times`: what a limit was used for at worst. */
export const idlestWindow = (times: readonly number[], windowMs: number): number => {
  const last = times.at(-1) ?? 0;
  // The emptiest window begins just after a call.
  const counts = times
    .filter((time) => time + windowMs < last)
    .map((time) => times.filter((other) => other > time && other <= time + windowMs).length);
  return Math.min(...counts);
};
