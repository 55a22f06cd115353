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

/** Real processes on a machine that may be busy; no assertion depends on how long they take. */
const PATIENCE = { timeout: 180_000 };

const seeds = fc.integer({ min: 1, max: 1_000_000 });
/**
 * No more calls than a burst and two follow each other within 400 ms, so that of five callers whose calls take no longer
 * one always waits. What is used when nobody waits is nobody's fault.
 */
const lanes = fc.array(fc.constantFrom<Lane>('on-demand', 'cycle', 'backfill'), {
  minLength: 6,
  maxLength: 8,
});
const SHORT_CALLS = { least: 20, most: 400 };
/** Bursts of on-demand before lanes that have none: with a burst too large, these fall below the 95 %. */
const COSTLY: [number, number, Lane[]][] = [
  [1, 1, ['on-demand', 'cycle', 'on-demand', 'backfill', 'on-demand', 'backfill']],
  [2, 827_370, ['on-demand', 'backfill', 'cycle', 'cycle', 'cycle', 'cycle']],
  [4, 1, ['on-demand', 'backfill', 'backfill', 'backfill', 'backfill', 'backfill']],
];

describe('Under load, one, two or four processes in virtual time', PATIENCE, () => {
  it('never exceed the limit, in windows that slide or stand, and use 95 % of it in each', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(1, 1, 2, 2, 4), seeds, lanes, async (count, seed, mix) => {
        await emptied(DEADLINE_MS);
        const jobs = Array.from({ length: count }, (_, index) =>
          jobOf({ seed: seed + index, lanes: mix, callMs: SHORT_CALLS }),
        );
        await runVirtually(processes.slice(0, count), jobs, START + 1.06 * WINDOW_MS);
        const grants = await grantsIn(storeAt(0).db);
        expectWithin(grants, WHOLE);
        expect(idlestWindow(grants, WINDOW_MS)).toBeGreaterThanOrEqual(0.95 * WHOLE.calls);
      }),
      { numRuns: 10, examples: COSTLY },
    );
  });
});

describe('Four processes in virtual time', PATIENCE, () => {
  it('get their turns alike, by lane and not by process', async () => {
    await emptied(DEADLINE_MS);
    const mix: readonly Lane[] = ['cycle', 'cycle', 'cycle', 'backfill'];
    const jobs = processes.map((_, index) => jobOf({ seed: 11 + index, lanes: mix }));
    const jobsOnDemand = jobs.map((job, index) =>
      index === 3 ? { ...job, lanes: ['on-demand', ...mix] as const } : job,
    );
    const made = await runVirtually(processes, jobsOnDemand, START + 0.8 * WINDOW_MS);
    const all = made.flat();
    expect(overtakings(all, 'on-demand', 'cycle')).toEqual([]);
    expect(overtakings(all, 'on-demand', 'backfill')).toEqual([]);
    expect(overtakings(all, 'cycle', 'backfill')).toEqual([]);
    expect(all.filter(({ lane }) => lane === 'on-demand').length).toBeGreaterThan(20);
    const ofCycle = made.map((calls) => calls.filter(({ lane }) => lane === 'cycle').length);
    const fair = ofCycle.reduce((sum, calls) => sum + calls, 0) / processes.length;
    // By chance, not by order: a process that was never served would have none.
    expect(Math.min(...ofCycle)).toBeGreaterThan(fair / 3);
  });

  it('let backfill move as soon as the cycle leaves room', async () => {
    await emptied(DEADLINE_MS);
    const half = START + WINDOW_MS / 2;
    const jobs = processes.slice(0, 2).map((_, index) =>
      jobOf({
        seed: 21 + index,
        lanes: index === 0 ? ['cycle', 'cycle', 'cycle'] : Array<Lane>(6).fill('backfill'),
      }),
    );
    const idle = {
      at: half,
      run: ([first]: readonly CallingProcess[]) => first?.send({ do: 'lanes', lanes: [] }),
    };
    const [, backfill = []] = await runVirtually(processes.slice(0, 2), jobs, START + WINDOW_MS, [idle]);
    const before = backfill.filter(({ started }) => started < half);
    const after = backfill.filter(({ started }) => started > half + 2_000);
    // Its first calls found the whole burst; then the cycle took all.
    expect(before.length).toBeLessThanOrEqual(3);
    // 8 s at the pace of the limit, less what a lane without a burst loses by rounding.
    expect(after.length).toBeGreaterThanOrEqual(0.9 * 8 * (WHOLE.calls / 20));
  });

  it('all rest when one was told to, and go on together', async () => {
    await emptied(DEADLINE_MS);
    const jobs = processes.map((_, index) => jobOf({ seed: 31 + index }));
    const told = START + 3_000;
    const pause = {
      at: told,
      run: async ([first]: readonly CallingProcess[]) => {
        await first?.tick(told);
        first?.send({ do: 'pause', ms: 10_000 });
        await first?.tick(told);
      },
    };
    await runVirtually(processes, jobs, START + 15_000, [pause]);
    const grants = await grantsIn(storeAt(0).db);
    expect(grants.some((at) => at < told)).toBe(true);
    expect(grants.filter((at) => at > told && at < told + 10_000)).toEqual([]);
    expect(grants.filter((at) => at >= told + 10_000).length).toBeGreaterThan(5);
    expectWithin(grants, WHOLE);
  });

  it('of two installations on one instance keep its limit together, each with half of it', async () => {
    await emptied(DEADLINE_MS);
    const limits = { ...WHOLE, share: 0.5 };
    const pair = processes.slice(0, 2);
    const jobs = pair.map((_, index) => jobOf({ url: storeAt(index).fresh.url, limits, seed: 41 + index }));
    await runVirtually(pair, jobs, START + 1.2 * WINDOW_MS);
    const grants = await Promise.all(stores.map(({ db }) => grantsIn(db)));
    for (const own of grants) {
      expectWithin(own, limits);
      expect(own.length).toBeGreaterThanOrEqual(0.9 * 1.2 * 50);
    }
    expectWithin(inOrder(grants), WHOLE);
  });
});

