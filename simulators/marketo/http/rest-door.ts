import { parse as parseForm } from 'node:querystring';
import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { settleInstance } from '../settle.js';
import { ApiFailure, FREE_CODES } from '../failure.js';
import type { Instance } from '../instance.js';
import { permits } from '../access/permissions.js';
import type { Endpoint } from '../rest/endpoint.js';
import { JSON_TYPE, type Envelopes } from './envelope.js';
import { zipped } from './gzip.js';
import { journalCall } from './journaling.js';
import { flattened, overriddenMethod, passageOf } from './passage.js';
import { strikeAfter, strikeBefore } from './striking.js';

/** One of the two halves of the API: `/rest` and `/bulk`. */
export interface Door {
  readonly prefix: '/rest' | '/bulk';
  readonly endpoints: readonly Endpoint[];
  /** Larger bodies are answered with 413. */
  readonly mostBodyBytes: number;
  /** Whether large answers are compressed for callers who accept it. */
  readonly compresses: boolean;
  /** Parsers of other bodies than JSON and forms. */
  readonly parsers?: (app: FastifyInstance) => void;
}

const MOST_URL_BYTES = 8192;

/**
 * The REST API, under `/rest` or `/bulk`. Order of the checks before an endpoint: size, token, quota, rate,
 * concurrency, faults, path, method, content type, JSON, permission. (The real order is not documented.)
 */
export function restDoor(app: FastifyInstance, instance: Instance, envelopes: Envelopes, door: Door): void {
  const routes = door.endpoints.map((endpoint) => ({
    endpoint,
    name: door.prefix + endpoint.path,
    path: pathPattern(door.prefix + endpoint.path),
  }));
  const fail = (request: FastifyRequest, reply: FastifyReply, failure: ApiFailure): FastifyReply => {
    passageOf(request).code = failure.code;
    return reply
      .code(200)
      .type(JSON_TYPE)
      .send(JSON.stringify(envelopes.failure(failure.code, failure.message)));
  };
  parseBodies(app);
  door.parsers?.(app);
  app.addHook('onRequest', async (request, reply) => {
    recognise(request, routes);
    if (tooLarge(request, door.mostBodyBytes))
      return reply.code(413).type('text/html').send('Request Entity Too Large');
    if (Buffer.byteLength(request.url) > MOST_URL_BYTES) {
      return reply.code(414).type('text/html').send('Request-URI Too Large');
    }
    enter(instance, request, reply);
    settleInstance(instance);
    if (await strikeBefore(instance, envelopes, request, reply)) return reply;
    if (request.is404) throw notFound(request, routes);
    const { latencyMs } = instance.settings.current;
    if (latencyMs > 0) await wait(latencyMs, undefined, { ref: false });
  });
  app.addHook<string | Buffer>('onSend', async (request, reply, payload) => {
    const struck = strikeAfter(envelopes, request, reply, payload);
    close(instance, request, struck.dropped ? 0 : reply.statusCode);
    return door.compresses ? zipped(request, reply, struck.payload) : struck.payload;
  });
  app.setNotFoundHandler((request, reply) => fail(request, reply, new ApiFailure('610')));
  app.setErrorHandler((error, request, reply) => {
    if (isTooLarge(error)) return reply.code(413).type('text/html').send('Request Entity Too Large');
    return fail(request, reply, failureOf(error));
  });
  for (const { path, handlers } of byPath(door.endpoints))
    serve(app, instance, envelopes, door, routes, path, handlers);
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

type Handlers = ReadonlyMap<string, Endpoint>;

/** The endpoints of each path by their methods. */
function byPath(endpoints: readonly Endpoint[]): { readonly path: string; readonly handlers: Handlers }[] {
  const paths = new Map<string, Map<string, Endpoint>>();
  for (const endpoint of endpoints) {
    const handlers = paths.get(endpoint.path) ?? new Map<string, Endpoint>();
    paths.set(endpoint.path, handlers.set(endpoint.method, endpoint));
  }
  return [...paths].map(([path, handlers]) => ({ path, handlers }));
}

/**
 * Serves a path by each of its methods, and by POST with `_method` in the query (documented) or in a form body (what
 * public clients written against the live API send).
 */
function serve(
  app: FastifyInstance,
  instance: Instance,
  envelopes: Envelopes,
  door: Door,
  routes: readonly Route[],
  path: string,
  handlers: Handlers,
): void {
  const handler = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const passage = passageOf(request);
    // The body of a GET is ignored, whatever it says that it is.
    const form = request.method === 'POST' && isForm(request) ? flattened(request.body) : undefined;
    const inBody = form?.['_method']?.toUpperCase();
    if (inBody !== undefined && overriddenMethod(request.url) === undefined) passage.method = inBody;
    const endpoint = handlers.get(passage.method);
    if (!endpoint) throw new ApiFailure('605', `Request method '${passage.method}' not supported`);
    if (form && inBody === undefined && overriddenMethod(request.url) === undefined)
      throw new ApiFailure('612');
    recognise(request, routes);
    if (form) passage.query = { ...passage.query, ...form };
    passage.records = recordCount(request.body, passage.query);
    const held = passage.service?.permissions ?? instance.settings.current.permissions;
    if (!permits(held, door.prefix + endpoint.path, endpoint.write)) throw new ApiFailure('603');
    const answer = endpoint.answer({
      path: flattened(request.params),
      query: passage.query,
      body: form ? undefined : request.body,
      user: passage.service?.user ?? '',
      range: request.headers.range,
      takeTwin: () => instance.faults.takeTwin([request.method, passage.method], passage.path),
    });
    passage.executed = true;
    if (!('file' in answer)) return reply.type(JSON_TYPE).send(JSON.stringify(envelopes.success(answer)));
    return reply
      .code(answer.status)
      .type(answer.type)
      .headers(answer.headers ?? {})
      .send(answer.file);
  };
  const shared = {
    url: path.replace(/:(\w+)/g, ':$1(^[^/.]+)'),
    bodyLimit: door.mostBodyBytes,
    handler,
  };
  for (const method of handlers.keys()) {
    app.route({ ...shared, method });
    if (method !== 'POST') app.route({ ...shared, method: 'POST', constraints: { method } });
  }
  if (handlers.has('POST')) return;
  app.route({
    ...shared,
    method: 'POST',
    onRequest: (request, _reply, done) => {
      done(isForm(request) ? undefined : new ApiFailure('605', "Request method 'POST' not supported"));
    },
  });
}

