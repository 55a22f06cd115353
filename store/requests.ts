import { sql } from 'kysely';
import type { IsoInstant, Kind } from '../rules/terms.js';
import type { Database } from './database.js';

/** A campaign's request for one person, as it came. */
export interface StoredRequest {
  readonly requestId: string;
  readonly campaignId: string | null;
  readonly requestedAt: IsoInstant;
  readonly syncAs: Kind;
}

export interface StoredOutcome {
  readonly outcome: string;
  readonly kind: Kind | null;
  readonly dynamicsId: string | null;
  readonly code: string | null;
}

/** Keeps what became of requests; the first outcome of a request stands. */
export const recordRequests = async (
  db: Database,
  marketoId: number,
  requests: readonly StoredRequest[],
  result: StoredOutcome,
): Promise<void> => {
  if (requests.length === 0) return;
  await db
    .insertInto('requests')
    .values(
      requests.map((request) => ({
        id: request.requestId,
        marketo_id: marketoId,
        campaign_id: request.campaignId,
        sync_as: request.syncAs,
        requested_at: request.requestedAt,
        outcome: result.outcome,
        kind: result.kind,
        dynamics_id: result.dynamicsId,
        reason: result.code,
        completed_at: sql<Date>`clock_timestamp()`,
      })),
    )
    .onConflict((oc) => oc.doNothing())
    .execute();
};
