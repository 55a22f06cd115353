import { RemoteFailure } from '../rules/failures.js';
import { markDay, noteDayUnread, noteDayUse } from '../store/budget-day.js';
import { within } from './deadline.js';
import { tokenOf } from './failures.js';
import type { Ports } from './settings.js';

/** A number that serves only foresight is not waited for longer. */
const PATIENCE_MS = 30_000;

/**
 * Asks Marketo how many calls all integrations made today, so that the cycle stops before the reserve for on-demand is
 * touched. A Marketo that does not tell is no reason not to sync: what is known of our own calls still counts.
 */
export const refreshDayUse = async (
  { db, marketo }: Pick<Ports, 'db' | 'marketo'>,
  signal: AbortSignal,
): Promise<void> => {
  const mark = await markDay(db, 'marketo');
  try {
    await noteDayUse(db, 'marketo', mark, await marketo.usage(within(signal, PATIENCE_MS)));
  } catch (error) {
    signal.throwIfAborted();
    // The day is known to be used up, or a used-up day was told: the next call says so again.
    if (error instanceof RemoteFailure && error.type === 'QuotaExhausted') return;
    await noteDayUnread(db, 'marketo', reasonOf(error));
  }
};

const reasonOf = (error: unknown): string => {
  if (error instanceof RemoteFailure) {
    const code = tokenOf(error.details.code);
    return code === undefined ? error.type : `${error.type} (${code})`;
  }
  return error instanceof Error ? error.name : 'unknown';
};
