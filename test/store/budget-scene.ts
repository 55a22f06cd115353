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
