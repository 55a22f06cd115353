import { sql, type Kysely } from 'kysely';

/** The backfill lane: what is to be read there, and how far its passes have come. */
export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
};

const STATEMENTS = [
  `alter table links
    add column backfill_marketo boolean not null default false,
    add column backfill_dynamics boolean not null default false`,
  `create index links_backfill on links (id) where backfill_marketo or backfill_dynamics`,

  // The fields that links are held for: what is added is first forgotten, then read; what is taken out is forgotten.
  `create table selected_fields (
    kind text not null,
    field text not null,
    dynamics_column text not null,
    primary key (kind, field)
  )`,

  // Passes over everything. Marketo's side goes by link, in order of id; Dynamics' by its tables.
  `create table reconciliations (
    id bigint generated always as identity primary key,
    reason text not null check (reason in ('schedule', 'request', 'outage')),
    asked_at timestamptz not null,
    started_at timestamptz,
    completed_at timestamptz,
    stage text not null default 'persons' check (stage in ('persons', 'lead', 'contact', 'done')),
    after_link bigint not null default 0,
    -- merges in Marketo that no cycle was told of were looked up
    merges_read boolean not null default false,
    counts jsonb not null default '{}',
    check ((stage = 'done') = (completed_at is not null))
  )`,
  `create unique index reconciliations_open on reconciliations ((true)) where completed_at is null`,
];
