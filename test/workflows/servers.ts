import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { afterAll, beforeAll, expect } from 'vitest';
import { workflowBundle } from '../support/bundle.js';

// Faults are what these tests are about; the SDK need not tell of each.
Runtime.install({
  logger: new DefaultLogger('ERROR', () => undefined),
  telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
});

const executable = (variable: 'TEMPORAL_CLI_PATH' | 'TEMPORAL_TEST_SERVER_PATH') => {
  const path = process.env[variable];
  if (path === undefined) throw new Error(`${variable} is not set: test/global-setup.ts did not run`);
  return { type: 'existing-path', path } as const;
};

const starters = {
  /** One clock for all runs, which skips ahead while nothing is at work. */
  'time-skipping': () =>
    TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: executable('TEMPORAL_TEST_SERVER_PATH') },
    }),
  /** A real server, in real time. */
  dev: () => TestWorkflowEnvironment.createLocal({ server: { executable: executable('TEMPORAL_CLI_PATH') } }),
};

export interface Scene {
  readonly env: TestWorkflowEnvironment;
  /** A worker of the workflows as they are now, on a queue. */
  readonly worker: (
    taskQueue: string,
    activities: object,
    options?: Partial<WorkerOptions>,
  ) => Promise<Worker>;
}

/** A Temporal server for the tests of the file. */
export const temporalServer = (kind: keyof typeof starters): Scene => {
  let started: TestWorkflowEnvironment | undefined;
  beforeAll(async () => {
    [started] = await Promise.all([starters[kind](), workflowBundle()]);
  });
  afterAll(() => started?.teardown());
  const env = (): TestWorkflowEnvironment => started ?? expect.fail('the server is not up yet');
  return {
    get env() {
      return env();
    },
    worker: async (taskQueue, activities, options = {}) =>
      Worker.create({
        connection: env().nativeConnection,
        workflowBundle: await workflowBundle(),
        taskQueue,
        activities,
        // Cancellation travels with heartbeats: noticed at once instead of after a minute.
        maxHeartbeatThrottleInterval: '100 milliseconds',
        ...options,
      }),
  };
};

/** A name that no other test uses: of an installation, hence of its queues and workflows. */
export const newInstallation = (): string => randomUUID();

/** What the workflow shows of itself in Temporal UI at this moment. */
export const detailsOf = async (handle: WorkflowHandle): Promise<string> => {
  const { currentDetails } = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return currentDetails ?? '';
};
