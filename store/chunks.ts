import { sql } from 'kysely';
import type { IsoInstant, Kind } from '../rules/terms.js';
import type { Database } from './database.js';

export type OwnerType = 'systemuser' | 'team';

/** One person of a chunk: what was asked for, and what came of it as far as it is known. */
export interface ChunkPerson {
  readonly marketoId: number;
  /** UUID that follows from chunk and person, so that a chunk delivered again asks for nothing new. */
  readonly requestId: string;
  readonly syncAs: Kind;
  readonly ownerId: string | null;
  readonly ownerType: OwnerType | null;
  readonly outcome: string | null;
  readonly kind: Kind | null;
  readonly dynamicsId: string | null;
  readonly code: string | null;
}

/** What a campaign handed in. */
export interface NewChunk {
  readonly key: string;
  readonly source: 'flow-step' | 'webhook';
  readonly campaignId: string | null;
  /** Each person by a workflow of its own, at once; otherwise all of them in one. */
  readonly realTime: boolean;
  readonly munchkinId: string | null;
  /** Encrypted; null where nobody is called back. */
  readonly secrets: string | null;
  /** How long the callback is tried. */
  readonly patienceMs: number;
  readonly persons: readonly Omit<ChunkPerson, 'kind' | 'dynamicsId'>[];
}

/** A gateway that has answered and not started the work by then is taken for dead. */
const START_WITHIN_MS = 10_000;

/**
 * Keeps a chunk with its persons, in one statement. One that is there already is left as it is.
 *
 * @returns true if it is new.
 */
export const insertChunk = async (db: Database, chunk: NewChunk): Promise<boolean> => {
  const persons = JSON.stringify(
    chunk.persons.map(({ marketoId, requestId, syncAs, ownerId, ownerType, outcome, code }) => ({
      ...{ marketo_id: marketoId, request_id: requestId, sync_as: syncAs, owner_id: ownerId },
      ...{ owner_type: ownerType, outcome, code },
    })),
  );
  const { rows } = await sql<{ key: string }>`
    with fresh as (
      insert into chunks (key, source, campaign_id, real_time, munchkin_id, secrets, callback, due_at, last_at)
      values (${chunk.key}, ${chunk.source}, ${chunk.campaignId}, ${chunk.realTime}, ${chunk.munchkinId}, ${chunk.secrets},
        ${chunk.secrets === null ? 'none' : 'open'},
        clock_timestamp() + ${START_WITHIN_MS} * interval '1 millisecond',
        clock_timestamp() + ${chunk.patienceMs} * interval '1 millisecond')
      on conflict do nothing returning key),
    people as (
      insert into chunk_persons (
        chunk_key, marketo_id, request_id, sync_as, owner_id, owner_type, outcome, code)
      select fresh.key, marketo_id, request_id, sync_as, owner_id, owner_type, outcome, code
      from fresh, jsonb_to_recordset(${persons}::jsonb) as x (
        marketo_id bigint, request_id uuid, sync_as text, owner_id uuid, owner_type text, outcome text, code text)
      on conflict do nothing)
    select key from fresh`.execute(db);
  return rows.length > 0;
};

export interface Chunk {
  readonly key: string;
  readonly campaignId: string | null;
  readonly realTime: boolean;
  readonly munchkinId: string | null;
  readonly secrets: string | null;
  readonly receivedAt: IsoInstant;
  readonly started: boolean;
  /** The last date of its callback is past. */
  readonly expired: boolean;
  readonly callback: 'none' | 'open' | 'accepted' | 'refused' | 'expired';
}

export const chunkByKey = async (db: Database, key: string): Promise<Chunk | undefined> => {
  const row = await db.selectFrom('chunks').selectAll().where('key', '=', key).executeTakeFirst();
  return (
    row && {
      key: row.key,
      campaignId: row.campaign_id,
      realTime: row.real_time,
      munchkinId: row.munchkin_id,
      secrets: row.secrets,
      receivedAt: row.received_at.toISOString(),
      started: row.started_at !== null,
      expired: row.last_at.getTime() <= Date.now(),
      callback: row.callback,
    }
  );
};

