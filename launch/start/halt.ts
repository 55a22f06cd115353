/** Why everything ends before its time: somebody asked for it, or a part failed. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/** `npm` passes on the signal that the terminal has already sent to us: that is not a second Ctrl-C. */
const SAME_MS = 700;

/**
 * Aborts `halt` at the first Ctrl-C or SIGTERM, and calls `kill` at the second.
 *
 * @returns a function that stops listening.
 */
export const listenForStop = (halt: AbortController, kill: () => void): (() => void) => {
  let first: number | undefined;
  const onSignal = (): void => {
    const now = performance.now();
    first ??= now;
    if (now - first > SAME_MS) kill();
    else halt.abort(new Stopped('stopped'));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
};

/** Fails with the reason as soon as the signal aborts; the work itself goes on. */
export const orHalt = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const fail = (): void => reject(signal.reason as Error);
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', fail));
  });
