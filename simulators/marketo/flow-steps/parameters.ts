import { AdminRefusal } from '../admin.js';
import type { ParameterValue } from '../campaigns/campaign.js';
import type { EnteredAttribute } from './definition.js';
import type { FlowStepService } from './service.js';
import { serviceValue } from './service-values.js';

const hasToken = (value: ParameterValue): boolean => typeof value === 'string' && value.includes('{{');

/** Checks a value that somebody enters for an attribute; tokens are known only when the step runs. */
export function checkParameter(
  at: string,
  attributes: readonly EnteredAttribute[],
  picklists: FlowStepService['picklists'],
  kind: 'flow' | 'global',
  name: string,
  value: ParameterValue,
): void {
  const attribute = attributes.find(({ apiName }) => apiName === name);
  if (!attribute) throw new AdminRefusal(400, `${at}: the service has no parameter '${name}'`);
  if (value === null || value === '' || hasToken(value)) return;
  if (serviceValue(attribute.dataType, value) === undefined)
    throw new AdminRefusal(400, `${at}: '${String(value)}' is no ${attribute.dataType} for '${name}'`);
  const choices = picklists[`${kind}:${name}`];
  if (!attribute.enforcePicklistSelect || choices === undefined) return;
  if (!choices.some(({ submittedValue }) => submittedValue === value))
    throw new AdminRefusal(400, `${at}: '${String(value)}' is no choice of '${name}'`);
}
