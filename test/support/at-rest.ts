import type { Link } from '../../rules/link.js';
import { keyOf, type AdminDoors } from '../../simulators/admin-doors.js';
import type { Database } from '../../store/database.js';

/** Nothing is open, in doubt or still to be told. */
export const isSettled = async (db: Database, links: readonly Link[]): Promise<boolean> => {
  const open = links.filter(
    ({ dirty, writes, creation }) =>
      dirty || creation !== null || writes.some(({ state }) => state === 'sent' || state === 'answered'),
  );
  const untold = await db
    .selectFrom('activity_entries')
    .select('id')
    .where('state', 'in', ['pending', 'sent'])
    .execute();
  return open.length === 0 && untold.length === 0;
};

/** Keys that should belong to one record and belong to several. */
export const findDuplicates = async (doors: AdminDoors): Promise<string[]> => {
  const keys: string[] = [];
  for await (const page of doors.persons())
    for (const { id, email, dynamicsId } of page)
      keys.push(
        `person of e-mail ${String(email ?? id)}`,
        `person of row ${String(dynamicsId ?? `none ${String(id)}`)}`,
      );
  for (const table of ['leads', 'contacts'] as const)
    for await (const page of doors.rows(table))
      for (const row of page) keys.push(`row of e-mail ${String(row['emailaddress1'] ?? keyOf(table, row))}`);
  return keys.filter((key, index) => keys.indexOf(key) !== index);
};
