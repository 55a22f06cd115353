import { fits } from '../campaigns/audience.js';
import type { Campaign, FlowStep, ParameterValue } from '../campaigns/campaign.js';
import type { Party, Run } from '../campaigns/party.js';
import { myToken, resolved } from '../campaigns/tokens.js';
import type { FieldValue } from '../fields/field.js';
import { isoSeconds } from '../fields/values.js';
import type { Instance } from '../instance.js';
import { secretOf } from '../outbound/made-ids.js';
import type { Person } from '../persons/person-table.js';
import type { FieldMapping, FlowStepService } from './service.js';
import { serviceValue } from './service-values.js';

type Values = Readonly<Record<string, FieldValue>>;

/** What a service is told about one person. */
export interface InvokedPerson {
  readonly objectType: 'lead';
  readonly objectContext: Values & { readonly id: number };
  readonly flowStepContext: Values;
  readonly programMemberContext?: Readonly<Record<string, unknown>>;
  readonly triggeringContext?: { readonly name: string; readonly triggerName: string };
}

/** The body of `POST /submitAsyncAction`. */
export interface InvocationBody {
  readonly token: string;
  readonly batchid: string;
  readonly apiCallBackKey: string;
  readonly campaignId: number;
  readonly callbackUrl: string;
  readonly type: 'trigger' | 'batch';
  readonly context: Readonly<Record<string, unknown>>;
  readonly objectData: readonly InvokedPerson[];
}

export const CALLBACK_PATH = '/customflowaction/submitCustomFlowAction';

/** The key of the callback gateway: one for the subscription. */
export const callbackKey = ({ munchkinId }: Instance): string => secretOf(`callback key ${munchkinId}`);

export function invocationBody(
  instance: Instance,
  {
    service,
    campaign,
    step,
  }: { readonly service: FlowStepService; readonly campaign: Campaign; readonly step: FlowStep },
  parties: readonly Party[],
  token: string,
): InvocationBody {
  const { callbackOrigin } = instance.settings.current;
  const run = parties[0]?.run;
  return {
    token,
    batchid: run?.batchId ?? '',
    apiCallBackKey: callbackKey(instance),
    campaignId: campaign.id,
    callbackUrl: `${callbackOrigin || instance.address.origin}${CALLBACK_PATH}`,
    type: campaign.type,
    context: contextOf(instance, service, campaign, run),
    objectData: parties.flatMap((party) =>
      party.leadIds.flatMap((id) => {
        const person = instance.people.table.get(id);
        return person ? [invokedPerson(instance, { service, campaign, step }, party.run, person)] : [];
      }),
    ),
  };
}

function contextOf(
  instance: Instance,
  { definition, globals }: FlowStepService,
  campaign: Campaign,
  run: Run | undefined,
): Record<string, unknown> {
  const { campaignContext, programContext, myTokenContext } = definition.invocationPayloadDef;
  const { munchkinId } = instance;
  const prefix = munchkinId.toLowerCase().replaceAll('-', '');
  const crmSyncStatus = instance.settings.current.nativeCrmSync ? 'active' : 'none';
  return {
    subscription: { munchkinId, prefix, crmSyncStatus },
    ...(Object.keys(globals).length === 0 ? {} : { admin: globals }),
    ...(campaignContext ? { campaign: campaignOf(campaign) } : {}),
    ...(programContext ? { program: programOf(campaign) } : {}),
    ...(myTokenContext.length === 0 ? {} : { myTokenContext: myTokens(campaign, run, myTokenContext) }),
  };
}

/** Ids of a campaign's parts: each campaign has its own flow and smart list. */
export const flowIdOf = ({ id }: Campaign): number => id + 10_000;
export const smartListIdOf = ({ id }: Campaign): number => id + 20_000;
export const folderIdOf = ({ programId }: Campaign): number => programId + 30_000;

const campaignOf = (campaign: Campaign): Record<string, unknown> => ({
  id: campaign.id,
  name: campaign.name,
  type: campaign.type,
  status: campaign.active ? 'active' : 'inactive',
  description: campaign.description,
  flowId: flowIdOf(campaign),
  smartListId: smartListIdOf(campaign),
  folderId: folderIdOf(campaign),
  folderName: campaign.programName,
  parentProgramId: campaign.programId,
  workspaceId: 1,
  workspaceName: campaign.workspaceName,
  commLimitEnabled: false,
});

const programOf = (campaign: Campaign): Record<string, unknown> => ({
  id: campaign.programId,
  name: campaign.programName,
  channelName: 'Operational',
  type: 'default',
  status: 'on',
  description: '',
  createdAt: isoSeconds(campaign.createdAt),
  updatedAt: isoSeconds(campaign.updatedAt),
});

const myTokens = (
  campaign: Campaign,
  run: Run | undefined,
  names: readonly string[],
): Record<string, string> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const token = myToken(campaign, run, name.replace(/^\{\{my\.|\}\}$/g, ''));
      return token ? [[name, token.value]] : [];
    }),
  );

function invokedPerson(
  instance: Instance,
  {
    service,
    campaign,
    step,
  }: { readonly service: FlowStepService; readonly campaign: Campaign; readonly step: FlowStep },
  run: Run,
  person: Person,
): InvokedPerson {
  const { triggerContext, programMemberContext } = service.definition.invocationPayloadDef;
  const fields = service.outgoing.flatMap((mapping) => sent(instance, person, mapping));
  return {
    objectType: 'lead',
    objectContext: { ...Object.fromEntries(fields), id: person.id },
    flowStepContext: parametersFor(instance, { service, campaign, step }, run, person),
    // Programs and their members are not simulated: nobody is one.
    ...(programMemberContext ? { programMemberContext: {} } : {}),
    ...(triggerContext && run.trigger ? { triggeringContext: run.trigger } : {}),
  };
}

function sent(
  instance: Instance,
  person: Person,
  { serviceAttribute, marketoAttribute, active }: FieldMapping,
): [string, FieldValue][] {
  const field = marketoAttribute === null ? undefined : instance.fields.get(marketoAttribute);
  return field && active ? [[serviceAttribute, instance.people.read(person, field)]] : [];
}

/** The parameters of the first choice that the person fits, else the step's own; with tokens replaced, and typed. */
function parametersFor(
  instance: Instance,
  {
    service,
    campaign,
    step,
  }: { readonly service: FlowStepService; readonly campaign: Campaign; readonly step: FlowStep },
  run: Run,
  person: Person,
): Record<string, FieldValue> {
  const choice = step.choices?.find(({ when }) => fits(instance, person, when));
  const given: Readonly<Record<string, ParameterValue>> = choice?.parameters ?? step.parameters ?? {};
  const { flowAttributes } = service.definition.invocationPayloadDef;
  return Object.fromEntries(
    flowAttributes.flatMap(({ apiName, dataType }) => {
      const value = given[apiName];
      if (value === undefined || value === null) return [];
      const text = typeof value === 'string' ? resolved(instance, { person, campaign, run }, value) : value;
      return [[apiName, serviceValue(dataType, text) ?? null]];
    }),
  );
}
