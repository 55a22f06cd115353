import { expect, onTestFinished, vi } from 'vitest';
import { installFlowStep } from '../../../simulators/install-flow-step.js';
import type { MarketoSimulatorOptions } from '../../../simulators/marketo/index.js';
import { clockAt, start, type Row, type Subject } from './client.js';
import { referenceService, type Invocation, type ReferenceService } from './reference-service.js';

export const NOW = '2026-11-20T10:00:00Z';

export interface Scene {
  readonly service: ReferenceService;
  readonly subject: Subject;
  readonly serviceId: number;
}

export async function scene(options: MarketoSimulatorOptions = {}, definition?: unknown): Promise<Scene> {
  const service = await referenceService();
  onTestFinished(() => service.close());
  if (definition !== undefined) service.definition = definition;
  const subject = await start({ now: clockAt(NOW).now, ...options });
  const { serviceId } = await installFlowStep(installation(service, subject.origin));
  await subject.admin('PATCH', '/settings', { flowStepRedeliveryMs: 1 });
  return { service, subject, serviceId };
}

export const installation = (service: ReferenceService, marketo: string) => ({
  ...{ marketo, url: `${service.origin}/openapi.json`, credentials: { apiKey: 'sesame' } },
  globals: { region: 'EU' },
  campaign: {
    name: 'To sales',
    parameters: {
      mode: 'lead',
      greeting: 'Dear {{lead.First Name:default=friend}} of {{trigger.Name}}',
      limit: 3,
    },
  },
});

export const fill = (subject: Subject, email: string, values: Row = {}) =>
  subject.admin('POST', '/forms/fill', { form: 'Contact us', values: { email, ...values } });
export const invoked = async ({ service }: Scene, count: number): Promise<readonly Invocation[]> => {
  await vi.waitFor(() => expect(service.invocations).toHaveLength(count), { timeout: 10_000, interval: 5 });
  return service.invocations;
};
export const statistics = async ({ subject, serviceId }: Scene) =>
  (await subject.admin('GET', `/flow-steps/${serviceId}`))['statistics'] as Row;
export const chunks = async ({ subject, serviceId }: Scene, query = '') =>
  (await subject.admin('GET', `/flow-steps/${serviceId}/chunks${query}`))['chunks'] as Row[];
export const person = async (subject: Subject, id: number) =>
  (await subject.admin('GET', `/persons/${id}`))['person'] as Row;
export const stepActivities = async ({ subject }: Scene) => {
  const { activities } = await subject.admin('GET', '/activities?typeId=100001');
  return (activities as { leadId: number; attributes: { apiName: string; value: unknown }[] }[]).map(
    ({ leadId, attributes }): Row => ({
      leadId,
      ...Object.fromEntries(attributes.map(({ apiName, value }) => [apiName, value])),
    }),
  );
};

/** Everybody goes through the step, in one run. */
export async function batch(subject: Subject): Promise<void> {
  const flow = [{ do: 'flowStep', service: 'reference', parameters: { mode: 'lead' } }];
  const { id } = await subject.admin('POST', '/campaigns', { name: 'All', type: 'batch', flow });
  await subject.admin('POST', `/campaigns/${String(id)}/run`);
}
