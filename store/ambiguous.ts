import { sql } from 'kysely';
import type { Database } from './database.js';

/** Marks ambiguous groups for another look, because one of their e-mails or candidates moved. */
export const wakeAmbiguous = async (
  db: Database,
  moved: { readonly emailKeys: readonly string[]; readonly persons: readonly number[] },
): Promise<void> => {
  if (moved.emailKeys.length === 0 && moved.persons.length === 0) return;
  const candidates = moved.persons.map((id) => JSON.stringify([{ side: 'marketo', id: String(id) }]));
  await sql`
    update links set dirty = true, version = version + 1
    where status = 'ambiguous' and not dirty and (
      email_key in (select jsonb_array_elements_text(${JSON.stringify(moved.emailKeys)}::jsonb))
      or exists (
        select from jsonb_array_elements_text(${JSON.stringify(candidates)}::jsonb) as candidate
        where candidates @> candidate::jsonb))`.execute(db);
};
