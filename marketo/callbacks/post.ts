import { lookup as resolve, type LookupAddress } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { NEVER_SENT } from '../failure.js';
import { mayConnect, type AllowedUrl } from './hosts.js';

/** What a callback came to. */
export type Posted =
  | { readonly status: number; readonly retryAfter: string | undefined }
  /** No answer: `ECONNREFUSED`, `timeout`, ... `sent` says whether it may have been executed all the same. */
  | { readonly noAnswer: string; readonly sent: boolean }
  /** The host's name leads to an address inside, or to nothing that may be called. */
  | { readonly inside: true };

export interface PostRequest {
  readonly to: AllowedUrl;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** All addresses of a name; injected, so that a name server which changes its mind can be played. */
export type Resolve = (
  hostname: string,
  options: { readonly all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface Poster {
  readonly post: (request: PostRequest) => Promise<Posted>;
  readonly close: () => void;
}

const INSIDE = 'E_INSIDE';

/**
 * Posts to addresses that somebody else told us. The address of a name is judged where it is used, by the very look-up
 * that the connection is made with, so a name that leads elsewhere a moment later reaches nothing; redirects are not
 * followed, and no proxy of the environment is used.
 */
export const createPoster = (resolveAll: Resolve = resolve): Poster => {
  const guarded = (loopback: boolean): LookupFunction => {
    return (hostname, options, done) => {
      resolveAll(hostname, { all: true }, (error, addresses) => {
        if (error !== null) {
          done(error, '', 0);
          return;
        }
        const [first] = addresses;
        // One address inside is enough to distrust the name.
        if (first === undefined || !addresses.every(({ address }) => mayConnect(address, loopback))) {
          done(Object.assign(new Error('an address inside'), { code: INSIDE }), '', 0);
          return;
        }
        if (options.all === true) done(null, addresses);
        else done(null, first.address, first.family);
      });
    };
  };
  const agents = [new HttpAgent({ keepAlive: true }), new HttpsAgent({ keepAlive: true })] as const;
  const [http, https] = agents;
  const post = (request: PostRequest): Promise<Posted> => {
    const { url, loopback } = request.to;
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    // No look-up is made for an address.
    if (isIP(literal) !== 0 && !mayConnect(literal, loopback)) return Promise.resolve({ inside: true });
    const secure = url.protocol === 'https:';
    return send(request, guarded(loopback), secure ? [httpsRequest, https] : [httpRequest, http]);
  };
  return { post, close: () => agents.forEach((agent) => agent.destroy()) };
};

type Sender = readonly [typeof httpRequest, HttpAgent] | readonly [typeof httpsRequest, HttpsAgent];

const send = (
  { to, headers, body, timeoutMs, signal }: PostRequest,
  lookup: LookupFunction,
  [start, agent]: Sender,
): Promise<Posted> =>
  new Promise((done, fail) => {
    signal?.throwIfAborted();
    const length = String(Buffer.byteLength(body));
    const call = start(to.url, {
      method: 'POST',
      headers: { ...headers, 'content-length': length },
      agent,
      lookup,
    });
    const timer = setTimeout(
      () => call.destroy(Object.assign(new Error('timeout'), { code: 'timeout' })),
      timeoutMs,
    );
    const abort = (): void => void call.destroy();
    signal?.addEventListener('abort', abort, { once: true });
    call.on('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    });
    call.on('response', (answer) => done(heard(answer)));
    call.on('error', (error: NodeJS.ErrnoException) => {
      if (signal?.aborted === true) {
        fail(signal.reason as Error);
        return;
      }
      const code = error.code ?? 'no answer';
      done(code === INSIDE ? { inside: true } : { noAnswer: code, sent: !NEVER_SENT.has(code) });
    });
    call.end(body);
  });

/** The status is all that is looked at; the body is read to its end, within limits, so that the connection can be used again. */
const heard = (answer: IncomingMessage): Posted => {
  let bytes = 0;
  answer.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes > MOST_BYTES) answer.destroy();
  });
  answer.on('error', () => undefined);
  const { statusCode = 0, headers } = answer;
  return { status: statusCode, retryAfter: headers['retry-after'] };
};

const MOST_BYTES = 64 * 1024;
