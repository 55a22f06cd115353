import { WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import type { TemporalEnvironment } from '../../config/environment.js';
import { buildCycleId } from '../../config/names.js';
import { progressQuery, type CycleProgress } from '../../workflows/names.js';
import { connectTemporal, type Temporal } from '../connections.js';
import { explain } from '../failure.js';

/** A step that failed and is tried again. Its message holds no values of records: histories never do. */
export interface RetriedStep {
  readonly step: string;
  /** The attempt that comes next or is under way. */
  readonly attempt: number;
  readonly failure: string;
}

/** The chain of cycles and whoever works on it, as Temporal sees them. */
export interface ChainStatus {
  readonly workflowId: string;
  /** `unknown`: Temporal does not answer; `message` says why. */
  readonly state: 'running' | 'ended' | 'not-started' | 'unknown';
  readonly message: string | null;
  /** `silent`: no worker answered in time; `unknown`: nothing runs that one could be asked about. */
  readonly worker: 'answering' | 'silent' | 'unknown';
  /** What the cycle is doing; null unless a worker answers. */
  readonly progress: CycleProgress | null;
  readonly retried: readonly RetriedStep[];
}

/** Long enough for the second between two runs, in which a query has to wait. */
const QUERY_MS = 2_000;

/** Never throws: a server that is down is a state worth reporting. */
export const readChainStatus = async (
  environment: TemporalEnvironment,
  installation: string,
): Promise<ChainStatus> => {
  const workflowId = buildCycleId(installation);
  const nothing = { workflowId, message: null, worker: 'unknown', progress: null, retried: [] } as const;
  let temporal: Temporal | undefined;
  try {
    temporal = await connectTemporal(environment);
    return { ...nothing, ...(await describe(temporal, workflowId)) };
  } catch (error) {
    return { ...nothing, state: 'unknown', message: explain(error).message };
  } finally {
    await temporal?.close();
  }
};

type Described = Pick<ChainStatus, 'state'> & Partial<ChainStatus>;

const describe = async ({ client }: Temporal, workflowId: string): Promise<Described> => {
  const handle = client.workflow.getHandle(workflowId);
  try {
    const found = await client.withDeadline(Date.now() + QUERY_MS, () => handle.describe());
    if (found.status.name !== 'RUNNING') {
      return { state: 'ended', message: `it is ${found.status.name.toLowerCase()}` };
    }
    const progress = await client
      .withDeadline(Date.now() + QUERY_MS, () => askProgress(handle))
      // Whatever the reason, nobody answered; the state of the chain itself is known.
      .catch(() => null);
    const worker = progress === null ? 'silent' : 'answering';
    return { state: 'running', worker, progress, retried: retriedIn(found.raw.pendingActivities) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { state: 'not-started' };
    throw error;
  }
};

const askProgress = (handle: WorkflowHandle): Promise<CycleProgress> => handle.query(progressQuery);

type PendingActivities = Awaited<ReturnType<WorkflowHandle['describe']>>['raw']['pendingActivities'];

const retriedIn = (pending: PendingActivities): readonly RetriedStep[] =>
  (pending ?? []).flatMap(({ activityType, attempt, lastFailure }) => {
    if (lastFailure == null) return [];
    const type = lastFailure.applicationFailureInfo?.type;
    const failure = [type, lastFailure.message].filter(Boolean).join(': ');
    return [{ step: activityType?.name ?? 'unknown', attempt: attempt ?? 1, failure }];
  });
