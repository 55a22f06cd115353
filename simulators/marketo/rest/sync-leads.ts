import { ApiFailure, reason, type Reason } from '../failure.js';
import type { Field, FieldValue } from '../field.js';
import type { Instance } from '../instance.js';
import type { Person } from '../person-table.js';
import { COMPANY_FIELDS } from '../standard-fields.js';
import { storable } from '../values.js';
import { WEB_SERVICE } from '../origins.js';
import { bodyOf, inputOf, MOST_RECORDS, textOf, type Answer, type Call, type Endpoint } from './endpoint.js';

const ACTIONS = ['createOrUpdate', 'createOnly', 'updateOnly', 'createDuplicate'] as const;
type Action = (typeof ACTIONS)[number];
type InputRecord = Readonly<Record<string, unknown>>;
type RecordResult = { readonly id: number; readonly status: 'created' | 'updated' } | Skipped;
interface Skipped {
  readonly status: 'skipped';
  readonly reasons: readonly Reason[];
}

interface SyncRequest {
  readonly action: Action;
  readonly lookupField: string;
  readonly partitionName: string | undefined;
  /** True once a twin fault struck: every create of this call happens twice. */
  readonly twin: () => boolean;
}

/** Sync Leads: `POST /rest/v1/leads.json` (Adobe REST docs, "Leads": create and update). */
export function syncLeadsEndpoint(instance: Instance): Endpoint {
  return { method: 'POST', path: '/v1/leads.json', write: true, answer: (call) => syncLeads(instance, call) };
}

function syncLeads(instance: Instance, call: Call): Answer {
  const input = inputOf(
    call,
    `Max number of leads allowed to create/update in a single call is ${MOST_RECORDS}`,
  );
  const request = readRequest(instance, call);
  for (const name of new Set(input.flatMap((record) => Object.keys(record)))) {
    if (!instance.fields.seen(name)) throw new ApiFailure('1006', `Field '${name}' not found`);
  }
  return { result: input.map((record) => syncRecord(instance, request, record)) };
}

function readRequest(instance: Instance, call: Call): SyncRequest {
  const body = bodyOf(call);
  const asked = body['action'] ?? 'createOrUpdate';
  const action = ACTIONS.find((known) => known === asked);
  if (!action) throw new ApiFailure('1001', `Invalid value '${text(asked)}'. Required of type 'action'`);
  const lookupField = textOf(body, 'lookupField') ?? 'email';
  if (!instance.fields.seen(lookupField))
    throw new ApiFailure('1006', `Lookup field '${lookupField}' not found`);
  if (!instance.fields.searchable(lookupField))
    throw new ApiFailure('1011', `Field '${lookupField}' not supported`);
  if (lookupField === 'id' && action !== 'updateOnly') {
    throw new ApiFailure('1003', `Lookup field 'id' is not allowed with action '${action}'`);
  }
  let twin: boolean | undefined;
  return {
    action,
    lookupField,
    partitionName: textOf(body, 'partitionName'),
    twin: () => (twin ??= call.takeTwin()),
  };
}

function syncRecord(instance: Instance, request: SyncRequest, record: InputRecord): RecordResult {
  if (request.partitionName !== undefined && request.partitionName !== 'Default') {
    return skipped('1008', `Access denied to partition '${request.partitionName}'`);
  }
  const values = acceptedValues(instance, request, record);
  if ('status' in values) return values;
  if (request.action === 'createDuplicate') return create(instance, request, values.fields);
  if (isBlank(record[request.lookupField])) {
    return skipped('1003', `Value for lookup field '${request.lookupField}' not found`);
  }
  const matches = lookUp(instance, request.lookupField, record[request.lookupField]);
  const [match] = matches;
  if (match === undefined) {
    return request.action === 'updateOnly' ? skipped('1004') : create(instance, request, values.fields);
  }
  if (request.action === 'createOnly') return skipped('1005');
  if (matches.length > 1) return skipped('1007');
  return update(instance, match, values.fields);
}

/** The values to store, or why the record is skipped: the first bad field decides. */
function acceptedValues(
  instance: Instance,
  request: SyncRequest,
  record: InputRecord,
): { readonly fields: ReadonlyMap<Field, FieldValue> } | Skipped {
  const fields = new Map<Field, FieldValue>();
  for (const [name, value] of Object.entries(record)) {
    const field = instance.fields.seen(name);
    if (!field) continue;
    const accepted = storable(field, value);
    if (accepted === undefined) return skipped('1003', invalidValue(name, value));
    if (name === 'id' && request.lookupField === 'id') continue;
    if (!instance.fields.updateable(field)) return skipped('1003', `Field '${name}' is not updateable`);
    fields.set(field, accepted);
  }
  return { fields };
}

const lookUp = (instance: Instance, lookupField: string, value: unknown): Person[] =>
  instance.people.table
    .find(lookupField, text(value))
    .map((id) => instance.people.table.get(id))
    .filter((person): person is Person => person !== undefined);

function create(
  instance: Instance,
  request: SyncRequest,
  values: ReadonlyMap<Field, FieldValue>,
): RecordResult {
  const person = instance.people.create(values, WEB_SERVICE.source);
  if (request.twin()) instance.people.create(values, WEB_SERVICE.source);
  return { id: person.id, status: 'created' };
}

function update(instance: Instance, person: Person, values: ReadonlyMap<Field, FieldValue>): RecordResult {
  const ofCompany = [...values.keys()].find((field) => COMPANY_FIELDS.has(field.name));
  // When 1021 really applies is not documented; a person without a company record may carry company values.
  if (ofCompany && person.values.has('externalCompanyId'))
    return skipped('1021', 'Company update not allowed');
  const blocked = new Set(instance.settings.current.blockedFields);
  const open = [...values].filter(
    ([field]) => !blocked.has(field.name) || instance.people.read(person, field) === null,
  );
  instance.people.update(person, new Map(open), WEB_SERVICE);
  return { id: person.id, status: 'updated' };
}

/** The text recorded from the live API. */
const invalidValue = (name: string, value: unknown): string =>
  `Invalid value for field '${name}' and value '${text(value)}'`;

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const isBlank = (value: unknown): boolean => value === undefined || value === null || value === '';

const skipped = (code: string, message?: string): Skipped => ({
  status: 'skipped',
  reasons: [reason(code, message)],
});
