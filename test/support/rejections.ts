import { sql } from 'kysely';
import type { Database } from '../../store/database.js';

/** Open rejections for which nothing is parked, and parked fields whose rejection is closed: there must be none. */
export const rejectionLeaks = async (db: Database): Promise<string[]> => {
  const { rows } = await sql<{ leak: string }>`
    select 'rejection of link ' || link_id || ' (' || cause || ') parks nothing' as leak
    from rejections join links on links.id = link_id
    where closed_at is null
      and not jsonb_path_query_array(parked, '$.*.rejectionId') ? rejections.id::text
    union all
    select 'link ' || links.id || ' parks ' || field || ' without an open rejection'
    from links, jsonb_each(parked) as each (field, held)
    where held ->> 'rejectionId' is not null and not exists (
      select from rejections where rejections.id::text = held ->> 'rejectionId' and closed_at is null)`.execute(
    db,
  );
  return rows.map(({ leak }) => leak);
};

/** Lets time pass for whatever waits for a trial. */
export const trialsFallDue = async (db: Database): Promise<void> => {
  await sql`update probes set due_at = due_at - interval '1 hour', probed_at = probed_at - interval '1 hour'`.execute(
    db,
  );
  await sql`update rejections set at = at - interval '1 hour', tried_at = tried_at - interval '1 hour'`.execute(
    db,
  );
};

export interface PlugInRule {
  readonly table: string;
  readonly column: string;
  readonly message: string;
  readonly contains: string;
}

/** Replaces what customers' plug-ins of the simulated environment refuse. */
export const setPlugIns = async (dataverse: string, rules: readonly PlugInRule[]): Promise<void> => {
  const response = await fetch(`${dataverse}/admin/rules`, {
    method: 'PUT',
    body: JSON.stringify({ rules }),
    headers: { 'content-type': 'application/json' },
  });
  if (!response.ok) throw new Error(await response.text());
};
