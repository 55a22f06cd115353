import { WorkflowNotFoundError } from '@temporalio/client';
import { readEnvironment } from '../config/environment.js';
import { buildBackfillId, buildCycleId } from '../config/names.js';
import { connectTemporal, type Temporal } from './connections.js';
import { EXIT, printJson, type Context, type ExitCode } from './io.js';

export interface Stopped {
  readonly workflowId: string;
  /** False when it was not running. */
  readonly wasRunning: boolean;
}

/** The cycles, and the backfill lane beside them. */
export interface SyncStopped extends Stopped {
  readonly backfill: Stopped;
}

/**
 * Ends both chains. A step that is at work stops at its next sign of life; what it had sent is settled by the first cycle
 * after the next start.
 */
export const stopSync = async (
  temporal: Temporal,
  installation: string,
  reason: string,
): Promise<SyncStopped> => {
  const backfill = await stopChain(temporal, buildBackfillId(installation), reason);
  return { ...(await stopChain(temporal, buildCycleId(installation), reason)), backfill };
};

const stopChain = async ({ client }: Temporal, workflowId: string, reason: string): Promise<Stopped> => {
  try {
    await client.workflow.getHandle(workflowId).terminate(reason);
    return { workflowId, wasRunning: true };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { workflowId, wasRunning: false };
    throw error;
  }
};

interface StopOptions {
  readonly json: boolean;
  readonly reason: string;
}

/** `contact-sync stop`. */
export const runStop = async ({ env, io }: Context, { json, reason }: StopOptions): Promise<ExitCode> => {
  const environment = readEnvironment(env, ['temporal']);
  const temporal = await connectTemporal(environment.temporal);
  try {
    const stopped = await stopSync(temporal, environment.installation, reason);
    if (json) printJson(io, stopped);
    else if (stopped.wasRunning) {
      io.out(`The sync is stopped: workflow ${stopped.workflowId}. The rest goes on being counted: a start`);
      io.out('begins no cycle before it is over.');
    } else io.out(`The sync was not running: workflow ${stopped.workflowId}`);
    return EXIT.ok;
  } finally {
    await temporal.close();
  }
};
