import type { FastifyRequest } from 'fastify';
import type { Instance } from '../instance.js';
import { passageOf } from './passage.js';

/** Writes a call into the journal; `status` 0 stands for a dropped connection. */
export function journalCall(instance: Instance, request: FastifyRequest, status: number): void {
  const { path, query, code, records, write, executed, pattern } = passageOf(request);
  instance.journal.add(
    {
      at: new Date(instance.now()).toISOString(),
      method: request.method,
      path,
      query,
      status,
      code,
      records,
      write,
      executed,
    },
    pattern,
  );
}
