import type { INetworkModule, NetworkRequestOptions, NetworkResponse } from '@azure/msal-node';

import { parseJson } from './answers.js';
import type { Http } from './http.js';
import { NoAnswer } from './http.js';
import type { Redact } from '../rules/redact.js';
import { retryAfterMs } from '../rules/retry-after.js';

/** How the last request to the token endpoint went: MSAL's errors do not tell it all. */
export type LastAnswer =
  | { readonly noAnswer: string }
  | {
      readonly status: number;
      /** OAuth's error code, `invalid_client`. */
      readonly error: string | undefined;
      /** Entra's error number, `AADSTS7000215`. */
      readonly code: string | undefined;
      /** How long MSAL refuses by itself to ask again, and until when in epoch milliseconds. */
      readonly waitMs: number | undefined;
      readonly throttledUntil: number | undefined;
    };

export interface TokenNetwork {
  readonly module: INetworkModule;
  last(): LastAnswer | undefined;
}

/** How long MSAL stays away after a 429 or 5xx that gives no `Retry-After` (msal-common, ThrottlingUtils). */
const MSAL_THROTTLE_MS = 60_000;

/** MSAL's network client over our HTTP: resolves with any status, rejects without an answer. */
export function createTokenNetwork(http: Http, timeoutMs: number, redact: Redact): TokenNetwork {
  let last: LastAnswer | undefined;

  async function send<T>(
    method: 'GET' | 'POST',
    url: string,
    options: NetworkRequestOptions = {},
  ): Promise<NetworkResponse<T>> {
    try {
      const answer = await http.send({
        method,
        url,
        headers: { accept: 'application/json', ...options.headers },
        body: options.body,
        timeoutMs,
      });
      const body = tokenBody(answer.status, parseJson(answer.body));
      const said = summary(answer.status, answer.headers, body, redact);
      last = said;
      return { status: answer.status, headers: headersFor(answer.headers, said), body: body as T };
    } catch (error) {
      last = { noAnswer: error instanceof NoAnswer ? error.code : 'unknown' };
      throw error;
    }
  }

  return {
    last: () => last,
    module: {
      sendGetRequestAsync: <T>(url: string, options?: NetworkRequestOptions) => send<T>('GET', url, options),
      sendPostRequestAsync: <T>(url: string, options?: NetworkRequestOptions) =>
        send<T>('POST', url, options),
    },
  };
}

/**
 * MSAL stays away for whole seconds and knows no date in `Retry-After`: it gets the wait in the form that it reads, so
 * that it waits as long as we say.
 */
function headersFor(
  headers: Readonly<Record<string, string>>,
  { waitMs }: { readonly waitMs: number | undefined },
): Record<string, string> {
  const others = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'retry-after'));
  return waitMs === undefined ? others : { ...others, 'retry-after': String(Math.ceil(waitMs / 1000)) };
}

/** MSAL expects an object with either a token or an error in it, which a gateway's page is not. */
function tokenBody(status: number, body: unknown): Record<string, unknown> {
  const object = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const usable = 'access_token' in object || 'error' in object || 'token_endpoint' in object;
  return usable
    ? object
    : { error: 'server_error', error_description: `HTTP ${status} without a readable body` };
}

/** Codes go where texts of the remote may not: only a short token is one. */
const codeIn = (text: string): string => (/^[\w.-]{1,40}$/.test(text) ? text : 'unreadable');

function summary(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Record<string, unknown>,
  redact: Redact,
): Extract<LastAnswer, { readonly status: number }> {
  const error = body['error'];
  const codes = body['error_codes'];
  const number: unknown = Array.isArray(codes) ? codes[0] : undefined;
  const asked =
    status >= 200 && status < 300 ? undefined : retryAfterMs(headers['retry-after'], headers['date']);
  const wait = asked ?? (status === 429 || status >= 500 ? MSAL_THROTTLE_MS : undefined);
  return {
    status,
    error: typeof error === 'string' ? codeIn(redact(error)) : undefined,
    code: typeof number === 'number' ? `AADSTS${number}` : undefined,
    waitMs: wait,
    throttledUntil: wait === undefined ? undefined : Date.now() + Math.ceil(wait / 1000) * 1000,
  };
}
