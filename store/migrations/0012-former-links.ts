import { sql, type Kysely } from 'kysely';

/** The links that a person had before are found without reading every link: each request, and each new pair, looks for them. */
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql`create index links_former on links (marketo_id) where status = 'ended'`.execute(db);
};
