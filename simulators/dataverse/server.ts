import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { adminRoutes, answerAdminError } from './admin.js';
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
  return await (response.body === null ? reply.send() : reply.send(response.body));
};

const isAdmin = (request: FastifyRequest): boolean => (request.raw.url ?? '').startsWith('/admin');

/** The HTTP shell: the door under `/admin`, everything else as the product would answer it. */
export const createServer = (environment: Environment): FastifyInstance => {
  const app = Fastify({
    bodyLimit: 120 * 1024 * 1024,
    forceCloseConnections: true,
    // Node's own limit is below the 32,768 characters that a GET may have.
    http: { maxHeaderSize: 128 * 1024 },
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
