import { sql } from 'kysely';
import type { Kind } from '../rules/terms.js';
import type { Database } from './database.js';

/** A full read of a table: the cycle's own, or that of the backfill lane. They know nothing of each other. */
export interface Load {
  readonly kind: Kind;
  readonly lane: 'cycle' | 'backfill';
}

const nameOf = ({ kind, lane }: Load): string => (lane === 'cycle' ? kind : `${lane}/${kind}`);

/** A full read of a table begins: ids that it meets are kept beside the links, not in memory. */
export const beginLoad = async (db: Database, load: Load): Promise<void> => {
  await db.deleteFrom('loaded_rows').where('kind', '=', nameOf(load)).execute();
};

export const recordLoaded = async (db: Database, load: Load, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return;
  await sql`insert into loaded_rows (kind, dynamics_id)
    select ${nameOf(load)}, value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb)
    on conflict do nothing`.execute(db);
};

/** Rows that are linked and that the full read did not meet: they were deleted meanwhile. */
export const missingFromLoad = async (db: Database, load: Load): Promise<string[]> => {
  const { rows } = await sql<{ id: string }>`
    select dynamics_id as id from links
    where kind = ${load.kind} and status <> 'ended' and dynamics_id is not null
      and not (status = 'unmatched' and marketo_id is not null)
      and not exists (select from loaded_rows where loaded_rows.kind = ${nameOf(load)}
        and loaded_rows.dynamics_id = links.dynamics_id)`.execute(db);
  return rows.map(({ id }) => id);
};
