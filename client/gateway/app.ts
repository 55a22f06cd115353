import { randomUUID } from 'node:crypto';
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { rateLimit } from './limits.js';
import { openApiDocument, type Published } from './openapi.js';
import { Refused, told } from './refused.js';
import { ROUTES, type Door, type Route, type Service } from './routes.js';
import { secretIs } from './secrets.js';
import { answerExpectations, answerUnreadable, ARRIVAL } from './wire.js';

export interface GatewayOptions {
  readonly service: Service;
  readonly apiKey: string;
  /** Absent: there is no webhook. */
  readonly webhookSecret?: string | undefined;
  readonly published: Omit<Published, 'webhook'>;
  readonly logger: Logger;
  /** Whether the store answers. */
  readonly isReady: () => Promise<boolean>;
}

/** Several times what Marketo sends at once. */
const BODY_BYTES = 4 * 1024 * 1024;
/** Requests of callers who know a secret: far above a busy instance. Of everybody else, together. */
const KNOWN = { perSecond: 1_000, atOnce: 2_000 };
const UNKNOWN = { perSecond: 50, atOnce: 200 };
/** More at the same time would wait for the store's connections. */
const MOST_AT_ONCE = 400;

/** The gateway's HTTP server; it does not listen yet. */
export const buildGateway = (options: GatewayOptions): FastifyInstance => {
  const logger: FastifyBaseLogger = options.logger;
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES,
    ...ARRIVAL,
    clientErrorHandler: answerUnreadable(options.logger),
    genReqId: () => randomUUID(),
    // Answers are ours, in our form.
    frameworkErrors: (_, request, reply) =>
      void (reply as FastifyReply)
        .header('x-request-id', request.id)
        .status(400)
        .send(told('malformed request', request.id)),
  });
  // JSON alone is taken; anything else is 415.
  app.removeContentTypeParser('text/plain');
  answerExpectations(app.server, options.logger);
  app.setValidatorCompiler<z.ZodType>(({ schema }) => (body: unknown) => {
    const parsed = schema.safeParse(body);
    return parsed.success ? { value: parsed.data } : { error: new Refused(400, sentenceOf(parsed.error)) };
  });
  addGuards(app, options);
  addErrors(app);
  for (const route of ROUTES)
    if (route.door !== 'webhook' || options.webhookSecret !== undefined) add(app, options, route);
  addOpenPages(app, options);
  return app;
};

const add = (app: FastifyInstance, { service }: GatewayOptions, route: Route): void => {
  const { method, path, door, body } = route;
  app.route({
    ...{ method, url: path, config: { door } },
    ...(body !== undefined && { schema: { body } }),
    handler: async (request, reply) => {
      const { status, type, body: content } = await route.handle(service, request.body);
      return reply.status(status).type(type).send(content);
    },
  });
};

const doorOf = ({ routeOptions }: FastifyRequest): Door =>
  (routeOptions.config as { door?: Door }).door ?? 'open';

/** Before a body is read: how many, then who. */
const addGuards = (app: FastifyInstance, { apiKey, webhookSecret }: GatewayOptions): void => {
  const isApiKey = secretIs(apiKey);
  const isWebhookSecret = webhookSecret === undefined ? () => false : secretIs(webhookSecret);
  const limits = { known: limitOf(KNOWN), unknown: limitOf(UNKNOWN) };
  let atOnce = 0;
  app.addHook('onRequest', (request, reply, next) => {
    atOnce += 1;
    // Also when the caller hangs up.
    reply.raw.once('close', () => (atOnce -= 1));
    void reply.header('x-request-id', request.id).header('cache-control', 'no-store');
    const { headers } = request;
    const door = doorOf(request);
    const known =
      door === 'webhook' ? isWebhookSecret(headers['x-webhook-secret']) : isApiKey(headers['x-api-key']);
    // Else a stranger's flood would make an orchestrator end a gateway that is well.
    const isProbe = PROBES.has(request.routeOptions.url ?? '');
    const wait = isProbe ? 0 : atOnce > MOST_AT_ONCE ? 1 : limits[known ? 'known' : 'unknown']();
    if (wait > 0) next(new Refused(429, 'too many requests', wait));
    else if (door !== 'open' && !known) next(new Refused(401, 'the key is missing or wrong'));
    else if (isEncoded(headers['content-encoding'])) next(new Refused(415, 'the body may not be compressed'));
    else next();
  });
  app.addHook('onResponse', (request, reply, next) => {
    // The route as it is declared: what was asked for may hold anything.
    const route = request.routeOptions.url ?? 'unknown';
    const { statusCode: status, elapsedTime } = reply;
    request.log.info({ method: request.method, route, status, ms: Math.round(elapsedTime) }, 'request');
    next();
  });
};

