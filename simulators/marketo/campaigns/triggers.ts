import {
  CALL_WEBHOOK,
  CHANGE_DATA_VALUE,
  CHANGE_SCORE,
  FILL_OUT_FORM,
  NEW_LEAD,
  REQUEST_CAMPAIGN,
  type Activity,
} from '../activities/activity-log.js';
import { logNow } from '../activities/log-now.js';
import { WEB_SERVICE } from '../activities/origins.js';
import type { Instance } from '../instance.js';
import type { Campaign, Token, Trigger } from './campaign.js';
import type { TriggeringContext } from './party.js';

/** Lets a person into the trigger campaigns whose trigger an activity is. Filters are looked at when the flow begins. */
export function fireTriggers(instance: Instance, activity: Activity): void {
  if (activity.typeId === REQUEST_CAMPAIGN) return;
  for (const campaign of instance.campaigns.all()) {
    if (campaign.type !== 'trigger' || !campaign.active) continue;
    for (const trigger of campaign.triggers) {
      const context = contextOf(instance, trigger, activity);
      if (!context) continue;
      letIn(instance, campaign, activity.leadId, context, []);
      break;
    }
  }
}

/** Request Campaign: persons enter with values for tokens, and each has an activity of it (47). */
export function requestCampaign(
  instance: Instance,
  campaign: Campaign,
  leadIds: readonly number[],
  tokens: readonly Token[],
): void {
  instance.campaigns.note({ campaignId: campaign.id, tokens, leadIds });
  for (const leadId of leadIds) {
    logNow(instance, {
      leadId,
      typeId: REQUEST_CAMPAIGN,
      detail: {
        kind: 'plain',
        primaryId: campaign.id,
        primaryValue: campaign.name,
        attributes: { Source: WEB_SERVICE.source },
      },
    });
    letIn(instance, campaign, leadId, { name: campaign.name, triggerName: 'Campaign is Requested' }, tokens);
  }
}

function letIn(
  instance: Instance,
  { id: campaignId }: Campaign,
  leadId: number,
  trigger: TriggeringContext,
  tokens: readonly Token[],
): void {
  const run = instance.flows.newRun({ campaignId, tokens, trigger });
  instance.flows.add({ run, step: 0, leadIds: [leadId] });
}

/** What an activity is called as an event of a trigger, or undefined when it is none. */
function contextOf(instance: Instance, trigger: Trigger, activity: Activity): TriggeringContext | undefined {
  const { typeId, detail } = activity;
  const primary = detail.kind === 'plain' ? (detail.primaryValue ?? '') : '';
  switch (trigger.on) {
    case 'personCreated':
      return typeId === NEW_LEAD && detail.kind === 'new'
        ? { name: detail.source, triggerName: 'Person is Created' }
        : undefined;
    case 'formFilled':
      return typeId === FILL_OUT_FORM && (trigger.form ?? primary) === primary
        ? { name: primary, triggerName: 'Filled Out Form' }
        : undefined;
    case 'dataValueChanged':
      return (typeId === CHANGE_DATA_VALUE || typeId === CHANGE_SCORE) &&
        (detail.kind === 'change' || detail.kind === 'score') &&
        detail.field.name === trigger.field &&
        (trigger.to ?? detail.newValue) === detail.newValue
        ? { name: detail.field.displayName, triggerName: 'Data Value Changes' }
        : undefined;
    case 'flowStep':
      return serviceContext(instance, trigger, activity);
    case 'webhookCalled':
      return typeId === CALL_WEBHOOK &&
        detail.kind === 'plain' &&
        (trigger.webhook ?? primary) === primary &&
        (trigger.errorType === undefined ||
          trigger.errorType === Number(detail.attributes['Error Type'] ?? 0))
        ? { name: primary, triggerName: 'Webhook is Called' }
        : undefined;
    case 'customActivity': {
      const type = instance.customTypes.get(trigger.type);
      return type?.approved && type.id === typeId && detail.kind === 'custom'
        ? { name: detail.primaryValue, triggerName: type.approved.triggerName }
        : undefined;
    }
    case 'campaignRequested':
      return undefined;
  }
}

function serviceContext(
  instance: Instance,
  trigger: Extract<Trigger, { readonly on: 'flowStep' }>,
  { typeId, detail }: Activity,
): TriggeringContext | undefined {
  const service = instance.flowSteps.services.byApiName(trigger.service);
  if (service?.typeId !== typeId || detail.kind !== 'custom') return undefined;
  const value = (name: string) => detail.attributes.find(({ apiName }) => apiName === name)?.value;
  if (trigger.success !== undefined && trigger.success !== value('success')) return undefined;
  if (trigger.errorCode !== undefined && trigger.errorCode !== value('errorCode')) return undefined;
  return { name: detail.primaryValue, triggerName: service.definition.i18n.en_US.triggerName };
}
