import type { CustomAttribute } from '../activities/activity-log.js';
import { logNow } from '../activities/log-now.js';
import type { FieldValue } from '../fields/field.js';
import type { Instance } from '../instance.js';
import { OWN_ATTRIBUTES, type ServiceDefinition } from './definition.js';
import type { FlowStepService } from './service.js';
import { serviceValue } from './service-values.js';

/** How a flow step ended for one person. */
export interface StepOutcome {
  readonly success: boolean;
  readonly reason?: string | undefined;
  readonly errorCode?: string | undefined;
  /** Callback attributes as the service returned them; others are passed by. */
  readonly returned?: Readonly<Record<string, unknown>>;
}

const declared = ({
  apiName,
  dataType,
  i18n,
}: ServiceDefinition['callbackPayloadDef']['attributes'][number]) => ({
  ...{ apiName, dataType, name: i18n.en_US.name },
});

/** The activity type of a service, as Get Activity Types shows it: its flow parameters, what it returns, how it ended. */
export function describeServiceType({
  typeId,
  apiName,
  definition,
}: FlowStepService): Record<string, unknown> {
  const { primaryAttribute, i18n, invocationPayloadDef: sent, callbackPayloadDef: returned } = definition;
  const flow = sent.flowAttributes.map(declared);
  const primary = flow.find((attribute) => attribute.apiName === primaryAttribute);
  return {
    id: typeId,
    apiName,
    name: i18n.en_US.name,
    ...(i18n.en_US.description === undefined ? {} : { description: i18n.en_US.description }),
    ...(primary ? { primaryAttribute: primary } : {}),
    attributes: [
      ...flow.filter((attribute) => attribute !== primary),
      ...returned.attributes.map(declared),
      ...OWN_ATTRIBUTES,
    ],
  };
}

/** Writes the activity of a person who went through a service's step. */
export function logStep(
  instance: Instance,
  { typeId, definition }: FlowStepService,
  leadId: number,
  parameters: Readonly<Record<string, FieldValue>>,
  outcome: StepOutcome,
): void {
  const { primaryAttribute, invocationPayloadDef: sent, callbackPayloadDef: back } = definition;
  const { success, reason, errorCode, returned = {} } = outcome;
  const values: Readonly<Record<string, unknown>> = {
    ...parameters,
    ...Object.fromEntries(
      back.attributes.map(({ apiName, dataType }) => [apiName, serviceValue(dataType, returned[apiName])]),
    ),
    success,
    reason: reason === undefined ? undefined : serviceValue('string', reason),
    errorCode: errorCode === undefined ? undefined : serviceValue('string', errorCode),
  };
  const attributes = [
    ...sent.flowAttributes.map(declared).filter(({ apiName }) => apiName !== primaryAttribute),
    ...back.attributes.map(declared),
    ...OWN_ATTRIBUTES,
  ].flatMap(({ apiName, name }): CustomAttribute[] => {
    const value = values[apiName];
    const shown = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    return shown && value !== '' ? [{ apiName, name, value }] : [];
  });
  const primaryValue = parameters[primaryAttribute];
  logNow(instance, {
    leadId,
    typeId,
    detail: { kind: 'custom', primaryValue: String(primaryValue ?? ''), attributes },
  });
}
