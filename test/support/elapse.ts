import { sql } from 'kysely';
import type { Write } from '../../rules/link.js';
import type { Database } from '../../store/database.js';

const earlier = (at: string, ms: number): string => new Date(Date.parse(at) - ms).toISOString();

const writeEarlier = (write: Write, ms: number): Write => ({
  ...write,
  at: earlier(write.at, ms),
  deadline: write.deadline === null ? null : earlier(write.deadline, ms),
});

/** Lets time pass for everything in the store that waits for a moment, instead of waiting for it. */
export const elapse = async (db: Database, ms: number): Promise<void> => {
  const links = await db.selectFrom('links').select(['id', 'writes', 'creation']).execute();
  for (const { id, writes, creation } of links) {
    const moved = creation && {
      ...creation,
      sentAt: creation.sentAt && earlier(creation.sentAt, ms),
      deadline: creation.deadline && earlier(creation.deadline, ms),
    };
    await db
      .updateTable('links')
      .set({
        writes: JSON.stringify(writes.map((write) => writeEarlier(write, ms))),
        creation: sql<string>`${moved && JSON.stringify(moved)}::jsonb`,
      })
      .where('id', '=', id)
      .execute();
  }
  const span = sql`${ms} * interval '1 millisecond'`;
  await sql`update links set check_at = check_at - ${span}, claim_until = claim_until - ${span}`.execute(db);
  await sql`update activity_entries set deadline = deadline - ${span}`.execute(db);
  await sql`update email_claims set held_until = held_until - ${span}`.execute(db);
};
