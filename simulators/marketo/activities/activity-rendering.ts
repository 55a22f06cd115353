import type { Activity } from './activity-log.js';
import { isoSeconds } from '../fields/values.js';

/** An activity as Get Lead Activities gives it: display names, string values, empty attributes left out. */
export function asActivity(activity: Activity): Record<string, unknown> {
  return { ...head(activity), ...primary(activity), attributes: attributes(activity) };
}

/** A New Lead or Change Data Value activity as Get Lead Changes gives it: REST names. */
export function asLeadChange(activity: Activity): Record<string, unknown> {
  const { detail } = activity;
  if (detail.kind !== 'change') return asActivity(activity);
  const { field, newValue, oldValue, origin } = detail;
  return {
    ...head(activity),
    fields: [{ id: field.id, name: field.name, newValue, oldValue }],
    attributes: [
      { name: 'Reason', value: origin.reason },
      { name: 'Source', value: origin.source },
      { name: 'Lead ID', value: activity.leadId },
    ],
  };
}

const head = (activity: Activity): Record<string, unknown> => ({
  marketoGUID: String(activity.guid),
  leadId: activity.leadId,
  activityDate: isoSeconds(activity.happenedAt),
  activityTypeId: activity.typeId,
});

function primary({ detail, leadId, typeId }: Activity): Record<string, unknown> {
  switch (detail.kind) {
    case 'new':
    case 'deleted':
      return { primaryAttributeValueId: leadId, primaryAttributeValue: detail.name };
    case 'change':
    case 'score':
      return { primaryAttributeValueId: detail.field.id, primaryAttributeValue: detail.field.displayName };
    case 'plain':
      return {
        ...(detail.primaryId === undefined ? {} : { primaryAttributeValueId: detail.primaryId }),
        ...(detail.primaryValue === undefined ? {} : { primaryAttributeValue: detail.primaryValue }),
      };
    case 'custom':
      return { primaryAttributeValueId: typeId, primaryAttributeValue: detail.primaryValue };
  }
}

function attributes({ detail, happenedAt }: Activity): { name: string; value: unknown }[] {
  switch (detail.kind) {
    case 'new':
      return filled({ 'Created Date': isoSeconds(happenedAt).slice(0, 10), 'Source Type': detail.source });
    case 'deleted':
      return [];
    case 'plain':
      return filled(detail.attributes);
    case 'custom':
      return detail.attributes.map(({ name, apiName, value }) => ({ name, apiName, value }));
    case 'change':
    case 'score':
      return filled({
        ...(detail.kind === 'score' ? { 'Change Value': difference(detail.oldValue, detail.newValue) } : {}),
        'New Value': detail.newValue,
        'Old Value': detail.oldValue,
        Reason: detail.origin.reason,
        Source: detail.origin.source,
      });
  }
}

const filled = (
  values: Readonly<Record<string, string | number | null>>,
): { name: string; value: string | number }[] =>
  Object.entries(values).flatMap(([name, value]) =>
    value === null || value === '' ? [] : [{ name, value }],
  );

function difference(oldValue: string | null, newValue: string | null): string {
  const change = Number(newValue ?? 0) - Number(oldValue ?? 0);
  return change > 0 ? `+${String(change)}` : String(change);
}
