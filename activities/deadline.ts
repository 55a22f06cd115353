import { setMaxListeners } from 'node:events';
import type { IsoInstant } from '../rules/terms.js';

/**
 * Gives a call up, waiting for its budget included, at the deadline that the store was told: after it nothing runs. A
 * worker that stalled meanwhile finds it over and does not call at all.
 */
export const until = (signal: AbortSignal, deadline: IsoInstant): AbortSignal =>
  within(signal, Date.parse(deadline) - Date.now());

/**
 * A signal that aborts with `signal`, or after `ms`. Not made of `AbortSignal.any`, which holds its sources weakly and
 * can lose an abort with them (nodejs/node#65995); here the timer holds what it is to strike.
 */
export const within = (signal: AbortSignal, ms: number): AbortSignal => {
  const call = new AbortController();
  const giveUp = (): void => call.abort(signal.reason);
  const strike = (): void => {
    signal.removeEventListener('abort', giveUp);
    call.abort(new DOMException('the time for this call is over', 'TimeoutError'));
  };
  if (signal.aborted) giveUp();
  else if (ms <= 0) strike();
  else {
    // One attempt makes many calls; each lets go of it when its time is over.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', giveUp, { once: true });
    setTimeout(strike, ms).unref();
  }
  return call.signal;
};
