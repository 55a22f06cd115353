import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import { buildChunkQueue, buildOnDemandQueue } from '../../config/names.js';
import type { Database } from '../../store/database.js';
import { installation as installed } from '../../store/installations.js';
import { within } from './refused.js';
import type { ServiceStatus } from './schemas.js';

export interface Watched {
  readonly client: Client;
  readonly namespace: string;
  readonly db: Database;
  readonly installation: string;
}

/** Long enough for a server that is there. */
const ASK_MS = 2_000;

/** What an administrator of Marketo should know, in plain sentences; asks neither remote. Never throws. */
export const readServiceStatus = async (watched: Watched): Promise<ServiceStatus> => {
  const [store, workers] = await Promise.all([
    within(ASK_MS, 'the store', storeNotes(watched)).catch(() => 'down' as const),
    within(ASK_MS, 'Temporal', silentQueues(watched)).catch(() => 'down' as const),
  ]);
  const errors: string[] = [];
  const warnings: string[] = [];
  if (store === 'down') errors.push('The store does not answer: requests cannot be taken.');
  else warnings.push(...store);
  if (workers === 'down') warnings.push('Temporal does not answer: requests are kept, and wait.');
  else if (workers) warnings.push('No worker answers: requests are kept, and wait.');
  return { info: errors.length === 0 ? ['up'] : [], warnings, errors };
};

const storeNotes = async ({ db, installation }: Watched): Promise<string[]> => {
  const notes: string[] = [];
  if ((await installed(db, installation)) === undefined)
    notes.push('Contact Sync is not set up yet: run "contact-sync setup".');
  const last = await db
    .selectFrom('cycles')
    .select('outcome')
    .where('outcome', 'is not', null)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (last?.outcome === 'failed')
    notes.push('The last cycle of the sync failed: "contact-sync status" says why.');
  const { rows } = await sql<{ refused: number; late: number }>`
    select count(*) filter (where callback in ('refused', 'expired')
        and closed_at > clock_timestamp() - interval '1 day') as refused,
      count(*) filter (where due_at is not null and received_at < clock_timestamp() - interval '10 minutes') as late
    from chunks where due_at is not null or closed_at > clock_timestamp() - interval '1 day'`.execute(db);
  const { refused = 0, late = 0 } = rows[0] ?? {};
  if (refused > 0) notes.push(`${String(refused)} callbacks of the last 24 hours were refused or given up.`);
  if (late > 0) notes.push(`${String(late)} chunks of campaigns wait for more than 10 minutes.`);
  return notes;
};

/** A poller asks again every minute at the latest. */
const SILENT_MS = 2 * 60_000;
const ACTIVITIES = 2;

/** Whether nobody asks for the work of campaigns. */
const silentQueues = async ({ client, namespace, installation }: Watched): Promise<boolean> => {
  const queues = [buildOnDemandQueue(installation), buildChunkQueue(installation)];
  const polled = await Promise.all(
    queues.map(async (name) => {
      const { pollers } = await client.withDeadline(Date.now() + ASK_MS, () =>
        client.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name },
          // The enum is in a package that the SDK keeps to itself.
          // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
          taskQueueType: ACTIVITIES,
        }),
      );
      return pollers.some(
        ({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000 > Date.now() - SILENT_MS,
      );
    }),
  );
  return !polled.every(Boolean);
};
