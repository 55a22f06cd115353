import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios, { AxiosError, type AxiosInstance } from 'axios';
import { httpDate, retryAfterMs } from '../rules/retry-after.js';
import { connectionFailure, type CallTraits } from './failure.js';
import type { HttpAnswer } from './wire.js';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the first byte sent to the last received. */
  readonly deadlineMs: number;
}

export interface Http {
  /** Rejects with `Unavailable` when no whole answer came, and with the signal's reason when the caller gave up. */
  send(call: CallTraits, request: HttpRequest, signal?: AbortSignal): Promise<HttpAnswer>;
  close(): void;
}

/** 300 persons with every field they may have stay far below this. */
const LARGEST_ANSWER = 64 * 1024 * 1024;

/**
 * Idle sockets are dropped before usual gateways drop them: a write on a socket that the other end has just closed
 * would be in doubt for nothing.
 */
const SOCKETS = { keepAlive: true, timeout: 4_000, scheduling: 'lifo' } as const;

export function createHttp(userAgent: string): Http {
  const httpAgent = new HttpAgent(SOCKETS);
  const httpsAgent = new HttpsAgent(SOCKETS);
  const client = axios.create({
    httpAgent,
    httpsAgent,
    headers: { common: { Accept: 'application/json', 'User-Agent': userAgent } },
    maxRedirects: 0,
    maxContentLength: LARGEST_ANSWER,
    responseType: 'text',
    transformRequest: [(body: unknown) => body],
    transformResponse: [(body: unknown) => body],
    validateStatus: () => true,
  });
  return {
    send: (call, request, signal) => exchange(client, call, request, signal),
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

async function exchange(
  client: AxiosInstance,
  call: CallTraits,
  request: HttpRequest,
  signal?: AbortSignal,
): Promise<HttpAnswer> {
  signal?.throwIfAborted();
  const ending = new AbortController();
  const giveUp = (): void => ending.abort();
  const timer = setTimeout(giveUp, request.deadlineMs);
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    const { status, data, headers } = await client.request<string>({
      method: request.method,
      url: request.url,
      headers: { ...request.headers },
      data: request.body,
      signal: ending.signal,
    });
    const date = textOf(headers['date']);
    return { status, text: data, ...clockOf(date), ...patienceOf(textOf(headers['retry-after']), date) };
  } catch (error) {
    signal?.throwIfAborted();
    // axios' errors carry the whole request, with its token: only the code leaves here.
    throw connectionFailure(call, ending.signal.aborted ? 'timeout' : codeOf(error));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

/** Node's and axios' codes are short names; what has none is `broken`. */
const codeOf = (error: unknown): string =>
  error instanceof AxiosError && error.code !== undefined ? error.code : 'broken';

function clockOf(date: string | undefined): { date?: Date } {
  const at = httpDate(date);
  return at === undefined ? {} : { date: new Date(at) };
}

function patienceOf(header: string | undefined, date: string | undefined): { retryAfterMs?: number } {
  const wait = retryAfterMs(header, date);
  return wait === undefined ? {} : { retryAfterMs: wait };
}

const textOf = (header: unknown): string | undefined => (typeof header === 'string' ? header : undefined);
