import { AdminRefusal } from '../admin.js';
import { checkParameter } from '../flow-steps/parameters.js';
import type { Instance } from '../instance.js';
import type { Condition, Filter, FlowStep, ParameterValue, Step, Trigger } from './campaign.js';
import { unknownTokens } from './tokens.js';

/** Refuses a campaign that names something that is not there: it would do nothing, in silence. */
export function checkCampaign(
  instance: Instance,
  {
    type,
    triggers = [],
    filter = {},
    flow = [],
  }: {
    readonly type?: 'trigger' | 'batch';
    readonly triggers?: readonly Trigger[];
    readonly filter?: Filter;
    readonly flow?: readonly Step[];
  },
): void {
  if (type === 'batch' && triggers.length > 0)
    throw new AdminRefusal(400, 'triggers: a batch campaign has none; it is scheduled');
  triggers.forEach((trigger, index) => checkTrigger(instance, `triggers[${index}]`, trigger));
  if (filter.list !== undefined && !instance.lists.byId(filter.list))
    throw new AdminRefusal(400, `filter: there is no list ${filter.list}`);
  for (const condition of filter.where ?? []) checkField(instance, 'filter', condition.field);
  flow.forEach((step, index) => checkStep(instance, `flow[${index}]`, step));
}

function checkField(instance: Instance, at: string, name: string): void {
  if (!instance.fields.get(name)) throw new AdminRefusal(400, `${at}: there is no person field '${name}'`);
}

function checkTrigger(instance: Instance, at: string, trigger: Trigger): void {
  if (trigger.on === 'dataValueChanged') checkField(instance, at, trigger.field);
  if (trigger.on === 'flowStep' && !instance.flowSteps.services.byApiName(trigger.service))
    throw new AdminRefusal(400, `${at}: there is no flow step service '${trigger.service}'`);
  if (trigger.on === 'customActivity' && !instance.customTypes.get(trigger.type))
    throw new AdminRefusal(400, `${at}: there is no custom activity type '${trigger.type}'`);
  if (trigger.on === 'webhookCalled' && trigger.webhook !== undefined)
    checkWebhook(instance, at, trigger.webhook);
}

function checkStep(instance: Instance, at: string, step: Step): void {
  switch (step.do) {
    case 'changeDataValue': {
      checkField(instance, at, step.field);
      if (instance.fields.get(step.field)?.readOnly === true)
        throw new AdminRefusal(400, `${at}: person field '${step.field}' is read-only`);
      checkTokens(instance, at, step.value);
      return;
    }
    case 'callWebhook':
      checkWebhook(instance, at, step.webhook);
      return;
    case 'flowStep':
      checkFlowStep(instance, at, step);
  }
}

function checkWebhook(instance: Instance, at: string, name: string): void {
  if (!instance.webhooks.byName(name)) throw new AdminRefusal(400, `${at}: there is no webhook '${name}'`);
}

function checkTokens(instance: Instance, at: string, value: ParameterValue): void {
  const unknown = typeof value === 'string' ? unknownTokens(instance, value)[0] : undefined;
  if (unknown !== undefined) throw new AdminRefusal(400, `${at}: ${unknown} is no field of a person`);
}

function checkFlowStep(
  instance: Instance,
  at: string,
  { service: name, parameters, choices = [] }: FlowStep,
): void {
  const service = instance.flowSteps.services.byApiName(name);
  if (!service) throw new AdminRefusal(400, `${at}: there is no flow step service '${name}'`);
  if (service.retired)
    throw new AdminRefusal(400, `${at}: the flow step service '${name}' is retired, and takes no new use`);
  const { flowAttributes } = service.definition.invocationPayloadDef;
  const whens: readonly Condition[] = choices.map(({ when }) => when);
  for (const { field } of whens) checkField(instance, at, field);
  for (const given of [parameters ?? {}, ...choices.map((choice) => choice.parameters)])
    for (const [parameter, value] of Object.entries(given)) {
      checkTokens(instance, at, value);
      checkParameter(at, flowAttributes, service.picklists, 'flow', parameter, value);
    }
}
