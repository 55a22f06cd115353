import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

import axios, { type AxiosInstance, isAxiosError } from 'axios';

import type { Answer } from './answers.js';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/** No answer came. Holds nothing of the request, which carries a token. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  /** Node's code (`ECONNRESET`), `timeout`, or `unknown`. */
  readonly code: string;

  constructor(code: string) {
    super(`no answer: ${code}`);
    this.code = code;
  }
}

export interface Http {
  /**
   * Resolves with any status.
   * @throws NoAnswer on transport failure and at the deadline; the signal's reason on abort
   */
  send(request: HttpRequest): Promise<Answer>;
  close(): void;
}

const LARGEST_ANSWER_BYTES = 256 * 1024 * 1024;

/** HTTP without redirects (they would carry the token elsewhere) and without cookies (they tie us to one server). */
export function createHttp(): Http {
  const httpAgent = new HttpAgent({ keepAlive: true });
  const httpsAgent = new HttpsAgent({ keepAlive: true });
  const client = axios.create({
    httpAgent,
    httpsAgent,
    maxRedirects: 0,
    maxContentLength: LARGEST_ANSWER_BYTES,
    maxBodyLength: LARGEST_ANSWER_BYTES,
    responseType: 'text',
    transformRequest: [],
    transformResponse: [],
    validateStatus: () => true,
  });
  return {
    send: (request) => sendOnce(client, request),
    close: () => {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

async function sendOnce(client: AxiosInstance, request: HttpRequest): Promise<Answer> {
  request.signal?.throwIfAborted();
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = setTimeout(abort, request.timeoutMs);
  request.signal?.addEventListener('abort', abort, { once: true });
  try {
    const answer = await client.request<unknown>({
      method: request.method,
      url: request.url,
      headers: { ...request.headers },
      data: request.body,
      signal: controller.signal,
    });
    return {
      status: answer.status,
      headers: plainHeaders(answer.headers),
      body: typeof answer.data === 'string' ? answer.data : '',
    };
  } catch (error) {
    request.signal?.throwIfAborted();
    throw new NoAnswer(controller.signal.aborted ? 'timeout' : codeOf(error));
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', abort);
  }
}

const codeOf = (error: unknown): string => (isAxiosError(error) ? (error.code ?? 'unknown') : 'unknown');

function plainHeaders(headers: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || value === null ? [] : [[name.toLowerCase(), String(value)]],
    ),
  );
}
