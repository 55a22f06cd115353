import { sql } from 'kysely';
import type { Database } from './database.js';

/** The right to make one callback. */
export type CallbackTurn =
  | { readonly state: 'yours'; readonly attempt: number; readonly doubtful: boolean }
  /** Somebody's call is under way, or its answer is lost: not before this time, in milliseconds. */
  | { readonly state: 'taken'; readonly waitMs: number }
  /** There is nothing to call back for, or it is over. */
  | { readonly state: 'over' };

/**
 * Takes the turn for one callback, before it is sent: never two at a time, so that the one-time token is used by one call.
 * A call whose caller died is in doubt until its deadline; the next one is told so.
 *
 * @param deadlineMs after which the call is over for certain.
 */
export const takeCallbackTurn = async (
  db: Database,
  key: string,
  deadlineMs: number,
): Promise<CallbackTurn> => {
  const { rows } = await sql<{ attempt: number; doubtful: boolean }>`
    update chunks set callback_attempts = callback_attempts + 1,
      callback_in_doubt = callback_in_doubt or callback_deadline is not null,
      callback_deadline = clock_timestamp() + ${deadlineMs} * interval '1 millisecond'
    where key = ${key} and callback = 'open' and (callback_deadline is null or callback_deadline < clock_timestamp())
    returning callback_attempts as attempt, callback_in_doubt as doubtful`.execute(db);
  const [mine] = rows;
  if (mine !== undefined) return { state: 'yours', ...mine };
  return whyNot(db, key);
};

const whyNot = async (db: Database, key: string): Promise<CallbackTurn> => {
  const { rows } = await sql<{ open: boolean; wait: number | null }>`
    select callback = 'open' as open, extract(epoch from callback_deadline - clock_timestamp())::float8 * 1000 as wait
    from chunks where key = ${key}`.execute(db);
  const [row] = rows;
  if (row?.open !== true) return { state: 'over' };
  return { state: 'taken', waitMs: Math.max(0, Math.ceil(row.wait ?? 0)) };
};

/**
 * Ends the callback of a chunk, and forgets its token, key and address with it.
 *
 * @param attempt whose answer this is; null: nobody's, for a chunk whose last date is past.
 * @returns false if another attempt has taken over meanwhile.
 */
export const endCallback = async (
  db: Database,
  key: string,
  attempt: number | null,
  end: { readonly callback: 'accepted' | 'refused' | 'expired'; readonly code: string },
): Promise<boolean> => {
  const { rows } = await sql<{ key: string }>`
    update chunks set callback = ${end.callback}, callback_code = ${end.code}, secrets = null,
      callback_deadline = null, due_at = null, closed_at = clock_timestamp()
    where key = ${key} and callback = 'open' and (${attempt}::integer is null or callback_attempts = ${attempt})
    returning key`.execute(db);
  return rows.length > 0;
};

/** The call came to nothing: the next one may be made at once, and is told if this one may have had an effect. */
export const returnCallbackTurn = async (
  db: Database,
  key: string,
  attempt: number,
  { code, doubtful }: { readonly code: string; readonly doubtful: boolean },
): Promise<void> => {
  await sql`update chunks set callback_deadline = null, callback_code = ${code},
      callback_in_doubt = callback_in_doubt or ${doubtful}
    where key = ${key} and callback = 'open' and callback_attempts = ${attempt}`.execute(db);
};
