import { sql, type Kysely } from 'kysely';

/** Qualification and merges: which row took whose place, until the pair has followed. */
export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
};

const STATEMENTS = [
  `alter table links
    -- what took the row's place, as long as its pair has not followed
    add column successor jsonb,
    -- the lead that a contact was made of
    add column predecessor uuid,
    drop constraint links_status_check,
    add constraint links_status_check check (status in (
      'unmatched', 'linked', 'ambiguous', 'ended', 'tombstone', 'excluded', 'merged-away'))`,
  `create index links_successor on links (id) where successor is not null and status not in ('excluded', 'ended')`,
  `create index links_merged_away on links (id) where status = 'merged-away'`,
  `create index links_predecessor on links (predecessor) where predecessor is not null`,
];
