import { sql, type Kysely } from 'kysely';

export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
};

const STATEMENTS = [
  `create table installations (
    id uuid primary key,
    name text not null unique,
    created_at timestamptz not null default now(),
    sync_user_id uuid not null,
    organization_id uuid not null,
    activity_types jsonb not null,
    choices jsonb not null
  )`,

  // One row: what both schemas said when they were last read.
  `create table catalogs (
    name text primary key,
    content jsonb not null,
    read_at timestamptz not null
  )`,

  `create table cycles (
    number integer primary key,
    planned_at timestamptz not null default now(),
    started_at timestamptz,
    -- the last sign of life; stands in for the end of a cycle that was cut off
    active_at timestamptz,
    completed_at timestamptz,
    outcome text check (outcome in ('completed', 'failed')),
    not_before timestamptz,
    counts jsonb not null default '{}'
  )`,

  `create table cursors (
    stream text primary key,
    position text not null,
    -- what the position was made for; another selection needs another cursor
    selection text not null,
    -- the remote's own clock when the stream was last read to its end
    mark timestamptz not null,
    version integer not null default 1
  )`,

  // Entries of Marketo's streams that were handled within the overlap window, which is read again each time.
  `create table handled_entries (
    guid text primary key,
    at timestamptz not null
  )`,
  `create index handled_entries_at on handled_entries (at)`,

  `create table links (
    id bigint generated always as identity primary key,
    version integer not null default 1,
    kind text not null check (kind in ('lead', 'contact')),
    status text not null check (status in ('unmatched', 'linked', 'ambiguous', 'ended', 'tombstone', 'excluded')),
    marketo_id bigint,
    dynamics_id uuid,
    email_key text,
    dirty boolean not null default true,
    reread_marketo boolean not null default false,
    reread_dynamics boolean not null default false,
    stamp jsonb,
    etag text,
    agreed jsonb not null default '{"marketo":{},"dynamics":{}}',
    seen jsonb not null default '{"marketo":{},"dynamics":{}}',
    writes jsonb not null default '[]',
    overtaken jsonb not null default '{}',
    parked jsonb not null default '{}',
    causes jsonb not null default '{}',
    creation jsonb,
    candidates jsonb,
    -- the earliest moment at which an open write is overdue for a read-back
    check_at timestamptz,
    claim_holder uuid,
    claim_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  )`,
  // Uniqueness is a constraint, not a hope: a person and a row have one living link each.
  `create unique index links_person on links (marketo_id) where status <> 'ended'`,
  `create unique index links_row on links (dynamics_id)`,
  `create index links_dirty on links (id) where dirty`,
  `create index links_email on links (email_key) where status in ('unmatched', 'ambiguous')`,
  `create index links_reread_marketo on links (id) where reread_marketo`,
  `create index links_reread_dynamics on links (id) where reread_dynamics`,
  `create index links_check on links (check_at) where check_at is not null`,

  // Ids that a full read of a table has met so far: what is linked and missing in the end was deleted meanwhile.
  `create unlogged table loaded_rows (
    kind text not null,
    dynamics_id uuid not null,
    primary key (kind, dynamics_id)
  )`,

  // Held while a group of one e-mail is matched and created, so that a cycle and a request meet.
  `create table email_claims (
    email_key text primary key,
    holder uuid not null,
    held_until timestamptz not null
  )`,

  `create table rejections (
    id uuid primary key,
    link_id bigint not null references links (id),
    cycle integer not null,
    side text not null check (side in ('marketo', 'dynamics')),
    -- null: the record as a whole
    field text,
    code text not null,
    message text not null,
    -- rejections of one cause are counted and mended together
    cause text not null,
    value jsonb,
    at timestamptz not null default now(),
    closed_at timestamptz
  )`,
  `create index rejections_open on rejections (link_id) where closed_at is null`,
  `create index rejections_cause on rejections (cause) where closed_at is null`,

  // What is still to be written to persons' activity logs: Marketo's log has no idempotency key, so this is ours.
  `create table activity_entries (
    id uuid primary key,
    link_id bigint,
    marketo_id bigint not null,
    type text not null check (type in ('refused', 'syncPerson')),
    primary_value text not null,
    attributes jsonb not null,
    at timestamptz not null,
    state text not null default 'pending' check (state in ('pending', 'sent', 'logged', 'abandoned')),
    deadline timestamptz,
    guid text
  )`,
  `create index activity_entries_due on activity_entries (at) where state in ('pending', 'sent')`,

  `create table ledger (
    at timestamptz not null default now(),
    link_id bigint not null,
    cycle integer not null,
    side text not null check (side in ('marketo', 'dynamics')),
    -- by field: rule, value, and the loser's value of a collision
    decisions jsonb not null
  ) partition by range (at)`,
  `create index ledger_link on ledger (link_id, at)`,

  `create table field_notices (
    kind text not null,
    field text not null,
    code text not null,
    message text not null,
    since timestamptz not null default now(),
    primary key (kind, field)
  )`,

  `create table requests (
    id text primary key,
    marketo_id bigint not null,
    campaign_id text,
    sync_as text not null check (sync_as in ('lead', 'contact')),
    requested_at timestamptz not null,
    outcome text,
    kind text,
    dynamics_id uuid,
    reason text,
    completed_at timestamptz
  )`,
  `create index requests_person on requests (marketo_id, requested_at)`,
];
