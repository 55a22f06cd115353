import fastify, { type FastifyInstance } from 'fastify';
import type { Instance } from '../instance.js';
import { adminDoor } from './admin-door.js';
import { adminSurroundings } from './admin-surroundings.js';
import { Envelopes } from './envelope.js';
import { identityDoor } from './identity-door.js';
import { overriddenMethod } from './passage.js';
import { bulkEndpoints } from '../bulk/index.js';
import { multipartParser } from '../bulk/multipart.js';
import { restEndpoints } from '../rest/index.js';
import { restDoor, type Door } from './rest-door.js';

/** Room for a URL far above the 8 KB that are answered with 414. */
const MOST_HEADER_BYTES = 131_072;

/** The HTTP server of one instance: identity, REST and the administrative door. */
export function createServer(instance: Instance): FastifyInstance {
  const app = fastify({
    http: { maxHeaderSize: MOST_HEADER_BYTES },
    rewriteUrl: ({ url = '/' }) =>
      instance.settings.current.unnormalizedPaths === 'accept' ? normalized(url) : url,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1000 },
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
  app.register(
    (scope, _options, done) => {
      identityDoor(scope, instance, envelopes);
      done();
    },
    { prefix: '/identity' },
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