/** Nothing is unpacked, so that a small body never becomes a large one. */
const isEncoded = (encoding: string | undefined): boolean =>
  encoding !== undefined && encoding.trim().toLowerCase() !== 'identity';

const limitOf = ({ perSecond, atOnce }: typeof KNOWN): (() => number) => rateLimit(perSecond, atOnce);

/** Our own refusals and the framework's are told; anything else is ours to look into. */
const addErrors = (app: FastifyInstance): void => {
  app.setErrorHandler((error: FastifyError | Refused, request, reply) => {
    if (error instanceof Refused) {
      if (error.retryAfter !== undefined) void reply.header('retry-after', String(error.retryAfter));
      if (error.status === 500) request.log.error({ err: error }, 'a request could not be taken in time');
      return reply.status(error.status).send(told(error.message, request.id));
    }
    const known = FRAMEWORK[error.code];
    if (known !== undefined) return reply.status(known.status).send(told(known.text, request.id));
    if (tellMethod(request, reply)) return reply;
    if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
      return reply.status(400).send(told('malformed request', request.id));
    request.log.error({ err: withoutValues(error) }, 'a request failed');
    return reply.status(500).send(told('something broke; the same request may be sent again', request.id));
  });
  app.setNotFoundHandler((request, reply) => {
    if (tellMethod(request, reply)) return reply;
    return reply.status(404).send(told('there is no such page', request.id));
  });
};

/** Answers a request that asks a page of ours by a method that it does not take, also one that the framework does not know. */
const tellMethod = ({ url, method, id }: FastifyRequest, reply: FastifyReply): boolean => {
  const path = url.split('?', 1)[0] ?? '';
  const allowed =
    ROUTES.find((route) => route.path === path)?.method ?? (OPEN_PAGES.has(path) ? 'GET' : undefined);
  if (allowed === undefined || method === allowed || (method === 'HEAD' && allowed === 'GET')) return false;
  void reply
    .header('allow', allowed)
    .status(405)
    .send(told(`use ${allowed}`, id));
  return true;
};

/** What of an error may be logged: a database's words may quote what was to be stored. */
const withoutValues = (error: FastifyError): object => ({
  name: error.name,
  code: error.code,
  stack: stackOf(error),
});

const stackOf = ({ stack = '' }: Error): string =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 8)
    .join('\n');

const FRAMEWORK: Readonly<Record<string, { readonly status: number; readonly text: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, text: `the body is larger than ${String(BODY_BYTES)} bytes` },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    text: 'the body has to be JSON, and say so in Content-Type',
  },
};

/** The first thing that is wrong, by its place; no value of the body is repeated. */
const sentenceOf = ({ issues }: z.ZodError): string => {
  const [issue] = issues;
  const place = issue?.path.map(String).join('.') ?? '';
  const text = `${place === '' ? 'body' : place}: ${issue?.message ?? 'malformed'}`;
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
};

/** What an orchestrator asks. */
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/livez']);
const DOCUMENTS = ['/openapi.json', '/install'] as const;
const OPEN_PAGES: ReadonlySet<string> = new Set([...DOCUMENTS, ...PROBES]);

/** What must be open: the document that Marketo reads before it has a key, and what an orchestrator asks. */
const addOpenPages = (app: FastifyInstance, options: GatewayOptions): void => {
  const document = openApiDocument({ ...options.published, webhook: options.webhookSecret !== undefined });
  for (const path of DOCUMENTS) app.get(path, () => document);
  app.get('/livez', () => ({ ok: true }));
  let asking: Promise<boolean> | undefined;
  app.get('/healthz', async (_, reply) => {
    // However many ask at once, the store is asked once.
    const ok = await (asking ??= options.isReady().finally(() => (asking = undefined)));
    return reply.status(ok ? 200 : 503).send({ ok, store: ok ? 'up' : 'down' });
  });
};
