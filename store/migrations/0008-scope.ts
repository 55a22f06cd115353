import { sql, type Kysely } from 'kysely';

/** Pairs out of scope, holds, and what operators decide about ambiguous groups. */
export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
};

const STATEMENTS = [
  `alter table links
    -- by cause: row, person, hold
    add column out_of_scope jsonb,
    add column ambiguity text,
    add column decision jsonb`,
  `create index links_out_of_scope on links (id) where out_of_scope is not null`,
  `create index links_decided on links (id) where decision is not null`,
  `create index links_ambiguous on links (id) where status = 'ambiguous'`,

  // Persons under hold that no link carries; the link takes the hold over.
  `create table held_persons (
    marketo_id bigint primary key,
    since timestamptz not null,
    held_by text not null,
    note text
  )`,
];
