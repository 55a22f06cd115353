import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it, vi } from 'vitest';
import type { BackfillActivities, BackfillTurn, BackfillWork } from '../../activities/contract.js';
import { buildBackfillId, buildBackfillQueue } from '../../config/names.js';
import type { BackfillProgress } from '../../workflows/names.js';
import { wakeSignal } from '../../workflows/names.js';
import type { backfill, BackfillReport } from '../../workflows/backfill.js';
import { detailsOf, newInstallation, temporalServer } from './servers.js';

const server = temporalServer('time-skipping');

const MINUTE = 60_000;
const nothing: BackfillTurn = { counts: {}, completed: null };

interface Lane {
  readonly handle: WorkflowHandle<typeof backfill>;
  readonly report: () => Promise<BackfillReport>;
  /** What the steps were asked, in order. */
  readonly log: string[];
  readonly looks: number[];
}

type Steps = Partial<BackfillActivities>;

/** A lane whose store answers these works one after the other, then that nothing is due. */
const withLane = async (
  due: readonly (BackfillWork | null)[],
  steps: Steps,
  test: (lane: Lane) => Promise<void>,
  options: { readonly cronSchedule?: string } = {},
): Promise<void> => {
  const installation = newInstallation();
  const taskQueue = buildBackfillQueue(installation);
  const left = [...due];
  const log: string[] = [];
  const looks: number[] = [];
  const turn = (name: string, step?: (input: never) => Promise<BackfillTurn>) => (input: never) => {
    log.push(name);
    return step === undefined ? Promise.resolve(nothing) : step(input);
  };
  const activities = {
    findWork: ({ at }: { at: string }) => {
      looks.push(Date.parse(at));
      const work = left.shift() ?? null;
      return Promise.resolve({ work, lookAgainAt: Date.parse(at) + 5 * MINUTE, takeoverMs: 30_000 });
    },
    readTable: turn('readTable', steps.readTable),
    readFields: turn('readFields', steps.readFields),
    reconcile: turn('reconcile', steps.reconcile),
  };
  const worker = await server.worker(taskQueue, activities);
  await worker.runUntil(async () => {
    const handle = await server.env.client.workflow.start<typeof backfill>('backfill', {
      taskQueue,
      workflowId: buildBackfillId(installation),
      ...options,
    });
    try {
      await test({ handle, log, looks, report: () => handle.result() });
    } finally {
      await handle.terminate().catch(() => undefined);
    }
  });
};

describe('The backfill lane', () => {
  it('does what is due, one turn after the other, and reports when nothing is due any more', async () => {
    let turns = 0;
    const steps: Steps = {
      readTable: () => Promise.resolve({ counts: { rows: 500 }, completed: null }),
      readFields: () => Promise.resolve({ counts: { persons: 300, rows: 0 }, completed: null }),
      reconcile: () => {
        turns += 1;
        const counts = { persons: 900 * turns, 'drift.marketo.title': 1 };
        return Promise.resolve({ counts, completed: turns === 2 ? counts : null });
      },
    };
    const due = ['lead', 'lead', 'fields', 'reconciliation', 'reconciliation'] as const;
    await withLane(due, steps, async ({ report, log, handle }) => {
      expect(await report()).toMatchObject({
        outcome: 'completed',
        turns: { lead: 2, fields: 1, reconciliation: 2 },
        counts: { rows: 1000, persons: 300 },
        reconciliation: { persons: 1800, 'drift.marketo.title': 1 },
      });
      expect(log).toEqual(['readTable', 'readTable', 'readFields', 'reconcile', 'reconcile']);
      expect(await detailsOf(handle)).toContain('- drift.marketo.title: 1');
    });
  });

  it('looks as often as the store says while nothing is due, at a few events each', async () => {
    const steps: Steps = { readFields: () => Promise.resolve({ counts: { persons: 1 }, completed: null }) };
    const due = [...Array<null>(12).fill(null), 'fields' as const];
    await withLane(due, steps, async ({ report, looks, handle }) => {
      expect((await report()).turns).toEqual({ fields: 1 });
      const gaps = looks.slice(1, 12).map((at, index) => at - (looks[index] ?? NaN));
      for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(5 * MINUTE);
      const { events } = await handle.fetchHistory();
      expect(events?.length).toBeLessThan(12 * 12 + 30);
    });
  });

  it('looks at once when it is woken', async () => {
    await withLane([null, 'reconciliation'], {}, async ({ handle, looks, report, log }) => {
      await vi.waitFor(() => expect(looks).toHaveLength(1));
      await handle.signal(wakeSignal);
      await report();
      expect(log).toEqual(['reconcile']);
      expect((looks[1] ?? NaN) - (looks[0] ?? NaN)).toBeLessThan(MINUTE);
    });
  });

  it('answers at once what it does', async () => {
    await withLane([null], {}, async ({ handle, looks }) => {
      await vi.waitFor(() => expect(looks).toHaveLength(1));
      await vi.waitFor(async () =>
        expect(await handle.query<BackfillProgress>('progress')).toMatchObject({
          work: null,
          lookAgainAt: new Date((looks[0] ?? NaN) + 5 * MINUTE).toISOString(),
        }),
      );
    });
  });

  it('waits for the reset of a used-up daily quota, and then ends its run', async () => {
    let asked = NaN;
    const steps: Steps = {
      reconcile: ({ at }) => {
        asked = Date.parse(at);
        throw ApplicationFailure.nonRetryable('Marketo: QuotaExhausted (daily-reserve)', 'QuotaExhausted', {
          resetsAt: new Date(asked + 7 * 60 * MINUTE).toISOString(),
        });
      },
    };
    await withLane(['reconciliation'], steps, async ({ report }) => {
      const { outcome, endedAt } = await report();
      expect(outcome).toBe('waited for the daily quota');
      expect(Date.parse(endedAt)).toBeGreaterThanOrEqual(asked + 7 * 60 * MINUTE);
    });
  });

  it('does not turn in circles where the cycle holds all that it wants to read', async () => {
    const steps: Steps = {
      readFields: () => Promise.resolve({ counts: { persons: 0, rows: 0 }, completed: null }),
    };
    await withLane(['fields', 'fields'], steps, async ({ report, looks }) => {
      await report();
      expect((looks[1] ?? NaN) - (looks[0] ?? NaN)).toBeGreaterThanOrEqual(5 * MINUTE);
    });
  });

  it('rests after a failure that people have to mend; the cron goes on, and nothing is hammered', async () => {
    const failed: number[] = [];
    const steps: Steps = {
      readFields: ({ at }) => {
        failed.push(Date.parse(at));
        // This server cannot fail the very first run of a cron.
        if (failed.length === 1) return Promise.resolve({ counts: { persons: 1 }, completed: null });
        throw ApplicationFailure.nonRetryable('Dynamics: Forbidden (403)', 'Forbidden');
      },
    };
    const due = ['fields', null, 'fields', 'fields', 'fields', 'fields'] as const;
    await withLane(
      due,
      steps,
      async ({ handle }) => {
        await server.env.sleep('20 minutes');
        const gaps = failed.slice(2).map((at, index) => at - (failed[index + 1] ?? NaN));
        expect(gaps.length).toBeGreaterThanOrEqual(1);
        for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(5 * MINUTE);
        expect((await handle.describe()).status.name).toBe('RUNNING');
      },
      { cronSchedule: '* * * * *' },
    );
  });
});
