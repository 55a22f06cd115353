import { ApiFailure, reason } from '../failure.js';
import type { DataType, Field } from '../fields/field.js';
import type { NewField } from '../fields/field-catalog.js';
import type { Instance } from '../instance.js';
import { decodeToken, encodeToken } from '../activities/paging-token.js';
import { batchSize, inputOf, isRecord, requiredText, textOf, wrongType } from './endpoint.js';
import { MOST_RECORDS, type Answer, type Call, type Endpoint } from './endpoint.js';

const CREATABLE = [
  'boolean',
  'currency',
  'date',
  'datetime',
  'email',
  'float',
  'integer',
  'percent',
  'phone',
  'score',
  'string',
  'url',
] as const satisfies readonly DataType[];
const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
const MOST_API_FIELDS = 100;

/** The lead field schema calls (Adobe REST docs, "Lead Database": lead field schema). */
export function fieldSchemaEndpoints(instance: Instance): Endpoint[] {
  const fields = '/v1/leads/schema/fields';
  return [
    { method: 'GET', path: `${fields}.json`, write: false, answer: (call) => listFields(instance, call) },
    {
      method: 'GET',
      path: `${fields}/:name.json`,
      write: false,
      answer: (call) => ({ result: [shown(find(instance, call))] }),
    },
    { method: 'POST', path: `${fields}.json`, write: true, answer: (call) => createFields(instance, call) },
    {
      method: 'POST',
      path: `${fields}/:name.json`,
      write: true,
      answer: (call) => updateField(instance, call),
    },
  ];
}

function listFields(instance: Instance, call: Call): Answer {
  const size = batchSize(call);
  const token = call.query['nextPageToken'];
  const place = token === undefined ? undefined : decodeToken(token);
  if (token !== undefined && place?.kind !== 'after') throw wrongType(token, 'PagingToken');
  const start = place?.kind === 'after' ? place.id : 0;
  const all = instance.fields.allSeen();
  const result = all.slice(start, start + size).map(shown);
  if (start + size >= all.length) return { result };
  return { result, moreResult: true, nextPageToken: encodeToken({ kind: 'after', id: start + size }) };
}

function find(instance: Instance, call: Call): Field {
  const field = instance.fields.seen(call.path['name'] ?? '');
  if (!field) throw new ApiFailure('702');
  return field;
}

const shown = (field: Field): Record<string, unknown> => ({
  displayName: field.displayName,
  name: field.name,
  description: field.description ?? null,
  dataType: field.dataType,
  ...(field.length === undefined ? {} : { length: field.length }),
  isHidden: field.hidden,
  isHtmlEncodingInEmail: field.htmlEncoding,
  isSensitive: field.sensitive,
  isCustom: field.custom,
  isApiCreated: field.apiCreated,
});

function createFields(instance: Instance, call: Call): Answer {
  const input = inputOf(call, `Max number of fields allowed in a single call is ${MOST_RECORDS}`);
  const wanted = input.map((record) => ({
    name: requiredText(record, 'name'),
    displayName: requiredText(record, 'displayName'),
    dataType: requiredText(record, 'dataType'),
    optional: {
      ...optionally('description', textOf(record, 'description')),
      hidden: flag(record['isHidden'], false),
      htmlEncoding: flag(record['isHtmlEncodingInEmail'], true),
      sensitive: flag(record['isSensitive'], false),
    },
  }));
  return { result: wanted.map((field) => createField(instance, field)) };
}

function createField(
  instance: Instance,
  wanted: {
    readonly name: string;
    readonly displayName: string;
    readonly dataType: string;
    readonly optional: Partial<NewField>;
  },
): Record<string, unknown> {
  const { name, displayName, optional } = wanted;
  const skipped = (code: string, message?: string) => ({
    name,
    status: 'skipped',
    reasons: [reason(code, message)],
  });
  const dataType = CREATABLE.find((type) => type === wanted.dataType);
  if (!NAME.test(name)) return skipped('1003', `Invalid value for field 'name' and value '${name}'`);
  if (!dataType) return skipped('1003', `Invalid value for field 'dataType' and value '${wanted.dataType}'`);
  if (instance.fields.taken(name) || instance.fields.displayed(displayName)) return skipped('1017');
  if (instance.fields.apiCreatedCount() >= MOST_API_FIELDS) {
    return skipped('709', `Max number of API created fields is ${MOST_API_FIELDS}`);
  }
  instance.fields.create({ ...optional, name, displayName, dataType });
  return { name, status: 'created' };
}

const optionally = (name: 'description', value: string | undefined): Partial<NewField> =>
  value === undefined ? {} : { [name]: value };

function updateField(instance: Instance, call: Call): Answer {
  const field = find(instance, call);
  const [change, ...more] = inputOf(call, 'Only one field can be updated in a single call');
  if (!isRecord(change) || more.length > 0)
    throw new ApiFailure('1003', 'Only one field can be updated in a single call');
  const allowed = changeable(field);
  const refused = Object.keys(change).find((name) => !allowed.has(name));
  if (refused !== undefined) throw new ApiFailure('1003', `Field attribute '${refused}' cannot be changed`);
  instance.fields.replace({
    ...field,
    displayName: textOf(change, 'displayName') ?? field.displayName,
    description:
      typeof change['description'] === 'string' ? change['description'] : (field.description ?? ''),
    hidden: flag(change['isHidden'], field.hidden),
    htmlEncoding: flag(change['isHtmlEncodingInEmail'], field.htmlEncoding),
    sensitive: flag(change['isSensitive'], field.sensitive),
  });
  return { result: [{ name: field.name, status: 'updated' }] };
}

const changeable = (field: Field): ReadonlySet<string> =>
  new Set([
    'description',
    'isHtmlEncodingInEmail',
    'isSensitive',
    ...(field.custom ? ['displayName'] : []),
    ...(field.apiCreated ? ['isHidden'] : []),
  ]);

const flag = (value: unknown, otherwise: boolean): boolean =>
  typeof value === 'boolean' ? value : otherwise;
