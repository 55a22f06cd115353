import { setTimeout } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CycleActivities } from '../../activities/contract.js';
import { begin, complete, openChunks } from '../../activities/cycle.js';
import { buildCycleId, buildCycleQueue, CYCLE_CRON } from '../../config/names.js';
import { markActive } from '../../store/cycles.js';
import { migrate, openDatabase, type Database } from '../../store/database.js';
import type { CycleProgress } from '../../workflows/names.js';
import { freshDatabase, type FreshDatabase } from '../support/database.js';
import { newInstallation, temporalServer } from './servers.js';
import { fakeSteps } from './steps.js';

const server = temporalServer('dev');
const SHORT_REST = 300;
const LONG_REST = 300_000;

let fresh: FreshDatabase;
let db: Database;
let restMs = SHORT_REST;
beforeAll(async () => {
  fresh = await freshDatabase();
  db = openDatabase(fresh.url);
  await migrate(db);
});
afterAll(async () => {
  await db.destroy();
  await fresh.drop();
});

beforeEach(async () => {
  restMs = SHORT_REST;
  await db.deleteFrom('cycles').execute();
});

const waitFor = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 15_000, interval: 100 });

const completed = async () =>
  db.selectFrom('cycles').selectAll().where('completed_at', 'is not', null).orderBy('number').execute();

/** The chain of runs of one workflow id, oldest first, as the server lists them. */
const runsOf = async (workflowId: string) => {
  const runs = [];
  for await (const run of server.env.client.workflow.list({ query: `WorkflowId = '${workflowId}'` }))
    runs.push(run);
  return runs.reverse();
};

/** Without a cache the server need not find out that the worker that knew the run is gone. */
const stateless = { maxCachedWorkflows: 0 };

/** The real steps that count time, on the real store; `steps` beside them. */
const storeSteps = (steps: Partial<CycleActivities> = {}): CycleActivities =>
  fakeSteps({
    begin: () => begin({ db, timing: { restMs, takeoverMs: 30_000 } }),
    prepare: ({ cycle, at }) => markActive(db, cycle, at),
    openChunks: (input) => openChunks({ db }, input),
    complete: (input) => complete({ db, guard: null }, input),
    ...steps,
  }).activities;

const startChain = async () => {
  const installation = newInstallation();
  const workflowId = buildCycleId(installation);
  const taskQueue = buildCycleQueue(installation);
  await server.env.client.workflow.start('syncCycle', { taskQueue, workflowId, cronSchedule: CYCLE_CRON });
  return { workflowId, taskQueue, handle: server.env.client.workflow.getHandle(workflowId) };
};

describe('The chain on a real server', () => {
  it('ticks on after a failed cycle, never runs twice at once, answers during the rest, and stays RUNNING', async () => {
    let open = 0;
    let most = 0;
    const steps = storeSteps({
      begin: async () => {
        most = Math.max(most, (open += 1));
        return begin({ db, timing: { restMs, takeoverMs: 30_000 } });
      },
      openChunks: (input) => {
        if (input.cycle !== 2) return openChunks({ db }, input);
        throw ApplicationFailure.nonRetryable('Dynamics: Forbidden (403)', 'Forbidden');
      },
      complete: async (input) => {
        open -= 1;
        if (input.cycle === 3) restMs = LONG_REST;
        await complete({ db, guard: null }, input);
      },
    });
    const { workflowId, taskQueue, handle } = await startChain();
    const worker = await server.worker(taskQueue, steps);
    await worker.runUntil(async () => {
      await waitFor(async () => expect(await completed()).toHaveLength(3));
      expect(most).toBe(1);
      expect((await completed()).map(({ outcome }) => outcome)).toEqual(['completed', 'failed', 'completed']);

      // Between two ticks a query waits for the next one; within the rest it is answered at once.
      await waitFor(async () => expect((await handle.query<CycleProgress>('progress')).step).toBe('rest'));
      const asked = Date.now();
      const progress = await handle.query<CycleProgress>('progress');
      expect(Date.now() - asked).toBeLessThan(1_000);
      const ended = (await completed()).at(-1)?.completed_at?.getTime() ?? NaN;
      expect(progress).toMatchObject({ cycle: 4, restUntil: new Date(ended + LONG_REST).toISOString() });

      expect((await handle.describe()).status.name).toBe('RUNNING');
      await waitFor(async () => expect(await runsOf(workflowId)).toHaveLength(4));
      const runs = await runsOf(workflowId);
      expect(runs.map(({ status }) => status.name)).toEqual(['COMPLETED', 'FAILED', 'COMPLETED', 'RUNNING']);
      runs.slice(1).forEach(({ startTime }, index) => {
        expect(startTime.getTime()).toBeGreaterThanOrEqual(runs[index]?.closeTime?.getTime() ?? NaN);
      });
      await handle.terminate();
    });
  });

  it('makes no missed cycle up when the worker was away for ten rests', async () => {
    const { taskQueue, handle } = await startChain();
    const cyclesReach = (count: number) =>
      waitFor(async () => expect((await completed()).length).toBeGreaterThanOrEqual(count));
    const before = await server.worker(taskQueue, storeSteps(), stateless);
    await before.runUntil(cyclesReach(1));
    const { length: done } = await completed();
    await setTimeout(10 * SHORT_REST);
    const back = Date.now();
    const after = await server.worker(taskQueue, storeSteps(), stateless);
    await after.runUntil(cyclesReach(done + 3));
    await handle.terminate();
    const late = (await completed()).slice(done);
    expect(late[0]?.started_at?.getTime()).toBeGreaterThanOrEqual(back);
    late.slice(1).forEach(({ started_at }, index) => {
      const ended = late[index]?.completed_at?.getTime() ?? NaN;
      expect(started_at?.getTime()).toBeGreaterThanOrEqual(ended + SHORT_REST);
    });
  });
});
