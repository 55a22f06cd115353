import type { CustomAttribute } from '../activities/activity-log.js';
import type { ActivityDefinition } from '../activities/custom-activity-types.js';
import { reason, type Reason } from '../failure.js';
import type { Instance } from '../instance.js';
import { parseInstant } from '../fields/values.js';
import { inputOf, isRecord, MOST_RECORDS, type Answer, type Call, type Endpoint } from './endpoint.js';

const MOST_BYTES = 65_536;
const REQUIRED = ['leadId', 'activityDate', 'activityTypeId', 'primaryAttributeValue', 'attributes'];

type InputRecord = Readonly<Record<string, unknown>>;

/** Add Custom Activities (Adobe REST docs, "Custom Activities"): write-once, without any idempotency key. */
export function customActivitiesEndpoint(instance: Instance): Endpoint {
  return {
    method: 'POST',
    path: '/v1/activities/external.json',
    write: true,
    answer: (call) => addActivities(instance, call),
  };
}

function addActivities(instance: Instance, call: Call): Answer {
  const input = inputOf(call, `Max number of activities allowed in a single call is ${MOST_RECORDS}`);
  return { result: input.map((record) => add(instance, record)) };
}

function add(instance: Instance, record: InputRecord): Record<string, unknown> {
  // Unlike Sync Leads, this call names the reasons `errors`.
  const skipped = (error: Reason) => ({ status: 'skipped', errors: [error] });
  const absent = REQUIRED.find(
    (name) => record[name] === undefined || record[name] === null || record[name] === '',
  );
  if (absent !== undefined)
    return skipped(reason('1002', `Missing value for required parameter '${absent}'`));
  const date = String(record['activityDate']);
  const happenedAt = parseInstant(date);
  if (happenedAt === undefined)
    return skipped(reason('1003', `Invalid value for field 'activityDate' and value '${date}'`));
  const typeId = Number(record['activityTypeId']);
  const definition = instance.customTypes.byId(typeId)?.approved;
  if (!definition)
    return skipped(reason('1013', `Activity type '${String(record['activityTypeId'])}' not found`));
  const attributes = readAttributes(definition, record['attributes']);
  if ('code' in attributes) return skipped(attributes);
  const person = instance.people.table.get(Number(record['leadId']));
  if (!person) return skipped(reason('1004'));
  const activity = instance.log.append({
    leadId: person.id,
    typeId,
    recordedAt: instance.now(),
    happenedAt,
    lagMs: instance.settings.current.commitLagMs,
    detail: {
      kind: 'custom',
      primaryValue: String(record['primaryAttributeValue']),
      attributes: attributes.values,
    },
  });
  return { id: activity.guid, marketoGUID: String(activity.guid), status: 'added' };
}

function readAttributes(
  definition: ActivityDefinition,
  given: unknown,
): { values: CustomAttribute[] } | Reason {
  if (!Array.isArray(given)) return reason('1003', "Invalid value for field 'attributes'");
  const values: CustomAttribute[] = [];
  for (const item of given.filter(isRecord)) {
    const name = item['apiName'] ?? item['name'];
    const known = definition.attributes.find(
      (attribute) => attribute.apiName === name || attribute.name === name,
    );
    if (!known) return reason('1006', `Field '${String(name)}' not found`);
    const value = item['value'];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      return reason('1003', `Invalid value for field '${known.apiName}'`);
    }
    values.push({ name: known.name, apiName: known.apiName, value });
  }
  const bytes = values.reduce((sum, { value }) => sum + Buffer.byteLength(String(value)), 0);
  return bytes > MOST_BYTES
    ? reason('1049', 'Failed to create activity: attributes are too large')
    : { values };
}
