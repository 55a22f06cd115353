/** Why everything ends before its time: somebody asked for it, or a part failed. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/** `npm` passes on the signal that the terminal has already sent to us: that is not a second Ctrl-C. */
const SAME_MS = 700;

const LAUNCHER_MS = 500;

/**
 * `npm` passes SIGTERM on to the shell in between, which ends without a word to us: then nobody is left who could stop
 * this program, and nobody who waits for it. Started by hand it may well outlive the shell.
 */
const watchLauncher = (stop: () => void): NodeJS.Timeout | undefined => {
  if (process.env['npm_lifecycle_event'] === undefined) return undefined;
  const launcher = process.ppid;
  return setInterval(() => {
    if (process.ppid !== launcher) stop();
  }, LAUNCHER_MS).unref();
};

/**
 * Aborts `halt` at the first Ctrl-C or SIGTERM, when npm is gone, and when nobody reads what is said any more; calls
 * `kill` at the second Ctrl-C.
 *
 * @returns a function that stops listening.
 */
export const listenForStop = (halt: AbortController, kill: () => void): (() => void) => {
  let first: number | undefined;
  const stop = (): void => halt.abort(new Stopped('stopped'));
  const onSignal = (): void => {
    const now = performance.now();
    first ??= now;
    if (now - first > SAME_MS) kill();
    else stop();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  // Stays: what is said while stopping fails as well.
  process.stdout.on('error', stop);
  const watch = watchLauncher(stop);
  return () => {
    clearInterval(watch);
    for (const signal of signals) process.off(signal, onSignal);
  };
};
