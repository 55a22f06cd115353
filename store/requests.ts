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

/** A request with what became of it. */
export type RecordedRequest = StoredRequest & StoredOutcome & { readonly marketoId: number };

/** Keeps what became of requests of one person; the first outcome of a request stands. */
export const recordRequests = (
  db: Database,
  marketoId: number,
  requests: readonly StoredRequest[],
  result: StoredOutcome,
): Promise<void> =>
  recordEachRequest(
    db,
    requests.map((request) => ({ ...request, marketoId, ...result })),
  );

/** The same for requests of many persons. */
export const recordEachRequest = async (
  db: Database,
  recorded: readonly RecordedRequest[],
): Promise<void> => {
  if (recorded.length === 0) return;
  await db
    .insertInto('requests')
    .values(
      recorded.map((request) => ({
        id: request.requestId,
        marketo_id: request.marketoId,
        campaign_id: request.campaignId,
        sync_as: request.syncAs,
        requested_at: request.requestedAt,
        outcome: request.outcome,
        kind: request.kind,
        dynamics_id: request.dynamicsId,
        reason: request.code,
        completed_at: sql<Date>`clock_timestamp()`,
      })),
    )
    .onConflict((oc) => oc.doNothing())
    .execute();
};
