import type { FastifyInstance } from 'fastify';
import type { Instance } from '../instance.js';
import { JSON_TYPE, type Envelopes } from './envelope.js';
import { journalCall } from './journaling.js';
import { passageOf } from './passage.js';
import { strikeAfter, strikeBefore } from './striking.js';

/** Takes any body, and does not look at it. */
export function anyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    payload.on('end', () => done(null));
  });
}

/** The identity service under `/identity`. Its calls count against no limit. */
export function identityDoor(app: FastifyInstance, instance: Instance, envelopes: Envelopes): void {
  // Parameters come in the query alone, also for POST.
  anyBody(app);
  app.addHook('onRequest', async (request, reply) => {
    if (await strikeBefore(instance, envelopes, request, reply)) return reply;
  });
  app.addHook<string | Buffer>('onSend', (request, reply, payload, done) => {
    const struck = strikeAfter(envelopes, request, reply, payload);
    journalCall(instance, request, struck.dropped ? 0 : reply.statusCode);
    done(null, struck.payload);
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/oauth/token',
    handler: (request, reply) => {
      const passage = passageOf(request);
      passage.executed = true;
      const { status, body } = instance.identity.token(passage.query);
      return reply
        .code(status)
        .type(JSON_TYPE)
        .header('cache-control', 'no-store')
        .header('pragma', 'no-cache')
        .send(JSON.stringify(body));
    },
  });
}
