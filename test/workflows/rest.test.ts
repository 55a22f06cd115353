import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { begin, complete, openChunks } from '../../activities/cycle.js';
import type { CycleActivities, CycleRef } from '../../activities/contract.js';
import { buildCycleId, buildCycleQueue } from '../../config/names.js';
import { markActive } from '../../store/cycles.js';
import { migrate, openDatabase, type Database } from '../../store/database.js';
import { freshDatabase, type FreshDatabase } from '../support/database.js';
import { newInstallation, temporalServer } from './servers.js';
import { fakeSteps } from './steps.js';

const server = temporalServer('time-skipping');

/** The time-skipping server does not know `@every 1s`: a tick a minute is as good, since the rest is not the cron's. */
const CRON = '* * * * *';
const MINUTE = 60_000;
const REST = 5 * MINUTE;
/** What the server needs to give out a task; real time, during which the test's clock runs too. */
const AT_ONCE = 2_000;

let fresh: FreshDatabase;
let db: Database;
beforeAll(async () => {
  fresh = await freshDatabase();
  db = openDatabase(fresh.url);
  await migrate(db);
});
afterAll(async () => {
  await db.destroy();
  await fresh.drop();
});
beforeEach(() => db.deleteFrom('cycles').execute());

/** The real steps that count time, on the real store; between them a cycle with nothing to do. */
const storeSteps = (steps: Partial<CycleActivities> = {}): CycleActivities =>
  fakeSteps({
    begin: () => begin({ db, timing: { restMs: REST, takeoverMs: 30_000 } }),
    prepare: ({ cycle, at }) => markActive(db, cycle, at),
    openChunks: (input) => openChunks({ db }, input),
    complete: (input) => complete({ db, guard: null }, input),
    ...steps,
  }).activities;

interface Chain {
  readonly handle: () => WorkflowHandle;
  /** Lets time pass while a worker with these steps is there. */
  readonly work: (time: string, steps?: Partial<CycleActivities>) => Promise<void>;
  readonly start: () => Promise<void>;
  readonly terminate: () => Promise<void>;
}

const withChain = async (test: (chain: Chain) => Promise<void>): Promise<void> => {
  const { env } = server;
  const installation = newInstallation();
  const taskQueue = buildCycleQueue(installation);
  const handle = () => env.client.workflow.getHandle(buildCycleId(installation));
  const chain: Chain = {
    handle,
    work: async (time, steps) => {
      const worker = await server.worker(taskQueue, storeSteps(steps), { maxCachedWorkflows: 0 });
      await worker.runUntil(() => env.sleep(time as '1 minute'));
    },
    start: async () => {
      const workflowId = buildCycleId(installation);
      await env.client.workflow.start('syncCycle', { taskQueue, workflowId, cronSchedule: CRON });
    },
    terminate: async () => {
      await handle().terminate();
    },
  };
  await chain.start();
  try {
    await test(chain);
  } finally {
    await chain.terminate();
  }
};

interface Cycle {
  readonly number: number;
  readonly outcome: string | null;
  readonly started: number;
  readonly ended: number;
}

/** The cycles that started, in order of their numbers. */
const cycles = async (): Promise<Cycle[]> => {
  const rows = await db
    .selectFrom('cycles')
    .selectAll()
    .where('started_at', 'is not', null)
    .orderBy('number')
    .execute();
  return rows.map(({ number, outcome, started_at, completed_at }) => ({
    number,
    outcome,
    started: started_at?.getTime() ?? NaN,
    ended: completed_at?.getTime() ?? NaN,
  }));
};

/** How long the cycles rested, each from the end of the one before. */
const restsOf = (all: readonly Cycle[]): number[] =>
  all.slice(1).map(({ started }, index) => started - (all[index]?.ended ?? NaN));

const expectFiveMinutes = (rests: readonly number[]): void => {
  for (const rest of rests) {
    expect(rest).toBeGreaterThanOrEqual(REST);
    expect(rest).toBeLessThan(REST + AT_ONCE);
  }
};

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('A cycle starts five minutes after the last one ended', () => {
  it('again and again', async () => {
    await withChain(async ({ work }) => {
      await work('27 minutes');
      const all = await cycles();
      expect(all.map(({ number }) => number)).toEqual(numbers(6));
      expect(all.every(({ outcome }) => outcome === 'completed')).toBe(true);
      expectFiveMinutes(restsOf(all));
    });
  });

  it('however long that one took', async () => {
    await withChain(async ({ work }) => {
      await work('40 minutes', { fetchLeads: unwellFor('11 minutes') });
      const all = await cycles();
      expect(all.length).toBeGreaterThanOrEqual(2);
      for (const { started, ended } of all.slice(0, 2))
        expect(ended - started).toBeGreaterThanOrEqual(11 * MINUTE);
      expectFiveMinutes(restsOf(all));
    });
  });

  it('also when it failed', async () => {
    // After the fetches: this server refuses to cancel steps beside the failed one that have just ended.
    const refused = ({ cycle, ...input }: CycleRef): ReturnType<CycleActivities['openChunks']> => {
      if (cycle % 2 === 1) return openChunks({ db }, { cycle, ...input });
      throw ApplicationFailure.nonRetryable('Dynamics: Forbidden (403)', 'Forbidden');
    };
    await withChain(async ({ work, handle }) => {
      await work('22 minutes', { openChunks: refused });
      const all = await cycles();
      expect(all.map(({ outcome }) => outcome)).toEqual([
        'completed',
        'failed',
        'completed',
        'failed',
        'completed',
      ]);
      expectFiveMinutes(restsOf(all));
      expect((await handle().describe()).status.name).toBe('RUNNING');
    });
  });

  it('also when it failed before it asked the remotes anything', async () => {
    const prepare = ({ cycle, at }: CycleRef): Promise<void> =>
      markActive(db, cycle, at).then(() => {
        // This server cannot fail the very first run of a cron.
        if (cycle > 1)
          throw ApplicationFailure.nonRetryable('installation "x" is not set up', 'Misconfigured');
      });
    await withChain(async ({ work }) => {
      await work('17 minutes', { prepare });
      const all = await cycles();
      expect(all.map(({ outcome }) => outcome)).toEqual(['completed', 'failed', 'failed', 'failed']);
      expectFiveMinutes(restsOf(all));
    });
  });
});

