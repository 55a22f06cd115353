import { WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import type { TemporalEnvironment } from '../../config/environment.js';
import { buildBackfillId, buildCycleId } from '../../config/names.js';
import {
  backfillProgressQuery,
  progressQuery,
  type BackfillProgress,
  type CycleProgress,
} from '../../workflows/names.js';
import { connectTemporal, type Temporal } from '../connections.js';
import { explain } from '../failure.js';

/** A step that failed and is tried again. Its message holds no values of records: histories never do. */
export interface RetriedStep {
  readonly step: string;
  /** The attempt that comes next or is under way. */
  readonly attempt: number;
  readonly failure: string;
}

/** A chain of runs and whoever works on it, as Temporal sees them: the cycles, unless said otherwise. */
export interface ChainStatus<P = CycleProgress> {
  readonly workflowId: string;
  /** `unknown`: Temporal does not answer; `message` says why. */
  readonly state: 'running' | 'ended' | 'not-started' | 'unknown';
  readonly message: string | null;
  /** `silent`: no worker answered in time; `unknown`: nothing runs that one could be asked about. */
  readonly worker: 'answering' | 'silent' | 'unknown';
  /** What it is doing; null unless a worker answers. */
  readonly progress: P | null;
  readonly retried: readonly RetriedStep[];
}

/** Long enough for the second between two runs, in which a query has to wait. */
const QUERY_MS = 2_000;

/** Both chains of an installation. */
export interface ChainsStatus {
  readonly chain: ChainStatus;
  readonly backfill: ChainStatus<BackfillProgress>;
}

/** Never throws: a server that is down is a state worth reporting. */
export const readChains = async (
  environment: TemporalEnvironment,
  installation: string,
): Promise<ChainsStatus> => {
  const nothing = { message: null, worker: 'unknown', progress: null, retried: [] } as const;
  const cycles = { ...nothing, workflowId: buildCycleId(installation) };
  const lane = { ...nothing, workflowId: buildBackfillId(installation) };
  let temporal: Temporal | undefined;
  try {
    temporal = await connectTemporal(environment);
    const [chain, backfill] = await Promise.all([
      describe<CycleProgress>(temporal, cycles.workflowId, (handle) => handle.query(progressQuery)),
      describe<BackfillProgress>(temporal, lane.workflowId, (handle) => handle.query(backfillProgressQuery)),
    ]);
    return { chain: { ...cycles, ...chain }, backfill: { ...lane, ...backfill } };
  } catch (error) {
    const unknown = { state: 'unknown', message: explain(error).message } as const;
    return { chain: { ...cycles, ...unknown }, backfill: { ...lane, ...unknown } };
  } finally {
    await temporal?.close();
  }
};

type Described<P> = Pick<ChainStatus<P>, 'state'> & Partial<ChainStatus<P>>;

const describe = async <P>(
  { client }: Temporal,
  workflowId: string,
  ask: (handle: WorkflowHandle) => Promise<P>,
): Promise<Described<P>> => {
  const handle = client.workflow.getHandle(workflowId);
  try {
    const found = await client.withDeadline(Date.now() + QUERY_MS, () => handle.describe());
    if (found.status.name !== 'RUNNING') {
      return { state: 'ended', message: `it is ${found.status.name.toLowerCase()}` };
    }
    const progress = await client
      .withDeadline(Date.now() + QUERY_MS, () => ask(handle))
      // Whatever the reason, nobody answered; the state of the chain itself is known.
      .catch(() => null);
    const worker = progress === null ? 'silent' : 'answering';
    return { state: 'running', worker, progress, retried: retriedIn(found.raw.pendingActivities) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { state: 'not-started' };
    throw error;
  }
};

type PendingActivities = Awaited<ReturnType<WorkflowHandle['describe']>>['raw']['pendingActivities'];

const retriedIn = (pending: PendingActivities): readonly RetriedStep[] =>
  (pending ?? []).flatMap(({ activityType, attempt, lastFailure }) => {
    if (lastFailure == null) return [];
    const type = lastFailure.applicationFailureInfo?.type;
    const failure = [type, lastFailure.message].filter(Boolean).join(': ');
    return [{ step: activityType?.name ?? 'unknown', attempt: attempt ?? 1, failure }];
  });
