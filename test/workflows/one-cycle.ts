import { cancelled, heartbeat } from '@temporalio/activity';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { expect } from 'vitest';
import type { CycleActivities } from '../../activities/contract.js';
import { buildCycleId, buildCycleQueue, CYCLE_CRON } from '../../config/names.js';
import type { CycleProgress } from '../../workflows/names.js';
import type { CycleReport, syncCycle } from '../../workflows/sync-cycle.js';
import { newInstallation, type Scene } from './servers.js';
import { fakeSteps, type Told } from './steps.js';

export interface CycleRun {
  readonly handle: WorkflowHandle<typeof syncCycle>;
  readonly told: Told;
  readonly report: () => Promise<CycleReport>;
  readonly progress: () => Promise<CycleProgress>;
  readonly events: () => Promise<number>;
}

/** Runs one cycle with these steps, and the test beside it. */
export const withCycle = async (
  server: Scene,
  steps: Partial<CycleActivities>,
  test: (run: CycleRun) => Promise<void>,
  options: { readonly cron?: boolean } = {},
): Promise<void> => {
  const installation = newInstallation();
  const taskQueue = buildCycleQueue(installation);
  const { told, activities } = fakeSteps(steps);
  const worker = await server.worker(taskQueue, activities);
  await worker.runUntil(async () => {
    const handle = await server.env.client.workflow.start<typeof syncCycle>('syncCycle', {
      taskQueue,
      workflowId: buildCycleId(installation),
      ...(options.cron === true ? { cronSchedule: CYCLE_CRON } : {}),
    });
    const run: CycleRun = {
      handle,
      told,
      report: () => handle.result(),
      progress: () => handle.query<CycleProgress>('progress'),
      events: async () => (await handle.fetchHistory()).events?.length ?? 0,
    };
    try {
      await test(run);
    } finally {
      await handle.terminate().catch(() => undefined);
    }
  });
};

/** What the run failed of. */
export const failureOf = async (result: Promise<unknown>): Promise<unknown> => {
  const error: unknown = await result.then(
    () => expect.fail('the run did not fail'),
    (reason: unknown) => reason,
  );
  return error instanceof WorkflowFailedError ? error.cause : error;
};

/** A step that never ends by itself, yet ends when it is told to. */
export const endless = (): Promise<never> => {
  const beat = setInterval(() => heartbeat(), 50);
  return cancelled().finally(() => clearInterval(beat));
};
