import { ApiFailure, reason } from '../failure.js';
import type { Instance } from '../instance.js';
import { inputOf, list, MOST_RECORDS, type Answer, type Call, type Endpoint } from './endpoint.js';

/** Delete Leads, in its current and its older form (Adobe REST docs, "Leads": delete). */
export function deleteLeadsEndpoints(instance: Instance): Endpoint[] {
  const answer = (call: Call): Answer => deleteLeads(instance, call);
  return [
    { method: 'POST', path: '/v1/leads/delete.json', write: true, answer },
    { method: 'DELETE', path: '/v1/leads.json', write: true, answer },
  ];
}

function deleteLeads(instance: Instance, call: Call): Answer {
  const ids = call.query['id'] === undefined ? idsOfBody(call) : list(call, 'id');
  if (ids.length > MOST_RECORDS) throw new ApiFailure('1003', TOO_MANY);
  return {
    result: ids.map((id) => {
      const person = instance.people.table.get(Number(id));
      if (!person) return { status: 'skipped', reasons: [reason('1004')] };
      instance.people.remove(person);
      return { id: person.id, status: 'deleted' };
    }),
  };
}

const TOO_MANY = `Max number of leads allowed to delete in a single call is ${MOST_RECORDS}`;

const idsOfBody = (call: Call): unknown[] => inputOf(call, TOO_MANY).map((record) => record['id']);
