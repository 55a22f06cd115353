import { ApiFailure } from '../failure.js';
import type { Instance } from '../instance.js';
import { failByRecords, refusedRecord } from './bad-records.js';
import { text, writeLead, type Action, type InputRecord, type Writing } from './lead-writing.js';
import { bodyOf, inputOf, MOST_RECORDS, textOf, type Answer, type Call, type Endpoint } from './endpoint.js';

const ACTIONS = [
  'createOrUpdate',
  'createOnly',
  'updateOnly',
  'createDuplicate',
] as const satisfies readonly Action[];

/** Sync Leads: `POST /rest/v1/leads.json` (Adobe REST docs, "Leads": create and update). */
export function syncLeadsEndpoint(instance: Instance): Endpoint {
  return { method: 'POST', path: '/v1/leads.json', write: true, answer: (call) => syncLeads(instance, call) };
}

function syncLeads(instance: Instance, call: Call): Answer {
  const input = leadInput(call);
  const body = bodyOf(call);
  const asked = body['action'] ?? 'createOrUpdate';
  const action = ACTIONS.find((known) => known === asked);
  if (!action) throw new ApiFailure('1001', `Invalid value '${text(asked)}'. Required of type 'action'`);
  const lookupField = knownLookupField(instance, body);
  if (lookupField === 'id' && action !== 'updateOnly') {
    throw new ApiFailure('1003', `Lookup field 'id' is not allowed with action '${action}'`);
  }
  checkNames(instance, input);
  const writing = writingOf(call, action, lookupField);
  failByRecords(instance, input);
  const result = input.map(
    (record) => refusedRecord(instance, record) ?? writeLead(instance, writing, record),
  );
  // The real answer is not documented. Nothing about the records is known before an asynchronous call returns.
  return body['asyncProcessing'] === true ? {} : { result };
}

export const leadInput = (call: Call): readonly InputRecord[] =>
  inputOf(call, `Max number of leads allowed to create/update in a single call is ${MOST_RECORDS}`);

/** The field by which persons are looked up, `email` by default. */
export function knownLookupField(instance: Instance, body: InputRecord): string {
  const lookupField = textOf(body, 'lookupField') ?? 'email';
  if (!instance.fields.seen(lookupField))
    throw new ApiFailure('1006', `Lookup field '${lookupField}' not found`);
  if (!instance.fields.searchable(lookupField))
    throw new ApiFailure('1011', `Field '${lookupField}' not supported`);
  return lookupField;
}

/** Whether an unknown name fails the call or its record alone is not documented: a setting decides. */
export function checkNames(instance: Instance, input: readonly InputRecord[]): void {
  if (instance.settings.current.unknownFields === 'record') return;
  for (const name of new Set(input.flatMap((record) => Object.keys(record)))) {
    if (!instance.fields.seen(name)) throw new ApiFailure('1006', `Field '${name}' not found`);
  }
}

export function writingOf(call: Call, action: Action, lookupField: string): Writing {
  let twin: boolean | undefined;
  return {
    action,
    lookupField,
    partitionName: textOf(bodyOf(call), 'partitionName'),
    twin: () => (twin ??= call.takeTwin()),
    made: new Set(),
  };
}
