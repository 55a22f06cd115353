import { sql } from 'kysely';
import type { Database } from './database.js';

/**
 * Claims links for one worker's attempt, so that nobody else works on them; a claim outlives the longest call and ends
 * by itself when its holder died.
 *
 * @returns ids that this holder has now; those held by somebody else are missing.
 */
export const claimLinks = async (
  db: Database,
  ids: readonly number[],
  holder: string,
  durationMs: number,
): Promise<Set<number>> => {
  if (ids.length === 0) return new Set();
  const rows = await db
    .updateTable('links')
    .set({
      claim_holder: holder,
      claim_until: sql`clock_timestamp() + ${durationMs} * interval '1 millisecond'`,
    })
    .where('id', 'in', ids)
    .where((eb) =>
      eb.or([
        eb('claim_holder', 'is', null),
        eb('claim_holder', '=', holder),
        eb('claim_until', '<', sql<Date>`clock_timestamp()`),
      ]),
    )
    .returning('id')
    .execute();
  return new Set(rows.map(({ id }) => id));
};

export const releaseLinks = async (db: Database, ids: readonly number[], holder: string): Promise<void> => {
  if (ids.length === 0) return;
  await db
    .updateTable('links')
    .set({ claim_holder: null, claim_until: null })
    .where('id', 'in', ids)
    .where('claim_holder', '=', holder)
    .execute();
};

/**
 * Claims e-mails while their groups are matched and created.
 *
 * @returns the keys that this holder has now.
 */
export const claimEmails = async (
  db: Database,
  emailKeys: readonly string[],
  holder: string,
  durationMs: number,
): Promise<Set<string>> => {
  if (emailKeys.length === 0) return new Set();
  const { rows } = await sql<{ email_key: string }>`
    insert into email_claims (email_key, holder, held_until)
    select key, ${holder}::uuid, clock_timestamp() + ${durationMs} * interval '1 millisecond'
    from jsonb_array_elements_text(${JSON.stringify([...new Set(emailKeys)].sort())}::jsonb) as key
    on conflict (email_key) do update set holder = excluded.holder, held_until = excluded.held_until
      where email_claims.holder = excluded.holder or email_claims.held_until < clock_timestamp()
    returning email_key`.execute(db);
  return new Set(rows.map(({ email_key }) => email_key));
};

export const releaseEmails = async (db: Database, holder: string): Promise<void> => {
  await db.deleteFrom('email_claims').where('holder', '=', holder).execute();
};
