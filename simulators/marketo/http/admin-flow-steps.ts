import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { AdminRefusal } from '../admin.js';
import { isoSeconds } from '../fields/values.js';
import type { Chunk, PastChunk } from '../flow-steps/chunk.js';
import { isOpen } from '../flow-steps/chunk.js';
import { credentialsSchema } from '../flow-steps/security-scheme.js';
import { checkGlobals, demandCredentials, installSchema, installService } from '../flow-steps/install.js';
import {
  mappings,
  mappingSchema,
  payloadOf,
  withChoices,
  type Direction,
  type MappingChoice,
} from '../flow-steps/mapping.js';
import { refreshAll, refreshService, serviceById } from '../flow-steps/refresh.js';
import type { FlowStepService } from '../flow-steps/service.js';
import type { Instance } from '../instance.js';

const withId = z.object({ id: z.coerce.number() });
const value = z.union([z.string(), z.number(), z.boolean()]);
const editSchema = z.strictObject({
  credentials: credentialsSchema.exactOptional(),
  outgoing: z.array(mappingSchema).exactOptional(),
  incoming: z.array(mappingSchema).exactOptional(),
  globals: z.record(z.string(), value).exactOptional(),
});
const refreshSchema = z
  .strictObject({ definition: z.boolean().default(false) })
  .default({ definition: false });
const deleteSchema = z.object({ names: z.enum(['keep', 'free']).default('keep') });
const whole = z.coerce.number().int().nonnegative();
const chunksSchema = z.object({
  state: z.enum(['sending', 'accepted', 'answered', 'failed', 'expired', 'waiting']).exactOptional(),
  limit: whole.default(100),
});

/** Service providers, as administrators install and keep them. */
export function adminFlowSteps(app: FastifyInstance, instance: Instance): void {
  const { services } = instance.flowSteps;
  const asked = (params: unknown) => serviceById(instance, withId.parse(params).id);
  app.post('/flow-steps', async (request) =>
    shown(instance, await installService(instance, installSchema.parse(request.body))),
  );
  app.get('/flow-steps', () => ({ services: services.all().map((service) => shown(instance, service)) }));
  app.post('/flow-steps/refresh', () => refreshAll(instance));
  app.get('/flow-steps/:id', (request) => shown(instance, asked(request.params)));
  app.patch('/flow-steps/:id', (request) => {
    const edited = withEdits(instance, asked(request.params), editSchema.parse(request.body));
    services.replace(edited);
    return shown(instance, edited);
  });
  app.post('/flow-steps/:id/refresh', async (request) => {
    const { definition } = refreshSchema.parse(request.body);
    return shown(instance, await refreshService(instance, asked(request.params).id, { definition }));
  });
  app.post('/flow-steps/:id/retire', (request) => {
    const retired = { ...asked(request.params), retired: true };
    services.replace(retired);
    return shown(instance, retired);
  });
  app.delete('/flow-steps/:id', (request) => {
    remove(instance, asked(request.params), deleteSchema.parse(request.query).names === 'free');
    return {};
  });
  app.get('/flow-steps/:id/chunks', (request) => {
    const { state, limit } = chunksSchema.parse(request.query);
    return { chunks: chunksOf(instance, asked(request.params), state, limit) };
  });
}

function shown(instance: Instance, service: FlowStepService): Record<string, unknown> {
  const { credentials, installedAt, checkedAt, ...rest } = service;
  const { services, chunks } = instance.flowSteps;
  const open = chunks.allOpen().filter(({ serviceId }) => serviceId === service.id);
  return {
    ...rest,
    credentials: Object.keys(credentials),
    installedAt: isoSeconds(installedAt),
    checkedAt: isoSeconds(checkedAt),
    statistics: {
      ...services.counts(service.id),
      personsWaiting: open.reduce((sum, { waiting }) => sum + waiting.length, 0),
    },
    log: services.log(service.id),
  };
}

function withEdits(
  instance: Instance,
  service: FlowStepService,
  {
    credentials = service.credentials,
    outgoing,
    incoming,
    globals = service.globals,
  }: z.infer<typeof editSchema>,
): FlowStepService {
  demandCredentials(service.scheme, credentials);
  checkGlobals(service.definition, service.picklists, globals);
  const edited = (direction: Direction, choices: readonly MappingChoice[] | undefined) => {
    if (choices === undefined) return service[direction];
    if (payloadOf(service.definition, direction).userDrivenMapping)
      return mappings(instance, service.definition, direction, choices);
    return withChoices(instance, direction, service[direction], choices);
  };
  return {
    ...service,
    credentials,
    globals,
    outgoing: edited('outgoing', outgoing),
    incoming: edited('incoming', incoming),
  };
}

function remove(instance: Instance, service: FlowStepService, freeNames: boolean): void {
  const user = instance.campaigns
    .all()
    .find(({ flow }) => flow.some((step) => step.do === 'flowStep' && step.service === service.apiName));
  if (user && !freeNames)
    throw new AdminRefusal(400, `Campaign ${user.id} '${user.name}' uses the service; retire it instead`);
  instance.flowSteps.services.remove(service, freeNames);
}

/** The latest first. `waiting`: answered ones too that left persons out. */
function chunksOf(
  instance: Instance,
  { id }: FlowStepService,
  state: z.infer<typeof chunksSchema>['state'],
  limit: number,
): Record<string, unknown>[] {
  const { chunks } = instance.flowSteps;
  return [...chunks.allPast(), ...chunks.allOpen()]
    .filter(({ serviceId }) => serviceId === id)
    .filter((chunk) => {
      if (state === 'waiting') return isOpen(chunk) && chunk.waiting.length > 0;
      return state === undefined || chunk.state === state;
    })
    .sort((left, right) => right.n - left.n)
    .slice(0, limit)
    .map(chunkShown);
}

function chunkShown(chunk: Chunk | PastChunk): Record<string, unknown> {
  const { n, token, state, campaignId, submittedAt, deliveries, notes } = chunk;
  return {
    ...{ n, token, state, campaignId, deliveries, notes },
    submittedAt: isoSeconds(submittedAt),
    persons: isOpen(chunk) ? chunk.body.objectData.length : chunk.persons,
    waiting: isOpen(chunk) ? chunk.waiting : [],
  };
}
