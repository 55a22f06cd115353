import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { takeCallback } from '../flow-steps/callback.js';
import { isNode } from '../flow-steps/json.js';
import type { Instance } from '../instance.js';
import type { Envelopes } from './envelope.js';
import { journalCall } from './journaling.js';
import { passageOf } from './passage.js';
import { strikeAfter, strikeBefore } from './striking.js';

const MOST_BODY_BYTES = 10 * 1_048_576;

/**
 * The gateway that services call back, under `/customflowaction`: with keys of its own, outside of the REST API's
 * tokens and limits. Only faults whose path names it strike it.
 */
export function callbackDoor(app: FastifyInstance, instance: Instance, envelopes: Envelopes): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('*', { parseAs: 'string' }, (_request, text, done) => done(null, text));
  app.addHook('onRequest', async (request, reply) => {
    if (await strikeBefore(instance, envelopes, request, reply)) return reply;
  });
  app.addHook<string | Buffer>('onSend', (request, reply, payload, done) => {
    const struck = strikeAfter(envelopes, request, reply, payload);
    journalCall(instance, request, struck.dropped ? 0 : reply.statusCode);
    done(null, struck.payload);
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ message: 'Not Found' }));
  app.route({
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/submitCustomFlowAction',
    bodyLimit: MOST_BODY_BYTES,
    handler: (request, reply) => take(instance, request, reply),
  });
}

function take(instance: Instance, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const passage = passageOf(request);
  passage.write = true;
  if (request.method !== 'POST')
    return reply.code(405).header('allow', 'POST').send({ message: 'Method Not Allowed' });
  const body = parsed(request.body);
  passage.records = isNode(body) && Array.isArray(body['objectData']) ? body['objectData'].length : 0;
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const { status, message } = takeCallback(instance, {
    ...{ key: header('x-api-key'), token: header('x-callback-token'), body },
  });
  passage.executed = status < 300;
  return reply.code(status).send({ message });
}

/** Undefined for what is no JSON. */
function parsed(body: unknown): unknown {
  try {
    return typeof body === 'string' ? (JSON.parse(body) as unknown) : undefined;
  } catch {
    return undefined;
  }
}
