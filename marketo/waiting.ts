import { orAborted } from '../rules/or-aborted.js';

/** Resolves after `durationMs`; rejects with the signal's reason as soon as that is aborted. */
export function wait(durationMs: number, signal?: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const rest = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, durationMs);
  });
  return orAborted(rest, signal).finally(() => clearTimeout(timer));
}
