import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MARKETO_LIMITS, sharedCalls, type CallLimits } from '../../rules/call-limits.js';
import type { Lane } from '../../rules/terms.js';
import { migrate, openDatabase, type Database } from '../../store/database.js';
import type { Job, MadeCall } from '../support/budget-caller.js';
import { CallingProcess, countingRemote, runVirtually } from '../support/budget-processes.js';
import { freshDatabase, type FreshDatabase } from '../support/database.js';
import { eventually } from '../support/running.js';
import {
  busiestFixedWindow,
  busiestSlidingWindow,
  grantsIn,
  idlestWindow,
  noteGrants,
} from './budget-scene.js';

/** The real limits, whole: a window of 20 s, of which virtual time costs nothing. */
const WHOLE = { ...MARKETO_LIMITS, share: 1 };
const WINDOW_MS = WHOLE.windowMs;
const START = Date.UTC(2026, 0, 15, 18);
const DEADLINE_MS = 3_000;

interface Store {
  readonly fresh: FreshDatabase;
  readonly db: Database;
}

const openStore = async (): Promise<Store> => {
  const fresh = await freshDatabase();
  const db = openDatabase(fresh.url, { connections: 2 });
  await migrate(db);
  return { fresh, db };
};

let stores: Store[];
let processes: CallingProcess[];
beforeAll(async () => {
  stores = await Promise.all([openStore(), openStore()]);
  processes = await Promise.all([1, 2, 3, 4].map(() => CallingProcess.start()));
});
afterAll(async () => {
  await Promise.all(processes.map((process) => process.kill()));
  await Promise.all(stores.map(({ db }) => db.destroy()));
  await Promise.all(stores.map(({ fresh }) => fresh.drop()));
});

const storeAt = (index: number): Store => stores[index] ?? expect.fail('there are two stores');

const emptied = async (deadlineMs: number): Promise<void> => {
  for (const { db } of stores) {
    await sql`truncate budgets, call_slots`.execute(db);
    await noteGrants(db, deadlineMs);
  }
};

const jobOf = (job: Partial<Job>): Job => ({
  url: storeAt(0).fresh.url,
  limits: WHOLE,
  lanes: ['on-demand', 'cycle', 'cycle', 'cycle', 'backfill'],
  callMs: { least: 20, most: 800 },
  deadlineMs: DEADLINE_MS,
  seed: 1,
  virtualStart: START,
  ...job,
});

const inOrder = (grants: readonly number[][]): number[] => grants.flat().toSorted((a, b) => a - b);

const expectWithin = (grants: readonly number[], limits: CallLimits): void => {
  expect(busiestSlidingWindow(grants, limits.windowMs)).toBeLessThanOrEqual(sharedCalls(limits));
  expect(busiestFixedWindow(grants, limits.windowMs)).toBeLessThanOrEqual(sharedCalls(limits));
};

/** Nobody of a later lane started while somebody of an earlier one had been waiting for longer than the leeway. */
const overtakings = (calls: readonly MadeCall[], first: Lane, second: Lane): MadeCall[] => {
  const waits = calls.filter(({ lane }) => lane === first);
  return calls.filter(
    ({ lane, started }) =>
      lane === second && waits.some((wait) => wait.asked + 60 < started && started < wait.started),
  );
};

const seeds = fc.integer({ min: 1, max: 1_000_000 });
const lanes = fc.array(fc.constantFrom<Lane>('on-demand', 'cycle', 'cycle', 'backfill'), {
  minLength: 4,
  maxLength: 7,
});

describe.each([1, 2, 4])('Under load, %i process(es) in virtual time', (count) => {
  it('never exceed the limit, in windows that slide or stand, and use 95 % of it in each', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, lanes, async (seed, mix) => {
        await emptied(DEADLINE_MS);
        // One caller of the cycle at least, which may use its burst: what waits for its turn is never late.
        const jobs = Array.from({ length: count }, (_, index) =>
          jobOf({ seed: seed + index, lanes: ['cycle', ...mix] }),
        );
        await runVirtually(processes.slice(0, count), jobs, START + 2.2 * WINDOW_MS);
        const grants = await grantsIn(storeAt(0).db);
        expectWithin(grants, WHOLE);
        expect(idlestWindow(grants, WINDOW_MS)).toBeGreaterThanOrEqual(0.95 * WHOLE.calls);
      }),
      { numRuns: 1 },
    );
  });
});