/** Ends the connections of all processes to the store while each of them is being asked for a call. */
const cutOff = async ({ db }: Store): Promise<void> => {
  const asking = sql<{ count: number }>`
    select count(*)::integer as count from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  await db.transaction().execute(async (transaction) => {
    await sql`select from budgets for update`.execute(transaction);
    await eventually('every process asks for a call', async () => {
      const { rows } = await asking.execute(db);
      return rows[0]?.count === processes.length;
    });
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`.execute(transaction);
  });
};

describe('Processes that are killed', PATIENCE, () => {
  it('or cut off the store, in real time, never exceed the limits, and nobody starves', async () => {
    const limits = {
      ...{ calls: 100, windowMs: 1_000, burst: 10, concurrency: 6, share: 1, driftMs: 0 },
      onDemandReserve: { callsPerWindow: 2, slots: 1 },
    };
    const deadlineMs = 2_000;
    await emptied(deadlineMs);
    const { db } = storeAt(0);
    const seen = countingRemote(processes);
    const real = jobOf({ limits, deadlineMs, callMs: { least: 1, most: 30 }, virtualStart: null });
    const start = (index: number): Promise<void> =>
      processes[index]?.begin({ ...real, seed: 51 + index }) ?? Promise.resolve();
    await Promise.all(processes.map((_process, index) => start(index)));
    const made = (least: number): Promise<void> =>
      eventually(`${String(least)} calls of each process`, () =>
        processes.every(({ calls, alive }) => calls >= least || !alive),
      );
    await made(15);
    await cutOff(storeAt(0));
    await made(20);
    await processes[3]?.kill();
    const atDeath = processes.map(({ calls }) => calls);
    await made(Math.max(...atDeath) + 30);
    const reports = await Promise.all(processes.slice(0, 3).map((process) => process.stop()));
    for (const { errors } of reports) expect(errors).toBeGreaterThan(0);
    expect(seen.most).toBeGreaterThan(1);
    expect(seen.most).toBeLessThanOrEqual(limits.concurrency);
    expectWithin(await grantsIn(db), limits);
  });

  it('leave their slots to the others at the deadline of their calls', async () => {
    await emptied(DEADLINE_MS);
    // Few slots, so that those of the dead are missed: long calls, and on-demand may hold them all.
    const limits = { ...WHOLE, concurrency: 4, onDemandReserve: { callsPerWindow: 2, slots: 1 } };
    const job = {
      limits,
      lanes: ['cycle', 'cycle', 'cycle', 'cycle'] as const,
      callMs: { least: 700, most: 900 },
    };
    const three = processes.slice(0, 3);
    const jobs = three.map((_, index) => jobOf({ ...job, seed: 61 + index }));
    const killed = START + 4_000;
    const death = { at: killed, run: () => processes[2]?.kill() };
    const made = await runVirtually(three, jobs, START + 12_000, [death]);
    expect(made).toHaveLength(2);
    const grants = await grantsIn(storeAt(0).db);
    expectWithin(grants, limits);
    // Three slots of the cycle and calls of 0.8 s: as fast after the deadline as before the death.
    const paceIn = (from: number, to: number): number =>
      grants.filter((at) => at >= from && at < to).length / (to - from);
    const before = paceIn(START, killed);
    expect(paceIn(killed + DEADLINE_MS, START + 12_000)).toBeGreaterThan(0.8 * before);
  });
});
