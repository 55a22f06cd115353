import { sql } from 'kysely';
import type { Database } from './database.js';

/** Marks ambiguous groups for another look, because one of their e-mails or candidates moved. */
export const wakeAmbiguous = async (
  db: Database,
  moved: {
    readonly emailKeys: readonly string[];
    readonly persons: readonly number[];
    readonly rows?: readonly string[];
  },
): Promise<void> => {
  const { emailKeys, persons, rows = [] } = moved;
  if (emailKeys.length + persons.length + rows.length === 0) return;
  const candidates = persons.map((id) => JSON.stringify([{ side: 'marketo', id: String(id) }]));
  await sql`
    update links set dirty = true, version = version + 1
    where status = 'ambiguous' and not dirty and (
      email_key in (select jsonb_array_elements_text(${JSON.stringify(emailKeys)}::jsonb))
      or dynamics_id::text in (select jsonb_array_elements_text(${JSON.stringify(rows)}::jsonb))
      or exists (
        select from jsonb_array_elements_text(${JSON.stringify(candidates)}::jsonb) as candidate
        where candidates @> candidate::jsonb))`.execute(db);
};
