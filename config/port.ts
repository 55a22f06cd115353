import { z } from 'zod';

/** A TCP port as a variable holds it; 0 stands for any free one. */
export const portSchema = z.string().transform((value, context) => {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Infinity;
  if (port <= 65_535) return port;
  context.addIssue({
    code: 'custom',
    message: `is not a port: "${value}". Use a number from 0 (any free one) to 65535.`,
  });
  return z.NEVER;
});
