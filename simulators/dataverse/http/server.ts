import https from 'node:https';
import type { RequestListener, Server } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { adminRoutes, answerAdminError } from '../admin/door.js';
import { failureResponse } from './api.js';
import { DataverseError } from '../errors.js';
import type { ApiRequest, ApiResponse } from './messages.js';
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
  if (response !== undefined) return await write(reply, response);
  reply.hijack();
  request.raw.socket.destroy();
  return reply;
};

const write = async (reply: FastifyReply, response: ApiResponse): Promise<FastifyReply> => {
  reply.code(response.status).headers(response.headers);
  // As bytes: Fastify would write another content type over that of a text.
  return await (response.body === null ? reply.send() : reply.send(Buffer.from(response.body)));
};

const isAdmin = (request: FastifyRequest): boolean => (request.raw.url ?? '').startsWith('/admin');

/** What failed before a route was reached, in the words of whom was asked. */
const answerFailure = async (
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> => {
  if (isAdmin(request)) return answerAdminError(error, reply);
  const isTooLarge = error instanceof Error && 'statusCode' in error && error.statusCode === 413;
  const refusal = new DataverseError(413, '0x8004418a', 'The request length is too large.');
  return await write(reply, failureResponse(isTooLarge ? refusal : error));
};

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
    // Addresses that the framework cannot read are still the product's to refuse.
    frameworkErrors: (error, request, reply) => {
      if (isAdmin(request)) answerAdminError(error, reply);
      else void answerProduct(environment, request, reply);
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    try {
      done(null, isAdmin(request) && body !== '' ? JSON.parse(String(body)) : body);
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)), undefined);
    }
  });
  app.setErrorHandler(answerFailure);
  adminRoutes(app, environment);
  app.setNotFoundHandler(async (request, reply) => {
    if (isAdmin(request))
      return await reply.code(404).send({ error: { code: 'admin', message: 'No such door.' } });
    return await answerProduct(environment, request, reply);
  });
  return app;
};
