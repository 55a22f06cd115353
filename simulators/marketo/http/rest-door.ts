import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiFailure, FREE_CODES } from '../failure.js';
import type { Instance } from '../instance.js';
import { permits } from '../permissions.js';
import type { Endpoint } from '../rest/endpoint.js';
import { restEndpoints } from '../rest/index.js';
import { JSON_TYPE, type Envelopes } from './envelope.js';
import { zipped } from './gzip.js';
import { journalCall } from './journaling.js';
import { flattened, overriddenMethod, passageOf } from './passage.js';
import { strikeAfter, strikeBefore } from './striking.js';

const MOST_BODY_BYTES = 1_048_576;
const MOST_URL_BYTES = 8192;

/**
 * The REST API under `/rest`. Order of the checks before an endpoint: size, token, quota, rate, concurrency, faults,
 * path, method, content type, JSON, permission. (The real order is not documented.)
 */
export function restDoor(app: FastifyInstance, instance: Instance, envelopes: Envelopes): void {
  const endpoints = restEndpoints(instance);
  const routes = endpoints.map((endpoint) => ({ endpoint, path: pathPattern(endpoint.path) }));
  const fail = (request: FastifyRequest, reply: FastifyReply, failure: ApiFailure): FastifyReply => {
    passageOf(request).code = failure.code;
    return reply
      .code(200)
      .type(JSON_TYPE)
      .send(JSON.stringify(envelopes.failure(failure.code, failure.message)));
  };
  parseBodies(app);
  app.addHook('onRequest', async (request, reply) => {
    recognise(request, routes);
    if (tooLarge(request)) return reply.code(413).type('text/html').send('Request Entity Too Large');
    if (Buffer.byteLength(request.url) > MOST_URL_BYTES) {
      return reply.code(414).type('text/html').send('Request-URI Too Large');
    }
    enter(instance, request, reply);
    if (await strikeBefore(instance, envelopes, request, reply)) return reply;
    if (request.is404) throw notFound(request, routes);
    const { latencyMs } = instance.settings.current;
    if (latencyMs > 0) await wait(latencyMs, undefined, { ref: false });
  });
  app.addHook<string>('onSend', async (request, reply, payload) => {
    const struck = strikeAfter(envelopes, request, reply, payload);
    close(instance, request, struck.dropped ? 0 : reply.statusCode);
    return zipped(request, reply, struck.payload);
  });
  app.setNotFoundHandler((request, reply) => fail(request, reply, new ApiFailure('610')));
  app.setErrorHandler((error, request, reply) => {
    if (isTooLarge(error)) return reply.code(413).type('text/html').send('Request Entity Too Large');
    return fail(request, reply, failureOf(error));
  });
  for (const endpoint of endpoints) serve(app, instance, envelopes, endpoint);
}

/** Token and limits; from here on the call counts until its answer is out. */
function enter(instance: Instance, request: FastifyRequest, reply: FastifyReply): void {
  const { allowedAddresses } = instance.settings.current;
  if (allowedAddresses.length > 0 && !allowedAddresses.includes(request.ip)) throw new ApiFailure('603');
  const service = instance.identity.caller(request.headers.authorization);
  if (typeof service === 'string') throw new ApiFailure(service);
  passageOf(request).service = service;
  instance.meter.admit(service.user);
  admitted.add(request);
  reply.raw.once('close', () => instance.meter.release());
}

const admitted = new WeakSet<FastifyRequest>();

/** Books the answer: into the journal, and against the quota unless its code is free. */
function close(instance: Instance, request: FastifyRequest, status: number): void {
  const { code, service } = passageOf(request);
  journalCall(instance, request, status);
  if (code === null) return;
  instance.meter.countError(code);
  if (service && FREE_CODES.has(code) && admitted.has(request)) instance.meter.refund(service.user);
}

function serve(app: FastifyInstance, instance: Instance, envelopes: Envelopes, endpoint: Endpoint): void {
  const handler = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const passage = passageOf(request);
    const formed = overriddenMethod(request.url) !== undefined && isForm(request);
    if (formed) passage.query = { ...passage.query, ...flattened(request.body) };
    passage.records = recordCount(request.body, passage.query);
    const held = passage.service?.permissions ?? instance.settings.current.permissions;
    if (!permits(held, endpoint.path, endpoint.write)) throw new ApiFailure('603');
    const answer = endpoint.answer({
      path: flattened(request.params),
      query: passage.query,
      body: request.body,
      takeTwin: () => instance.faults.takeTwin([request.method, passage.method], passage.path),
    });
    passage.executed = true;
    return reply.type(JSON_TYPE).send(JSON.stringify(envelopes.success(answer)));
  };
  const url = endpoint.path.replace(/:(\w+)/g, ':$1(^[^/.]+)');
  const shared = { url, bodyLimit: MOST_BODY_BYTES, handler };
  app.route({ ...shared, method: endpoint.method });
  if (endpoint.method !== 'POST')
    app.route({ ...shared, method: 'POST', constraints: { method: endpoint.method } });
}

/** Form bodies belong to overridden calls alone; anything else than JSON is refused. */
function parseBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, text === '' ? undefined : JSON.parse(text));
    } catch {
      done(new ApiFailure('609'));
    }
  });
  app.addContentTypeParser<string>(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (request, text, done) => {
      if (overriddenMethod(request.url) === undefined) done(new ApiFailure('612'));
      else done(null, Object.fromEntries(new URLSearchParams(text)));
    },
  );
}

interface Route {
  readonly endpoint: Endpoint;
  readonly path: RegExp;
}

/** Notes which endpoint a call means, also for calls that never reach it. */
function recognise(request: FastifyRequest, routes: readonly Route[]): void {
  const passage = passageOf(request);
  const route = routes.find(
    ({ endpoint, path }) => endpoint.method === passage.method && path.test(passage.path),
  );
  passage.pattern = route
    ? `${route.endpoint.method} /rest${route.endpoint.path}`
    : `${passage.method} (unknown)`;
  passage.write = route?.endpoint.write ?? false;
}

/** 605 for a path that answers another method, else 610. */
function notFound(request: FastifyRequest, routes: readonly Route[]): ApiFailure {
  const { path, method } = passageOf(request);
  const known = routes.some((route) => route.path.test(path));
  return known ? new ApiFailure('605', `Request method '${method}' not supported`) : new ApiFailure('610');
}

function failureOf(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error;
  if (codeOf(error) === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new ApiFailure('612');
  // A defect of the simulator itself must not pass for a simulated fault.
  process.emitWarning(error instanceof Error ? error : String(error), 'MarketoSimulatorDefect');
  return new ApiFailure('611');
}

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

const isTooLarge = (error: unknown): boolean => codeOf(error) === 'FST_ERR_CTP_BODY_TOO_LARGE';

const tooLarge = (request: FastifyRequest): boolean =>
  Number(request.headers['content-length'] ?? 0) > MOST_BODY_BYTES;

const isForm = (request: FastifyRequest): boolean =>
  request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;

const pathPattern = (path: string): RegExp =>
  new RegExp(`^/rest${path.replaceAll('.', '\\.').replace(/:\w+/g, '[^/.]+')}$`);

function recordCount(body: unknown, query: Readonly<Record<string, string>>): number {
  if (typeof body === 'object' && body !== null && 'input' in body && Array.isArray(body.input))
    return body.input.length;
  return query['filterValues']?.split(',').length ?? 0;
}
