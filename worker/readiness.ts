import type { Worker } from '@temporalio/worker';
import { sql } from 'kysely';
import type { Database } from '../store/database.js';
import type { Health } from './health.js';

/** The worker is well when all queues are polled and the store answers. */
export const healthOf = async (db: Database, workers: readonly Worker[]): Promise<Health> => {
  const states = workers.map((worker) => worker.getState());
  const store = await sql`select 1`.execute(db).then(
    () => 'up',
    () => 'down',
  );
  const polling = states.every((state) => state === 'RUNNING');
  return { ok: polling && store === 'up', parts: { worker: polling ? 'running' : states.join(', '), store } };
};
