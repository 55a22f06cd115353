import { sql, type Kysely } from 'kysely';

/** Fields that both sides keep rewriting are found without reading every link; who was erased from the history is noted. */
export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
};

const STATEMENTS = [
  `create index links_swinging on links (id)
    where jsonb_path_exists(parked, '$.* ? (@.because == "swinging")')`,
  `create table erasures (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    -- the record by the id that was asked for; no values
    marketo_id bigint,
    dynamics_id uuid,
    -- how many of what: links, ledger, rejections, entries
    counts jsonb not null
  )`,
  // Erasing looks for a person's entries, whatever became of them.
  `create index activity_entries_person on activity_entries (marketo_id)`,
  `create index rejections_link on rejections (link_id)`,
];
