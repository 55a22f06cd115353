import { z } from 'zod';
import { AdminRefusal } from '../admin.js';
import { isoSeconds, parseInstant } from '../fields/values.js';
import type { Instance } from '../instance.js';
import type { Access } from './service-calls.js';

const messages = z.array(z.string()).default([]);
const statusSchema = z.object({
  info: messages,
  warnings: messages,
  errors: messages,
  deprecationMessage: z.string().nullish(),
  deprecationDate: z.string().nullish(),
});

/** What `GET /status` said, as lines of the service's log, and whether the service is deprecated by now. */
export interface Status {
  readonly lines: readonly string[];
  readonly deprecated: boolean;
}

/** @throws AdminRefusal when the service does not answer 200 with what the contract says */
export async function fetchStatus(instance: Instance, access: Access): Promise<Status> {
  const answer = await instance.flowSteps.calls.json(access, 'GET', '/status');
  const parsed = statusSchema.safeParse(answer);
  if (!parsed.success) throw new AdminRefusal(400, `GET /status: ${z.prettifyError(parsed.error)}`);
  const { info, warnings, errors, deprecationMessage, deprecationDate } = parsed.data;
  const at = isoSeconds(instance.now());
  const due = deprecationDate == null ? undefined : parseInstant(deprecationDate);
  return {
    lines: [
      ...info.map((line) => `${at} info ${line}`),
      ...warnings.map((line) => `${at} warning ${line}`),
      ...errors.map((line) => `${at} error ${line}`),
      ...(deprecationDate == null
        ? []
        : [`${at} deprecated from ${deprecationDate}: ${deprecationMessage ?? ''}`]),
    ],
    deprecated: due !== undefined && due <= instance.now(),
  };
}
