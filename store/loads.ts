import { sql } from 'kysely';
import type { Kind } from '../rules/terms.js';
import type { Database } from './database.js';

/** A full read of a table begins: ids that it meets are kept beside the links, not in memory. */
export const beginLoad = async (db: Database, kind: Kind): Promise<void> => {
  await db.deleteFrom('loaded_rows').where('kind', '=', kind).execute();
};

export const recordLoaded = async (db: Database, kind: Kind, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return;
  await sql`insert into loaded_rows (kind, dynamics_id)
    select ${kind}, value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb)
    on conflict do nothing`.execute(db);
};

/** Rows that are linked and that the full read did not meet: they were deleted meanwhile. */
export const missingFromLoad = async (db: Database, kind: Kind): Promise<string[]> => {
  const { rows } = await sql<{ id: string }>`
    select dynamics_id as id from links
    where kind = ${kind} and status <> 'ended' and dynamics_id is not null
      and not (status = 'unmatched' and marketo_id is not null)
      and not exists (select from loaded_rows where loaded_rows.kind = links.kind
        and loaded_rows.dynamics_id = links.dynamics_id)`.execute(db);
  return rows.map(({ id }) => id);
};
