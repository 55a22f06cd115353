import type { Activity, ActivityDetail } from './activities/activity-log.js';
import type { Campaign } from './campaigns/campaign.js';
import type { CampaignRequest } from './campaigns/campaigns.js';
import type { SavedFlows } from './campaigns/flows.js';
import type { SavedChunks } from './flow-steps/chunk.js';
import type { SavedServices } from './flow-steps/service.js';
import type { Webhook } from './webhooks/webhook.js';
import type { CustomActivityType } from './activities/custom-activity-types.js';
import type { SavedRecords } from './companies/external-records.js';
import type { Field, FieldValue } from './fields/field.js';
import type { Service } from './access/identity.js';
import type { Instance } from './instance.js';
import { DEFAULT_PARTITION, type Partition } from './persons/partitions.js';
import type { Settings } from './settings.js';
import type { SavedList } from './persons/static-lists.js';

interface SavedPerson {
  readonly id: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly values: Readonly<Record<string, FieldValue>>;
}

type SavedDetail =
  | Exclude<ActivityDetail, { readonly field: Field }>
  // The field by name: with its description it would be most of the file.
  | (Omit<Extract<ActivityDetail, { readonly field: Field }>, 'field'> & { readonly field: string });

type SavedActivity = Omit<Activity, 'guid' | 'detail'> & { readonly detail: SavedDetail };

/**
 * What an instance holds, as plain JSON: persons, the whole activity log (paging tokens are places in it), fields,
 * custom types, lists, campaigns and who is where in their flows, forms, webhooks, flow step services and their
 * invocations, settings, companies and sales persons, partitions, cookies, added services. Tokens, the journal, faults,
 * bulk jobs and the day's count of calls belong to a run and are not kept.
 */
export interface MarketoState {
  readonly settings: Settings;
  readonly fields: readonly Field[];
  readonly types: readonly CustomActivityType[];
  readonly nextTypeId: number;
  readonly nextPersonId: number;
  readonly persons: readonly SavedPerson[];
  readonly activities: readonly SavedActivity[];
  /** Absent in what earlier versions kept, as everything below. */
  readonly lists?: readonly SavedList[];
  readonly campaigns?: readonly Campaign[];
  readonly campaignRuns?: readonly CampaignRequest[];
  /** Who is where in which flow. */
  readonly flows?: SavedFlows;
  readonly forms?: readonly (readonly [name: string, id: number])[];
  readonly webhooks?: readonly Webhook[];
  readonly flowStepServices?: SavedServices;
  /** Invocations of services that await something, and the latest that are over. */
  readonly flowStepChunks?: SavedChunks;
  readonly partitions?: readonly Partition[];
  readonly companies?: SavedRecords;
  readonly salesPersons?: SavedRecords;
  readonly cookies?: readonly (readonly [cookie: string, personId: number])[];
  /** Services besides the one that the instance begins with. */
  readonly services?: readonly Service[];
}

const everyPerson = (instance: Instance): SavedPerson[] =>
  instance.people.table.after(0, Infinity).map(({ id, createdAt, updatedAt, values }) => ({
    ...{ id, createdAt, updatedAt },
    values: Object.fromEntries(values),
  }));

const saved = ({ leadId, typeId, happenedAt, recordedAt, visibleAt, detail }: Activity): SavedActivity => ({
  ...{ leadId, typeId, happenedAt, recordedAt, visibleAt },
  detail: 'field' in detail ? { ...detail, field: detail.field.name } : detail,
});

export const stateOf = (instance: Instance): MarketoState => ({
  settings: instance.settings.current,
  fields: instance.fields.changed(),
  types: instance.customTypes.all(),
  nextTypeId: instance.customTypes.nextId,
  nextPersonId: instance.people.table.nextId,
  persons: everyPerson(instance),
  activities: instance.log.entries().map(saved),
  lists: instance.lists.save(),
  campaigns: instance.campaigns.all(),
  campaignRuns: instance.campaigns.requests(),
  flows: instance.flows.save(),
  forms: instance.forms.entries(),
  webhooks: instance.webhooks.all(),
  flowStepServices: instance.flowSteps.services.save(),
  flowStepChunks: instance.flowSteps.chunks.save(),
  partitions: instance.partitions.all(),
  companies: instance.companies.save(),
  salesPersons: instance.salesPersons.save(),
  cookies: instance.cookies.entries(),
  services: instance.identity.services().slice(1),
});

const revived = (instance: Instance, detail: SavedDetail): ActivityDetail => {
  if (!('field' in detail)) return detail;
  const field = instance.fields.get(detail.field);
  if (field === undefined) throw new Error(`The saved activity log names an unknown field: ${detail.field}`);
  return { ...detail, field };
};

/** Fills an instance that is still empty and was made with the state's settings and next person id. */
export const restoreState = (instance: Instance, state: MarketoState): void => {
  instance.fields.restore(state.fields);
  instance.customTypes.restore(state.types, state.nextTypeId);
  instance.lists.restore(state.lists ?? []);
  instance.campaigns.restore(state.campaigns ?? [], state.campaignRuns ?? []);
  if (state.flows) instance.flows.restore(state.flows);
  instance.forms.restore(state.forms ?? []);
  instance.webhooks.restore(state.webhooks ?? []);
  if (state.flowStepServices) instance.flowSteps.services.restore(state.flowStepServices);
  if (state.flowStepChunks) instance.flowSteps.chunks.restore(state.flowStepChunks);
  if (state.partitions) instance.partitions.restore(state.partitions);
  if (state.companies) instance.companies.restore(state.companies);
  if (state.salesPersons) instance.salesPersons.restore(state.salesPersons);
  instance.cookies.restore(state.cookies ?? []);
  for (const service of state.services ?? []) instance.identity.addService(service);
  for (const { id, createdAt, updatedAt, values } of state.persons) {
    const all = { leadPartitionId: DEFAULT_PARTITION.id, ...values };
    instance.people.table.add(createdAt, new Map(Object.entries(all)), id).updatedAt = updatedAt;
  }
  for (const { visibleAt, detail, ...activity } of state.activities) {
    const lagMs = visibleAt - activity.recordedAt;
    instance.log.append({ ...activity, lagMs, detail: revived(instance, detail) });
  }
};

/** A change of a person leaves a trace in the log, so that its length stands for persons; those without one are counted. */
export const revisionOf = (instance: Instance): string => {
  const { log, settings, fields, customTypes, partitions, lists, campaigns } = instance;
  const { companies, salesPersons, cookies, identity, flows, flowSteps, webhooks } = instance;
  const { services, chunks } = flowSteps;
  const moving = [campaigns, flows, webhooks, services, chunks];
  const counts = [companies, salesPersons, cookies, identity, ...moving].map(({ changes }) => changes);
  return JSON.stringify([
    ...[log.length, instance.people.untraced, settings.current, fields.changed(), customTypes.all()],
    ...[partitions.all(), counts],
    ...[lists.all()],
  ]);
};
