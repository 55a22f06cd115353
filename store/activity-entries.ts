import { sql } from 'kysely';
import type { IsoInstant } from '../rules/terms.js';
import type { Database } from './database.js';
import type { ActivityEntry } from './rejections.js';

export interface DueEntry extends ActivityEntry {
  /** `sent`: a call that carried it got no answer; it may stand in the log already. */
  readonly state: 'pending' | 'sent';
  /** Of the call in doubt; of one that Marketo skipped: until when it waits. */
  readonly deadline: IsoInstant | null;
}

/** A new entry, or one that Marketo skipped and that has waited long enough. */
const IS_READY = sql<boolean>`state = 'pending' and (deadline is null or deadline < clock_timestamp())`;

/** Entries that may be sent now, new ones first: also those in doubt whose call is over since `doubtMs`. */
export const dueEntries = async (db: Database, limit: number, doubtMs: number): Promise<DueEntry[]> => {
  const rows = await db
    .selectFrom('activity_entries')
    .selectAll()
    .where((eb) =>
      eb.or([
        IS_READY,
        eb.and([
          eb('state', '=', 'sent'),
          eb('deadline', '<', sql<Date>`clock_timestamp() - ${doubtMs} * interval '1 millisecond'`),
        ]),
      ]),
    )
    .orderBy(sql`deadline is not null`)
    .orderBy('at')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    linkId: row.link_id,
    marketoId: row.marketo_id,
    type: row.type,
    primaryValue: row.primary_value,
    attributes: row.attributes,
    at: row.at.toISOString(),
    state: row.state === 'sent' ? 'sent' : 'pending',
    deadline: row.deadline?.toISOString() ?? null,
  }));
};

/**
 * Takes entries for one call, each only if it still stands as it was found: whoever looked for it in the log and stalled
 * knows nothing of a call that another worker made since.
 */
export const takeEntries = async (
  db: Database,
  entries: readonly DueEntry[],
  deadline: IsoInstant,
): Promise<Set<string>> => {
  if (entries.length === 0) return new Set();
  const found = entries.map(({ id, state, deadline: known }) => ({ id, state, deadline: known }));
  const { rows } = await sql<{ id: string }>`
    update activity_entries set state = 'sent', deadline = ${deadline}
    from jsonb_to_recordset(${JSON.stringify(found)}::jsonb) as x (id uuid, state text, deadline timestamptz)
    where activity_entries.id = x.id and activity_entries.state = x.state
      and activity_entries.deadline is not distinct from x.deadline
    returning activity_entries.id`.execute(db);
  return new Set(rows.map(({ id }) => id));
};

export type EntryEnd =
  | { readonly id: string; readonly state: 'logged'; readonly guid: string }
  | { readonly id: string; readonly state: 'abandoned' }
  /** Sent again; not before `deadline`, where there is one. */
  | { readonly id: string; readonly state: 'pending'; readonly deadline?: IsoInstant };

export const endEntries = async (db: Database, ends: readonly EntryEnd[]): Promise<void> => {
  if (ends.length === 0) return;
  await sql`update activity_entries set state = x.state, guid = x.guid, deadline = x.deadline
    from jsonb_to_recordset(${JSON.stringify(ends)}::jsonb) as x (id uuid, state text, guid text, deadline timestamptz)
    where activity_entries.id = x.id`.execute(db);
};

/** Entries that a cycle has to look at. */
export const countDueEntries = async (db: Database): Promise<number> => {
  const { count } = await db
    .selectFrom('activity_entries')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where((eb) => eb.or([IS_READY, eb('state', '=', 'sent')]))
    .executeTakeFirstOrThrow();
  return count;
};