/** JSON, and the form bodies of overridden calls; anything else is refused. */
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
    (_request, text, done) => done(null, parseForm(text)),
  );
}

interface Route {
  readonly endpoint: Endpoint;
  /** Path with the door's prefix and `:name` parameters. */
  readonly name: string;
  readonly path: RegExp;
}

/** Notes which endpoint a call means, also for calls that never reach it. */
function recognise(request: FastifyRequest, routes: readonly Route[]): void {
  const passage = passageOf(request);
  const route = routes.find(
    ({ endpoint, path }) => endpoint.method === passage.method && path.test(passage.path),
  );
  passage.pattern = route ? `${route.endpoint.method} ${route.name}` : `${passage.method} (unknown)`;
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
  const defect = error instanceof Error ? error : new Error(String(error));
  process.emitWarning(defect.message, { type: 'MarketoSimulatorDefect', detail: defect.stack ?? '' });
  return new ApiFailure('611');
}

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

const isTooLarge = (error: unknown): boolean => codeOf(error) === 'FST_ERR_CTP_BODY_TOO_LARGE';

const tooLarge = (request: FastifyRequest, most: number): boolean =>
  Number(request.headers['content-length'] ?? 0) > most;

const isForm = (request: FastifyRequest): boolean =>
  request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;

const pathPattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll('.', '\\.').replace(/:\w+/g, '[^/.]+')}$`);

function recordCount(body: unknown, query: Readonly<Record<string, string>>): number {
  if (typeof body === 'object' && body !== null && 'input' in body && Array.isArray(body.input))
    return body.input.length;
  return query['filterValues']?.split(',').length ?? 0;
}
