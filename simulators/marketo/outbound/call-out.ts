/** A call that the simulator makes to somebody's server. */
export interface OutboundRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Until the whole answer is there; real time, whatever the simulator's clock says. */
  readonly timeoutMs: number;
  readonly mostBytes: number;
  /** Aborted when the simulator ends. */
  readonly stopped?: AbortSignal;
}

export interface OutboundAnswer {
  readonly status: number;
  /** Content type without parameters, in lower case. */
  readonly type: string;
  readonly body: Buffer;
  readonly text: string;
}

/** There was no whole answer: in time, at all, or of the size allowed; or the simulator ended. */
export class NoAnswer extends Error {
  readonly kind: 'timeout' | 'network' | 'tooLarge' | 'stopped';

  constructor(kind: NoAnswer['kind'], message: string) {
    super(message);
    this.name = 'NoAnswer';
    this.kind = kind;
  }
}

/**
 * Makes one call; redirects are not followed.
 *
 * @throws NoAnswer
 */
export async function callOut(request: OutboundRequest): Promise<OutboundAnswer> {
  const { method, url, headers = {}, body, timeoutMs, mostBytes, stopped } = request;
  const ended = new AbortController();
  const abort = (): void => ended.abort();
  const timer = setTimeout(abort, timeoutMs);
  stopped?.addEventListener('abort', abort);
  try {
    if (stopped?.aborted === true) abort();
    const content = body === undefined ? {} : { body };
    const { signal } = ended;
    const response = await fetch(url, { method, headers, redirect: 'manual', signal, ...content });
    const bytes = await bodyOf(response, mostBytes);
    const type = (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
    return { status: response.status, type, body: bytes, text: bytes.toString('utf8') };
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    if (stopped?.aborted === true) throw new NoAnswer('stopped', 'the simulator ended');
    if (ended.signal.aborted) throw new NoAnswer('timeout', `no answer within ${timeoutMs} ms`);
    throw new NoAnswer('network', causeOf(error));
  } finally {
    clearTimeout(timer);
    stopped?.removeEventListener('abort', abort);
  }
}

async function bodyOf(response: Response, mostBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > mostBytes) throw new NoAnswer('tooLarge', `the answer is longer than ${mostBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** `fetch` hides why behind "fetch failed". */
const causeOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause ? `${String(cause.code)} ${cause.message}`.trim() : cause.message;
};
