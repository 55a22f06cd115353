import { AdminRefusal } from '../admin.js';
import type { Instance } from '../instance.js';
import { fetchDefinition } from './install.js';
import { mappings, payloadOf, type Direction } from './mapping.js';
import { fetchPicklists } from './picklists.js';
import type { FlowStepService } from './service.js';
import { fetchStatus } from './status.js';

/** Asks a service for its status and its choices, as Marketo does every night; `definition`: for its definition too. */
export async function refreshService(
  instance: Instance,
  id: number,
  { definition: anew = false }: { readonly definition?: boolean } = {},
): Promise<FlowStepService> {
  const { services, calls } = instance.flowSteps;
  const service = serviceById(instance, id);
  const status = await fetchStatus(instance, service);
  const renewed = anew ? await withNewDefinition(instance, service) : service;
  const picklists = await fetchPicklists(calls, renewed, renewed.definition, renewed);
  for (const line of status.lines) services.tell(id, line);
  const { deprecated } = status;
  const refreshed = {
    ...serviceById(instance, id),
    ...renewed,
    picklists,
    deprecated,
    checkedAt: instance.now(),
  };
  services.replace(refreshed);
  return refreshed;
}

/** A failure of the night goes to the service's log, and the other services have their turn. */
export async function refreshAll(instance: Instance): Promise<Record<string, string>> {
  const { services } = instance.flowSteps;
  const outcomes: Record<string, string> = {};
  for (const { id, apiName, retired } of services.all()) {
    if (retired) continue;
    try {
      await refreshService(instance, id);
      outcomes[apiName] = 'refreshed';
    } catch (error) {
      if (!(error instanceof AdminRefusal)) throw error;
      services.tell(id, error.message);
      outcomes[apiName] = error.message;
    }
  }
  return outcomes;
}

export function serviceById(instance: Instance, id: number): FlowStepService {
  const service = instance.flowSteps.services.byId(id);
  if (!service) throw new AdminRefusal(404, `There is no flow step service ${id}`);
  return service;
}

/** What the administrator chose stays, where the new definition still has it. */
async function withNewDefinition(instance: Instance, service: FlowStepService): Promise<FlowStepService> {
  const definition = await fetchDefinition(instance, service, service.offers);
  if (definition.apiName !== service.definition.apiName)
    throw new AdminRefusal(400, `apiName: '${definition.apiName}' is another service's`);
  const kept = (direction: Direction) => {
    const payload = payloadOf(definition, direction);
    const choices = service[direction].flatMap(({ serviceAttribute, marketoAttribute, active }) => {
      if (payload.userDrivenMapping) return [{ marketoAttribute, active }];
      const known = payload.fields.some((field) => field.serviceAttribute === serviceAttribute);
      return known ? [{ serviceAttribute, marketoAttribute, active }] : [];
    });
    return mappings(instance, definition, direction, choices);
  };
  return { ...service, definition, outgoing: kept('outgoing'), incoming: kept('incoming') };
}
