import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { buildCycleId, buildCycleQueue, CYCLE_CRON, WORKFLOW_TYPES } from '../config/names.js';
import type { syncCycle } from '../workflows/index.js';
import type { Temporal } from './connections.js';
import { atInstallation } from './installed.js';
import { EXIT, printJson, type Context, type ExitCode } from './io.js';

export interface Started {
  readonly workflowId: string;
  /** True when the cycles were running already; nothing was changed then. */
  readonly alreadyRunning: boolean;
}

/** Starts the chain of cycles, which goes on by itself until it is stopped. A second start changes nothing. */
export const startCycles = async ({ client }: Temporal, installation: string): Promise<Started> => {
  const workflowId = buildCycleId(installation);
  try {
    await client.workflow.start<typeof syncCycle>(WORKFLOW_TYPES.syncCycle, {
      workflowId,
      taskQueue: buildCycleQueue(installation),
      cronSchedule: CYCLE_CRON,
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: `Contact Sync, installation ${installation}: one run is one cycle`,
    });
    return { workflowId, alreadyRunning: false };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { workflowId, alreadyRunning: true };
    throw error;
  }
};

/** `contact-sync start`. */
export const runStart = ({ env, io }: Context, { json }: { readonly json: boolean }): Promise<ExitCode> =>
  atInstallation(env, async (temporal, installation) => {
    const started = await startCycles(temporal, installation);
    if (json) printJson(io, started);
    else if (started.alreadyRunning) io.out(`The sync is already running: workflow ${started.workflowId}`);
    else io.out(`The sync is started: workflow ${started.workflowId}. Watch it: contact-sync status`);
    return EXIT.ok;
  });
