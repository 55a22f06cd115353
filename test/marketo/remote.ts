import type { AddressInfo } from 'node:net';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { onTestFinished } from 'vitest';
import { createMarketo, type Marketo, type MarketoOptions } from '../../marketo/index.js';
import { unlimitedBudget } from '../../rules/budget.js';
import { RemoteFailure, type FailureDetails } from '../../rules/failures.js';

/** A request as the remote saw it. A query sent by `_method=GET` in the body counts as the query. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: FastifyRequest['headers'];
  readonly body: unknown;
  readonly token: string | undefined;
}

/**
 * `drop` closes the socket without an answer, `break` in the middle of one, `hang` never answers, `trickle` begins to and
 * never ends.
 */
export type Reply =
  | 'drop'
  | 'break'
  | 'hang'
  | 'trickle'
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: unknown;
      readonly afterMs?: number;
    };

export type Answering = (seen: Seen, place: number) => Reply | Promise<Reply>;

export interface Remote {
  readonly url: string;
  /** Calls of the REST API, oldest first. */
  readonly calls: Seen[];
  /** Requests for a token, oldest first. */
  readonly signIns: Seen[];
  /** How the API answers; `place` counts its calls from 0. */
  answer: Answering;
  /** How the identity service answers; at first with token-1, token-2 and so on. */
  grant: Answering;
  /** A client of this remote; of another REST endpoint if one is given. */
  connect(options?: Partial<MarketoOptions>, endpoint?: string): Marketo;
}

export const CLIENT_SECRET = 's3cr3t-of-the-client';

export const ok = (result?: unknown, rest: Readonly<Record<string, unknown>> = {}): Reply => ({
  body: {
    requestId: 'a9c1#193f0b1c2d3',
    success: true,
    ...(result === undefined ? {} : { result }),
    ...rest,
  },
});

export const refuse = (code: string, message = 'gist of it'): Reply => ({
  body: { requestId: 'a9c2#193f0b1c2d4', success: false, errors: [{ code, message }] },
});

/** A Marketo that says what a test tells it to, over real HTTP, until the test ends. */
export async function startRemote(): Promise<Remote> {
  const server = fastify({ forceCloseConnections: true });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  server.all('/*', async (request, reply) => {
    const seen = toSeen(request);
    const identity = seen.path.startsWith('/identity/');
    const log = identity ? remote.signIns : remote.calls;
    log.push(seen);
    const answering = identity ? remote.grant : remote.answer;
    await respond(reply, await answering(seen, log.length - 1));
    return reply;
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  const remote: Remote = {
    url,
    calls: [],
    signIns: [],
    answer: () => ok([]),
    grant: (_seen, place) => ({ body: { access_token: `token-${place + 1}`, expires_in: 3599 } }),
    connect: (options, endpoint = `${url}/rest`) => connect(url, endpoint, options),
  };
  onTestFinished(() => server.close());
  return remote;
}

function connect(url: string, endpoint: string, options: Partial<MarketoOptions> = {}): Marketo {
  const settings = {
    endpoint,
    identity: `${url}/identity`,
    clientId: 'c1',
    clientSecret: CLIENT_SECRET,
  };
  const timing = { rateLimitMs: 20, concurrencyMs: 5, ...options.timing };
  const marketo = createMarketo(settings, { budget: unlimitedBudget, ...options, timing });
  onTestFinished(() => marketo.close());
  return marketo;
}

function toSeen(request: FastifyRequest): Seen {
  const url = new URL(request.url, 'http://remote');
  const text = typeof request.body === 'string' ? request.body : '';
  const form = request.headers['content-type'] === 'application/x-www-form-urlencoded';
  return {
    method: request.method,
    path: url.pathname,
    query: new URLSearchParams([...url.searchParams, ...new URLSearchParams(form ? text : '')]),
    headers: request.headers,
    body: form || text === '' ? undefined : JSON.parse(text),
    token: request.headers.authorization?.replace('Bearer ', ''),
  };
}

async function respond(reply: FastifyReply, answer: Reply): Promise<void> {
  if (answer === 'hang') return void reply.hijack();
  if (answer === 'drop') {
    reply.hijack();
    return void reply.raw.destroy();
  }
  if (answer === 'break' || answer === 'trickle') {
    reply.hijack();
    reply.raw.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' });
    reply.raw.write('{"success":true,');
    if (answer === 'break') setTimeout(() => reply.raw.destroy(), 10);
    return;
  }
  const { status = 200, headers = {}, body, afterMs = 0 } = answer;
  if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  await reply
    .code(status)
    .headers({ 'Content-Type': 'application/json;charset=UTF-8', ...headers })
    .send(text);
}

/** What `work` failed with; fails the test if it succeeded, or failed with anything but a `RemoteFailure`. */
export async function failureOf(work: Promise<unknown>): Promise<FailureDetails> {
  const outcome: unknown = await work.then(
    () => 'success',
    (error: unknown) => error,
  );
  if (outcome instanceof RemoteFailure) return outcome.details;
  throw new Error('expected a RemoteFailure', { cause: outcome });
}
