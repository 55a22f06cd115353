import type { Instance } from '../instance.js';
import { bodyOf, requiredText, textOf, type Answer, type Call, type Endpoint } from './endpoint.js';
import { writeLead, type InputRecord, type RecordResult, type Writing } from './lead-writing.js';
import { checkNames, knownLookupField, leadInput, writingOf } from './sync-leads.js';

/** Push Lead to Marketo: an upsert that leaves an activity with the caller's words (Adobe REST docs, "Leads"). */
export function pushLeadsEndpoint(instance: Instance): Endpoint {
  return {
    method: 'POST',
    path: '/v1/leads/push.json',
    write: true,
    answer: (call) => pushLeads(instance, call),
  };
}

function pushLeads(instance: Instance, call: Call): Answer {
  const body = bodyOf(call);
  // Programs are not simulated: any name is one.
  const program = requiredText(body, 'programName');
  const input = leadInput(call);
  const writing = writingOf(call, 'createOrUpdate', knownLookupField(instance, body));
  checkNames(instance, input);
  return { result: input.map((record) => push(instance, writing, record, program, body)) };
}

function push(
  instance: Instance,
  writing: Writing,
  record: InputRecord,
  program: string,
  body: InputRecord,
): RecordResult {
  const result = writeLead(instance, writing, record);
  const person = 'id' in result ? instance.people.table.get(result.id) : undefined;
  const source = textOf(body, 'source');
  const reason = textOf(body, 'reason');
  if (person) {
    const origin = {
      ...(source === undefined ? {} : { source }),
      ...(reason === undefined ? {} : { reason }),
    };
    instance.people.trace.pushed(person, program, origin);
  }
  return result;
}
