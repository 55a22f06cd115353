import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { AdminRefusal } from '../admin.js';
import { exportRequest } from '../bulk/export-request.js';
import { ApiFailure } from '../failure.js';
import type { Instance } from '../instance.js';

const exportSchema = z.strictObject({
  /** The API-only user of another integration. */
  user: z.string().min(1),
  object: z.enum(['leads', 'activities']).default('leads'),
  request: z.record(z.string(), z.unknown()),
});

/** Bulk jobs of other integrations, which take their place in the queue and are nobody else's to see. */
export function adminBulk(app: FastifyInstance, instance: Instance): void {
  const { exports } = instance.bulk;
  app.post('/bulk/exports', (request) => {
    const { user, object, request: body } = exportSchema.parse(request.body);
    try {
      const job = exports.create(user, exportRequest(instance, object, body));
      exports.enqueue(job);
      return { exportId: job.exportId };
    } catch (error) {
      if (error instanceof ApiFailure) throw new AdminRefusal(400, `${error.code} ${error.message}`);
      throw error;
    }
  });
}
