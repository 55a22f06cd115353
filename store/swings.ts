import { sql } from 'kysely';
import type { Kind } from '../rules/terms.js';
import type { Database } from './database.js';

/** A field that both sides keep rewriting, on some pairs of one table. */
export interface SwingingField {
  readonly kind: Kind;
  readonly field: string;
  readonly count: number;
  /** Where to look at one of them. */
  readonly example: { readonly marketoId: number | null; readonly dynamicsId: string | null };
}

export const swingingFields = async (db: Database, most: number): Promise<SwingingField[]> => {
  const { rows } = await sql<{
    kind: Kind;
    field: string;
    count: number;
    marketo_id: number | null;
    dynamics_id: string | null;
  }>`
    select swing.kind, swing.field, swing.count, links.marketo_id, links.dynamics_id
    from (
      select kind, each.key as field, count(*) as count, max(id) as link_id
      from links cross join jsonb_each(parked) as each
      where jsonb_path_exists(parked, '$.* ? (@.because == "swinging")') and each.value ->> 'because' = 'swinging'
      group by kind, each.key
    ) as swing join links on links.id = swing.link_id
    order by swing.count desc, swing.field limit ${most}`.execute(db);
  return rows.map(({ kind, field, count, marketo_id: marketoId, dynamics_id: dynamicsId }) => ({
    ...{ kind, field, count },
    example: { marketoId, dynamicsId },
  }));
};

/**
 * Takes a field up again that was set aside for swinging; the next cycle decides it, and swings count from the start.
 *
 * @returns whether it was set aside for that.
 */
export const releaseSwinging = async (db: Database, linkId: number, field: string): Promise<boolean> => {
  const { rows } = await sql`
    update links set parked = parked - ${field}::text, causes = causes #- array[${field}::text, 'swing'],
      dirty = true, version = version + 1
    where id = ${linkId} and parked -> ${field} ->> 'because' = 'swinging' returning id`.execute(db);
  return rows.length > 0;
};
