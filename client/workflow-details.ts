import type { WorkflowHandle } from '@temporalio/client';
import type { Temporal } from './connections.js';

/** Long enough for a worker that is there. */
const ASK_MS = 2_000;

/** What a workflow shows of itself in Temporal UI, as plain text; undefined when no worker answers. */
export const detailsOf = async (
  { client }: Temporal,
  handle: Pick<WorkflowHandle, 'query'>,
): Promise<string | undefined> => {
  const ask = () => handle.query<{ readonly currentDetails?: string }>('__temporal_workflow_metadata');
  const metadata = await client.withDeadline(Date.now() + ASK_MS, ask).catch(() => undefined);
  const details = metadata?.currentDetails?.replaceAll('**', '').trim() ?? '';
  return details === '' ? undefined : details;
};
