import fastify, { type FastifyInstance } from 'fastify';
import { ApiFailure } from '../failure.js';
import type { Instance } from '../instance.js';
import { adminDoor } from './admin-door.js';
import { adminSurroundings } from './admin-surroundings.js';
import { callbackDoor } from './callback-door.js';
import { Envelopes, JSON_TYPE } from './envelope.js';
import { anyBody, identityDoor } from './identity-door.js';
import { journalCall } from './journaling.js';
import { overriddenMethod, passageOf } from './passage.js';
import { bulkEndpoints } from '../bulk/index.js';
import { multipartParser } from '../bulk/multipart.js';
import { restEndpoints } from '../rest/index.js';
import { restDoor, type Door } from './rest-door.js';

/** Room for a URL far above the 8 KB that are answered with 414. */
const MOST_HEADER_BYTES = 131_072;

/** The HTTP server of one instance: identity, REST, callbacks of services, and the administrative door. */
export function createServer(instance: Instance): FastifyInstance {
  const app = fastify({
    http: { maxHeaderSize: MOST_HEADER_BYTES },
    rewriteUrl: ({ url = '/' }) =>
      decodable(instance.settings.current.unnormalizedPaths === 'accept' ? normalized(url) : url),
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: MOST_HEADER_BYTES },
  });
  app.addConstraintStrategy({
    name: 'method',
    mustMatchWhenDerived: true,
    storage: () => {
      const handlers = new Map<unknown, unknown>();
      return {
        get: (method) => (handlers.get(method) ?? null) as never,
        set: (method, handler) => {
          handlers.set(method, handler);
        },
      };
    },
    deriveConstraint: (request) =>
      request.method === 'POST' ? overriddenMethod(request.url ?? '') : undefined,
    validate: () => true,
  });
  const envelopes = new Envelopes(instance.now);
  elsewhere(app, instance, envelopes);
  app.register(
    (scope, _options, done) => {
      identityDoor(scope, instance, envelopes);
      done();
    },
    { prefix: '/identity' },
  );
  app.register(
    (scope, _options, done) => {
      callbackDoor(scope, instance, envelopes);
      done();
    },
    { prefix: '/customflowaction' },
  );
  const doors: readonly Door[] = [
    { prefix: '/rest', endpoints: restEndpoints(instance), mostBodyBytes: 1_048_576, compresses: true },
    {
      ...{ prefix: '/bulk', endpoints: bulkEndpoints(instance), compresses: false },
      ...{ mostBodyBytes: 10 * 1_048_576, parsers: multipartParser },
    },
  ];
  for (const door of doors) {
    app.register(
      (scope, _options, done) => {
        restDoor(scope, instance, envelopes, door);
        done();
      },
      { prefix: door.prefix },
    );
  }
  app.register(
    (scope, _options, done) => {
      adminDoor(scope, instance);
      adminSurroundings(scope, instance);
      done();
    },
    { prefix: '/admin' },
  );
  return app;
}

/** A URL without `..` and doubled slashes in its path, which the live API used to tolerate. */
function normalized(url: string): string {
  const [path = '', ...query] = url.split('?');
  const simple = path.replace(/\/{2,}/g, '/').replace(/\/[^/]+\/\.\.(?=\/)/g, '');
  return [simple, ...query].join('?');
}

/** A URL whose path the router can decode: a `%` that begins no such code stands for itself. */
function decodable(url: string): string {
  const [path = '', ...query] = url.split('?');
  try {
    decodeURIComponent(path);
    return url;
  } catch {
    return [path.replaceAll('%', '%25'), ...query].join('?');
  }
}

/** Paths outside of every door, such as `//rest`: 610 without a look at the token, whatever the body is. */
function elsewhere(app: FastifyInstance, instance: Instance, envelopes: Envelopes): void {
  anyBody(app);
  app.setNotFoundHandler((request, reply) => {
    const { code, message } = new ApiFailure('610');
    passageOf(request).code = code;
    journalCall(instance, request, 200);
    return reply
      .code(200)
      .type(JSON_TYPE)
      .send(JSON.stringify(envelopes.failure(code, message)));
  });
}
