import https from 'node:https';
import type { RequestListener, Server } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { adminRoutes, answerAdminError } from '../admin/door.js';
import type { ApiRequest } from './messages.js';
import { handle, type Environment } from './requests.js';

const requestOf = (request: FastifyRequest): ApiRequest => ({
  method: request.method,
  url: request.raw.url ?? '/',
  headers: Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : value,
    ]),
  ),
  body: typeof request.body === 'string' ? request.body : '',
});

const answerProduct = async (
  environment: Environment,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  const response = await handle(environment, requestOf(request));
  if (response === undefined) {
    reply.hijack();
    request.raw.socket.destroy();
    return reply;
  }
  reply.code(response.status).headers(response.headers);
  // As bytes: Fastify would write another content type over that of a text.
  return await (response.body === null ? reply.send() : reply.send(Buffer.from(response.body)));
};

const isAdmin = (request: FastifyRequest): boolean => (request.raw.url ?? '').startsWith('/admin');

/** Node's own limit, 16 KiB, is below the 32,768 characters that the address of a GET may have. */
const maxHeaderSize = 128 * 1024;

/** A server over TLS; to routes it is the same as one without. */
const secureServer =
  ({ certificate, privateKey }: Readonly<{ certificate: string; privateKey: string }>) =>
  (handler: RequestListener): Server =>
    https.createServer({ cert: certificate, key: privateKey, maxHeaderSize }, handler);

/** The HTTP shell: the door under `/admin`, everything else as the product would answer it. */
export const createServer = (
  environment: Environment,
  tls?: Readonly<{ certificate: string; privateKey: string }>,
): FastifyInstance => {
  const app = Fastify({
    ...(tls === undefined ? {} : { serverFactory: secureServer(tls) }),
    bodyLimit: 120 * 1024 * 1024,
    forceCloseConnections: true,
    http: { maxHeaderSize },
    routerOptions: { maxParamLength: 200 },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    try {
      done(null, isAdmin(request) && body !== '' ? JSON.parse(String(body)) : body);
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)), undefined);
    }
  });
  app.setErrorHandler((error, _request, reply) => answerAdminError(error, reply));
  adminRoutes(app, environment);
  app.setNotFoundHandler(async (request, reply) => {
    if (isAdmin(request))
      return await reply.code(404).send({ error: { code: 'admin', message: 'No such door.' } });
    return await answerProduct(environment, request, reply);
  });
  return app;
};
