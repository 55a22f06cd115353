/** A request that cannot be granted; its message is what the caller is told. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: 400 | 401 | 403 | 415 | 429 | 500;
  /** Seconds. */
  readonly retryAfter: number | undefined;

  constructor(status: Refused['status'], message: string, retryAfter?: number) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** What the caller of a refused request is told, whoever refuses it. */
export const told = (error: string, requestId: string): object => ({ error, requestId });

/** Gives up waiting, not the work itself. @throws {Refused} 500 when it takes too long */
export const within = async <T>(ms: number, what: string, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Refused(500, `${what} takes too long; try again`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
};
