import { ApiFailure } from '../failure.js';
import type { Instance } from '../instance.js';
import { WEB_SERVICE } from '../activities/origins.js';
import type { Person } from '../persons/person-table.js';
import { list, missing, wrongType, type Answer, type Call, type Endpoint } from './endpoint.js';

const MOST_LOSERS = 25;

/** Merge Leads (Adobe REST docs, "Leads": merge). `mergeInCRM` is for Salesforce, which is not simulated. */
export function mergeLeadsEndpoint(instance: Instance): Endpoint {
  return {
    method: 'POST',
    path: '/v1/leads/:id/merge.json',
    write: true,
    answer: (call) => merge(instance, call),
  };
}

function merge(instance: Instance, call: Call): Answer {
  const ids = [...new Set([...list(call, 'leadId'), ...list(call, 'leadIds')])];
  if (ids.length === 0) throw missing('leadIds');
  if (ids.length > MOST_LOSERS)
    throw new ApiFailure('1080', `Max number of leads allowed to merge in a single call is ${MOST_LOSERS}`);
  const winner = personOf(instance, call.path['id'] ?? '');
  const losers = ids.map((id) => personOf(instance, id));
  if (losers.includes(winner))
    throw new ApiFailure('1003', `Lead '${winner.id}' cannot be merged with itself`);
  instance.people.merge(winner, losers, WEB_SERVICE);
  instance.lists.handOver(new Set(losers.map(({ id }) => id)), winner.id);
  return {};
}

/** The person that a call names by id, or the failure of the whole call. */
export function personOf(instance: Instance, id: string): Person {
  if (!/^\d+$/.test(id)) throw wrongType(id, 'Integer');
  const person = instance.people.table.get(Number(id));
  if (!person) throw new ApiFailure('1004', `Lead '${id}' not found`);
  return person;
}
