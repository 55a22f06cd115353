import { sql, type Kysely } from 'kysely';

/** What campaigns hand in at the gateway, kept before it is answered, until each chunk has had its callback. */
export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
};

const STATEMENTS = [
  `create table chunks (
    -- hash of the one-time token: a chunk that is delivered again is known by it
    key text primary key,
    source text not null check (source in ('flow-step', 'webhook')),
    campaign_id text,
    -- each person by a workflow of its own, at once
    real_time boolean not null,
    munchkin_id text,
    -- token, key and address of the callback, encrypted; null once they are of no use any more
    secrets text,
    received_at timestamptz not null default clock_timestamp(),
    started_at timestamptz,
    -- when somebody looks whether it has to be started (again); null once it is over
    due_at timestamptz,
    -- the callback is given up then
    last_at timestamptz not null,
    callback text not null check (callback in ('none', 'open', 'accepted', 'refused', 'expired')),
    callback_code text,
    callback_attempts integer not null default 0,
    -- a call that is under way, or whose answer was lost, until then
    callback_deadline timestamptz,
    -- a call was lost: the token may be used up already
    callback_in_doubt boolean not null default false,
    closed_at timestamptz
  )`,
  `create index chunks_due on chunks (due_at) where due_at is not null`,

  `create table chunk_persons (
    chunk_key text not null references chunks (key) on delete cascade,
    marketo_id bigint not null,
    request_id uuid not null unique,
    sync_as text not null check (sync_as in ('lead', 'contact')),
    owner_id uuid,
    owner_type text check (owner_type in ('systemuser', 'team')),
    outcome text,
    kind text,
    dynamics_id uuid,
    code text,
    -- told on the person's activity log, and in the list of requests
    recorded boolean not null default false,
    primary key (chunk_key, marketo_id)
  )`,
  `create index chunk_persons_person on chunk_persons (marketo_id)`,
  `create index chunk_persons_open on chunk_persons (chunk_key) where outcome is null`,
];
