import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import {
  BACKFILL_CRON,
  buildBackfillId,
  buildBackfillQueue,
  buildCycleId,
  buildCycleQueue,
  CYCLE_CRON,
  WORKFLOW_TYPES,
} from '../config/names.js';
import type { Temporal } from './connections.js';
import { atInstallation } from './installed.js';
import { EXIT, printJson, type Context, type ExitCode } from './io.js';

export interface Started {
  readonly workflowId: string;
  /** True when it was running already; nothing was changed then. */
  readonly alreadyRunning: boolean;
}

/** The cycles, and the backfill lane beside them. */
export interface SyncStarted extends Started {
  readonly backfill: Started;
}

/** Starts both chains, which go on by themselves until they are stopped. A second start changes nothing. */
export const startSync = async (temporal: Temporal, installation: string): Promise<SyncStarted> => {
  const cycles = await startChain(temporal, {
    type: WORKFLOW_TYPES.syncCycle,
    workflowId: buildCycleId(installation),
    taskQueue: buildCycleQueue(installation),
    cronSchedule: CYCLE_CRON,
    staticSummary: `Contact Sync, installation ${installation}: one run is one cycle`,
  });
  const backfill = await startChain(temporal, {
    type: WORKFLOW_TYPES.backfill,
    workflowId: buildBackfillId(installation),
    taskQueue: buildBackfillQueue(installation),
    cronSchedule: BACKFILL_CRON,
    staticSummary: `Contact Sync, installation ${installation}: reads what is new in the field selection, and looks over everything now and then`,
  });
  return { ...cycles, backfill };
};

interface Chain {
  readonly type: string;
  readonly workflowId: string;
  readonly taskQueue: string;
  readonly cronSchedule: string;
  readonly staticSummary: string;
}

const startChain = async ({ client }: Temporal, { type, ...options }: Chain): Promise<Started> => {
  const { workflowId } = options;
  try {
    await client.workflow.start(type, { ...options, workflowIdConflictPolicy: 'FAIL' });
    return { workflowId, alreadyRunning: false };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { workflowId, alreadyRunning: true };
    throw error;
  }
};

/** `contact-sync start`. */
export const runStart = ({ env, io }: Context, { json }: { readonly json: boolean }): Promise<ExitCode> =>
  atInstallation(env, async (temporal, installation) => {
    const started = await startSync(temporal, installation);
    if (json) printJson(io, started);
    else if (started.alreadyRunning) {
      io.out(`The sync is already running: workflow ${started.workflowId}`);
      if (!started.backfill.alreadyRunning)
        io.out(`The backfill lane is started: workflow ${started.backfill.workflowId}`);
    } else io.out(`The sync is started: workflow ${started.workflowId}. Watch it: contact-sync status`);
    return EXIT.ok;
  });
