import { sql } from 'kysely';
import type { IsoInstant, Kind } from '../rules/terms.js';
import type { Database } from './database.js';

/** A request for one person, as it stands. */
export interface PersonRequestState {
  readonly requestId: string;
  readonly campaignId: string | null;
  readonly syncAs: Kind;
  readonly requestedAt: IsoInstant;
  /** Null while it waits. */
  readonly outcome: string | null;
  readonly kind: Kind | null;
  readonly dynamicsId: string | null;
  readonly code: string | null;
  readonly completedAt: IsoInstant | null;
  /** Of the chunk that it came in: `open`, `accepted`, `refused`, `expired`; null where nobody is called back. */
  readonly callback: string | null;
  /** How many persons that were handed in before still wait; null unless it waits itself. */
  readonly ahead: number | null;
}

/** The latest requests for a person, the newest first: those that are done, and those that wait in chunks. */
export const requestsOfPerson = async (
  db: Database,
  marketoId: number,
  most: number,
): Promise<PersonRequestState[]> => {
  const { rows } = await sql<{
    id: string;
    campaign_id: string | null;
    sync_as: Kind;
    requested_at: Date;
    outcome: string | null;
    kind: Kind | null;
    dynamics_id: string | null;
    code: string | null;
    completed_at: Date | null;
    callback: string | null;
    ahead: number | null;
  }>`
    select coalesce(r.id, p.request_id::text) as id, coalesce(r.campaign_id, p.campaign_id) as campaign_id,
      coalesce(r.sync_as, p.sync_as) as sync_as, coalesce(r.requested_at, p.received_at) as requested_at,
      coalesce(r.outcome, p.outcome) as outcome, coalesce(r.kind, p.kind) as kind,
      coalesce(r.dynamics_id, p.dynamics_id) as dynamics_id, coalesce(r.reason, p.code) as code,
      r.completed_at, nullif(p.callback, 'none') as callback,
      case when coalesce(r.outcome, p.outcome) is null then (
        select count(*) from chunk_persons o join chunks c on c.key = o.chunk_key
        where o.outcome is null and c.received_at < p.received_at) end as ahead
    from (select * from requests where marketo_id = ${marketoId}) r
    full join (
      select chunk_persons.*, chunks.campaign_id, chunks.received_at, chunks.callback
      from chunk_persons join chunks on chunks.key = chunk_persons.chunk_key
      where marketo_id = ${marketoId}) p on p.request_id::text = r.id
    order by 4 desc limit ${most}`.execute(db);
  return rows.map((row) => ({
    requestId: row.id,
    campaignId: row.campaign_id,
    syncAs: row.sync_as,
    requestedAt: row.requested_at.toISOString(),
    outcome: row.outcome,
    kind: row.kind,
    dynamicsId: row.dynamics_id,
    code: row.code,
    completedAt: row.completed_at?.toISOString() ?? null,
    callback: row.callback,
    ahead: row.ahead,
  }));
};
