import type { Campaign } from '../campaigns/campaign.js';
import { coerced } from '../fields/coerced.js';
import type { Field, FieldValue } from '../fields/field.js';
import { storable } from '../fields/values.js';
import type { Instance } from '../instance.js';
import type { Person } from '../persons/person-table.js';
import { mappedField, type Webhook } from './webhook.js';
import { parsedXml } from './xml.js';

/** Writes the mapped parts of an answer into the person's fields; what a field cannot hold is passed by. */
export function applyMappings(
  instance: Instance,
  { name, responseType, mappings }: Webhook,
  campaign: Campaign,
  person: Person,
  text: string,
): void {
  if (mappings.length === 0) return;
  const answer = responseType === 'xml' ? parsedXml(text) : parsedJson(text);
  const changes = new Map<Field, FieldValue>();
  for (const { response, field: target } of mappings) {
    const field = mappedField(instance, target);
    const found = partAt(answer, response);
    if (!field || found === undefined || (typeof found === 'object' && found !== null)) continue;
    const accepted = storable(field, coerced(field, found));
    if (accepted !== undefined) changes.set(field, accepted);
  }
  instance.people.update(person, changes, {
    source: 'Webhook Updates',
    reason: `Webhook ${name}, Smart Campaign ${campaign.programName}.${campaign.name}`,
  });
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What stands at a path such as `orders[0].id`. */
export function partAt(answer: unknown, path: string): unknown {
  let at = answer;
  for (const part of path.split('.')) {
    const [key = '', ...indexes] = part.split('[');
    if (key !== '') at = memberOf(at, key);
    for (const index of indexes)
      at = Array.isArray(at) ? (at as unknown[])[parseInt(index, 10)] : onlyAt(at, index);
  }
  return at;
}

const memberOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;

/** In XML a list of one is no list. */
const onlyAt = (value: unknown, index: string): unknown => (parseInt(index, 10) === 0 ? value : undefined);
