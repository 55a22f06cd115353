import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

const compress = promisify(gzip);
const SMALLEST = 1024;

/** Bodies above 1 KB are compressed for callers who accept it (Adobe REST docs, "REST API"). */
export async function zipped(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: string | Buffer,
): Promise<string | Buffer> {
  const accepted = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  if (!accepted || payload.length <= SMALLEST) return payload;
  reply.header('content-encoding', 'gzip').header('vary', 'Accept-Encoding');
  return compress(payload, { level: constants.Z_BEST_SPEED });
}
