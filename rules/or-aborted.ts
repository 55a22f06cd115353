/** `work`, unless the signal is aborted first: then this caller stops waiting, and `work` goes on for others. */
export async function orAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return work;
  // Whoever gave up no longer listens; a later failure of the work is not theirs.
  work.catch(() => undefined);
  signal.throwIfAborted();
  let giveUp = (): void => undefined;
  const aborted = new Promise<typeof ABORTED>((resolve) => {
    giveUp = () => resolve(ABORTED);
    signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    const first = await Promise.race([work, aborted]);
    if (first !== ABORTED) return first;
    signal.throwIfAborted();
    return await work;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

const ABORTED = Symbol('aborted');