/** A step that takes this long, because its first attempt meets a remote that is not well. */
const unwellFor = (nextRetryDelay: '11 minutes') => (): ReturnType<CycleActivities['fetchLeads']> => {
  if (activityInfo().attempt > 1) return Promise.resolve({ rows: 0, deleted: 0, read: 0, full: false });
  throw ApplicationFailure.create({
    message: 'Dynamics: Unavailable (503)',
    type: 'Unavailable',
    nextRetryDelay,
  });
};

describe('No cycle is forced', () => {
  it('by terminating and starting the chain during the rest, however often', async () => {
    await withChain(async ({ work, terminate, start }) => {
      await work('3 minutes');
      for (let again = 0; again < 3; again += 1) {
        await terminate();
        await start();
        await work('30 seconds');
      }
      expect(await cycles()).toHaveLength(1);
      await work('9 minutes');
      const all = await cycles();
      expect(all.map(({ number }) => number)).toEqual(numbers(3));
      expectFiveMinutes(restsOf(all));
    });
  });

  it('by terminating the chain in mid-cycle: the cycle has failed, and the next rests from its last sign of life', async () => {
    let lastSign = NaN;
    const fetchMarketo = async ({ cycle, at }: CycleRef) => {
      if (cycle !== 1) return { entries: 0, deleted: 0, read: 0 };
      await markActive(db, cycle, at);
      lastSign = Date.parse(at);
      const nextRetryDelay = '3 minutes';
      throw ApplicationFailure.create({ message: 'Marketo: Unavailable (502)', nextRetryDelay });
    };
    await withChain(async ({ work, terminate, start }) => {
      await work('2 minutes', { fetchMarketo });
      expect(await cycles()).toMatchObject([{ number: 1, outcome: null }]);
      await terminate();
      await start();
      await work('7 minutes', { fetchMarketo });
      const all = await cycles();
      expect(all.map(({ outcome }) => outcome)).toEqual(['failed', 'completed']);
      expect(all[0]?.ended).toBe(lastSign);
      expectFiveMinutes(restsOf(all));
    });
  });

  it('by restarting the worker during the rest', async () => {
    await withChain(async ({ work }) => {
      await work('2 minutes');
      await server.env.sleep('2 minutes');
      await work('9 minutes');
      const all = await cycles();
      expect(all.map(({ number }) => number)).toEqual(numbers(3));
      expectFiveMinutes(restsOf(all));
    });
  });
});

describe("A used-up day's quota", () => {
  it('ends the cycle early, as completed, and the next starts at the reset', async () => {
    let resetsAt = NaN;
    const steps: Partial<CycleActivities> = {
      openChunks: () => Promise.resolve({ chunks: [], entries: 1 }),
      logRejections: ({ cycle, at }) => {
        if (cycle !== 2) return Promise.resolve({ logged: 1 });
        resetsAt = Date.parse(at) + 7 * 60 * MINUTE;
        throw ApplicationFailure.nonRetryable('Marketo: QuotaExhausted (607)', 'QuotaExhausted', {
          resetsAt: new Date(resetsAt).toISOString(),
        });
      },
    };
    await withChain(async ({ work, handle, terminate, start }) => {
      await work('2 hours', steps);
      expect(await cycles()).toHaveLength(2);
      const { restUntil } = await withWorker(handle(), work);
      expect(restUntil).toBe(new Date(resetsAt).toISOString());
      await terminate();
      await start();
      await work('312 minutes', steps);
      const all = await cycles();
      expect(all.map(({ outcome }) => outcome)).toEqual(Array(all.length).fill('completed'));
      expect(all[2]?.started).toBeGreaterThanOrEqual(resetsAt);
      expect(all[2]?.started).toBeLessThan(resetsAt + AT_ONCE);
      expectFiveMinutes(restsOf(all.slice(2)));
    });
  });
});

const withWorker = async (
  handle: WorkflowHandle,
  work: Chain['work'],
): Promise<{ restUntil: string | null }> => {
  const query = { answered: false };
  // A busy machine takes more than the second that is waited by default.
  const answer = vi
    .waitFor(() => handle.query<{ restUntil: string | null }>('progress'), { timeout: 15_000, interval: 100 })
    .finally(() => (query.answered = true));
  // Its worker may have ended before the query came: then another one answers.
  do await work('1 second');
  while (!query.answered);
  return answer;
};