/** The persons of a chunk in order of id; with `open`, those that have no outcome yet. */
export const personsOfChunk = async (
  db: Database,
  key: string,
  which: 'all' | 'open' | 'unrecorded' = 'all',
): Promise<ChunkPerson[]> => {
  let found = db.selectFrom('chunk_persons').selectAll().where('chunk_key', '=', key);
  if (which === 'open') found = found.where('outcome', 'is', null);
  if (which === 'unrecorded') found = found.where('outcome', 'is not', null).where('recorded', '=', false);
  const rows = await found.orderBy('marketo_id').execute();
  return rows.map((row) => ({
    marketoId: row.marketo_id,
    requestId: row.request_id,
    syncAs: row.sync_as,
    ownerId: row.owner_id,
    ownerType: row.owner_type,
    outcome: row.outcome,
    kind: row.kind,
    dynamicsId: row.dynamics_id,
    code: row.code,
  }));
};

export interface PersonOutcome {
  readonly requestId: string;
  readonly outcome: string;
  readonly kind: Kind | null;
  readonly dynamicsId: string | null;
  readonly code: string | null;
}

/** Keeps what became of requests that came in chunks; the first outcome of a request stands. */
export const keepOutcomes = async (
  db: Database,
  outcomes: readonly PersonOutcome[],
  recorded = false,
): Promise<void> => {
  if (outcomes.length === 0) return;
  const documents = JSON.stringify(
    outcomes.map(({ requestId, outcome, kind, dynamicsId, code }) => ({
      ...{ request_id: requestId, outcome, kind, dynamics_id: dynamicsId, code },
    })),
  );
  await sql`
    update chunk_persons set recorded = chunk_persons.recorded or ${recorded},
      outcome = coalesce(chunk_persons.outcome, x.outcome),
      kind = case when chunk_persons.outcome is null then x.kind else chunk_persons.kind end,
      dynamics_id = case when chunk_persons.outcome is null then x.dynamics_id else chunk_persons.dynamics_id end,
      code = case when chunk_persons.outcome is null then x.code else chunk_persons.code end
    from jsonb_to_recordset(${documents}::jsonb) as x (
      request_id uuid, outcome text, kind text, dynamics_id uuid, code text)
    where chunk_persons.request_id = x.request_id`.execute(db);
};

export const markRecorded = async (db: Database, key: string): Promise<void> => {
  await db
    .updateTable('chunk_persons')
    .set({ recorded: true })
    .where('chunk_key', '=', key)
    .where('outcome', 'is not', null)
    .execute();
};

/** Looked at again so long after it was started, should its workflow have got lost with Temporal's own data. */
const START_AGAIN_MS = 60 * 60 * 1000;

export const markStarted = async (db: Database, key: string): Promise<void> => {
  await sql`update chunks set started_at = coalesce(started_at, clock_timestamp()),
      due_at = clock_timestamp() + ${START_AGAIN_MS} * interval '1 millisecond'
    where key = ${key} and due_at is not null`.execute(db);
};

/** Has the sweep look at a chunk after this time. */
export const dueAfter = async (db: Database, key: string, ms: number): Promise<void> => {
  await sql`update chunks set due_at = clock_timestamp() + ${ms} * interval '1 millisecond'
    where key = ${key} and due_at is not null`.execute(db);
};

/** A sweep that dies with what it took leaves it to the next one after this time. */
const SWEEP_MS = 60_000;

/** Takes chunks that are due, each for one sweep alone. */
export const takeDueChunks = async (db: Database, most: number): Promise<string[]> => {
  const { rows } = await sql<{ key: string }>`
    update chunks set due_at = clock_timestamp() + ${SWEEP_MS} * interval '1 millisecond'
    where key in (
      select key from chunks where due_at <= clock_timestamp() order by due_at limit ${most}
      for update skip locked)
    returning key`.execute(db);
  return rows.map(({ key }) => key);
};

/** Closes a chunk that calls nobody back, once every person has its outcome. */
export const closeSilentChunk = async (db: Database, key: string): Promise<void> => {
  await sql`update chunks set due_at = null, closed_at = clock_timestamp()
    where key = ${key} and callback = 'none' and not exists (
      select 1 from chunk_persons where chunk_key = ${key} and (outcome is null or not recorded))`.execute(
    db,
  );
};

/** Chunks are of no use once nobody can deliver them again or ask about them. */
export const forgetChunks = async (db: Database, olderThanMs: number): Promise<number> => {
  const { numDeletedRows } = await db
    .deleteFrom('chunks')
    .where('closed_at', '<', sql<Date>`clock_timestamp() - ${olderThanMs} * interval '1 millisecond'`)
    .executeTakeFirst();
  return Number(numDeletedRows);
};
