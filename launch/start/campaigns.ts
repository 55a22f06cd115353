import { sql } from 'kysely';
import type { Database } from '../../store/database.js';

/** What campaigns have asked for so far. */
export interface Campaigns {
  readonly persons: number;
  /** Persons that still wait for their record, or whose campaign still waits for its answer. */
  readonly waiting: number;
  readonly last: {
    readonly marketoId: number;
    readonly outcome: string;
    readonly kind: string | null;
    /** From the request to the answer. */
    readonly ms: number;
  } | null;
}

export const readCampaigns = async (db: Database): Promise<Campaigns> => {
  const counted = await sql<{ persons: number; waiting: number }>`
    select count(*) as persons, count(*) filter (where closed_at is null) as waiting
    from chunk_persons join chunks on chunks.key = chunk_key`.execute(db);
  const latest = await sql<{ marketo_id: number; outcome: string; kind: string | null; ms: number }>`
    select marketo_id, outcome, kind, (extract(epoch from closed_at - received_at) * 1000)::float8 as ms
    from chunk_persons join chunks on chunks.key = chunk_key
    where closed_at is not null and outcome is not null
    order by closed_at desc limit 1`.execute(db);
  const [last] = latest.rows;
  return {
    ...(counted.rows[0] ?? { persons: 0, waiting: 0 }),
    last: last === undefined ? null : { ...last, marketoId: last.marketo_id },
  };
};
