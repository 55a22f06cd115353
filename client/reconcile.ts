import { WorkflowNotFoundError } from '@temporalio/client';
import { readEnvironment } from '../config/environment.js';
import { buildBackfillId } from '../config/names.js';
import { openStore } from '../store/open.js';
import { askForPass } from '../store/reconciliations.js';
import { wakeSignal } from '../workflows/names.js';
import { connectTemporal, type Temporal } from './connections.js';
import { requireInstalled } from './installed.js';
import { EXIT, printJson, type Context, type ExitCode } from './io.js';

export interface PassAsked {
  readonly workflowId: string;
  /** True when a pass was open already: it serves this request too. */
  readonly alreadyOpen: boolean;
  /** False when the backfill lane is not started: the pass begins with it. */
  readonly running: boolean;
}

/** `contact-sync reconcile`: asks for a pass over all records. It reads alone; what it finds waits for the next cycle. */
export const runReconcile = async (
  { env, io }: Context,
  { json }: { readonly json: boolean },
): Promise<ExitCode> => {
  const environment = readEnvironment(env, ['store', 'temporal']);
  const { installation } = environment;
  const temporal = await connectTemporal(environment.temporal);
  try {
    const store = await openStore(environment.store);
    let alreadyOpen: boolean;
    try {
      await requireInstalled(store.db, installation);
      alreadyOpen = !(await askForPass(store.db, 'request', new Date().toISOString()));
    } finally {
      await store.close();
    }
    const workflowId = buildBackfillId(installation);
    const asked: PassAsked = { workflowId, alreadyOpen, running: await wake(temporal, workflowId) };
    if (json) printJson(io, asked);
    else for (const line of sentences(asked)) io.out(line);
    return EXIT.ok;
  } finally {
    await temporal.close();
  }
};

const wake = async ({ client }: Temporal, workflowId: string): Promise<boolean> => {
  try {
    await client.workflow.getHandle(workflowId).signal(wakeSignal);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
};

const sentences = ({ workflowId, alreadyOpen, running }: PassAsked): string[] => {
  if (!running) return ['Asked for. The sync is not running: the pass begins after contact-sync start.'];
  return [
    alreadyOpen
      ? `A pass is open already: workflow ${workflowId}`
      : `Asked for a pass over all records: workflow ${workflowId}`,
    'Watch it: contact-sync status. What it finds is merged by the next cycle, when its rest is over.',
  ];
};
