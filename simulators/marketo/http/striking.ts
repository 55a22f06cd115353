import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiFailure } from '../failure.js';
import type { Fault } from '../faults.js';
import type { Instance } from '../instance.js';
import { JSON_TYPE, type Envelopes } from './envelope.js';
import { journalCall } from './journaling.js';
import { passageOf } from './passage.js';

interface Replacement {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * Lets the fault that waits for this call strike, before the call is carried out. Resolves to true when the call is
 * over by it.
 */
export async function strikeBefore(
  instance: Instance,
  envelopes: Envelopes,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<boolean> {
  const passage = passageOf(request);
  const fault = instance.faults.take([request.method, passage.method], passage.path);
  if (!fault) return false;
  switch (fault.kind) {
    case 'refuse':
    case 'code': {
      const replacement = replacementOf(envelopes, fault);
      passage.code = fault.code ?? null;
      await reply.code(replacement.status).type(replacement.type).send(replacement.body);
      return true;
    }
    case 'drop':
      journalCall(instance, request, 0);
      reply.hijack();
      request.raw.socket.destroy();
      return true;
    case 'slow':
      await wait(fault.delayMs ?? 0, undefined, { ref: false });
      return false;
    case 'afterWrite':
    case 'dropAfterWrite':
    case 'garbage':
      passage.laterFault = fault;
      return false;
    case 'twin':
      return false;
  }
}

/** Lets a fault strike that waits for the answer. Returns the payload to send. */
export function strikeAfter(
  envelopes: Envelopes,
  request: FastifyRequest,
  reply: FastifyReply,
  payload: string | Buffer,
): { readonly payload: string | Buffer; readonly dropped: boolean } {
  const passage = passageOf(request);
  const fault = passage.laterFault;
  if (!fault) return { payload, dropped: false };
  if (fault.kind === 'dropAfterWrite') {
    request.raw.socket.destroy();
    return { payload, dropped: true };
  }
  passage.code = fault.code ?? null;
  // The first half of a JSON object is never valid JSON.
  if (fault.kind === 'garbage') return { payload: half(payload), dropped: false };
  const replacement = replacementOf(envelopes, fault);
  reply.code(replacement.status).type(replacement.type);
  return { payload: replacement.body, dropped: false };
}

const half = (payload: string | Buffer): string | Buffer =>
  typeof payload === 'string'
    ? payload.slice(0, payload.length / 2)
    : payload.subarray(0, payload.length / 2);

/** A code makes an envelope (HTTP 200 unless a status is given too); otherwise a gateway's HTML, 502 by default. */
function replacementOf(envelopes: Envelopes, fault: Fault): Replacement {
  if (fault.code !== undefined) {
    const { message } = new ApiFailure(fault.code);
    const body = JSON.stringify(envelopes.failure(fault.code, message));
    return { status: fault.status ?? 200, type: JSON_TYPE, body };
  }
  const status = fault.status ?? 502;
  const body = `<html><head><title>${status}</title></head><body><h1>${status}</h1><hr>gateway</body></html>`;
  return { status, type: 'text/html', body };
}
