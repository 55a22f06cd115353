import { ApiFailure, reason } from '../failure.js';
import type { Instance } from '../instance.js';
import { WEB_SERVICE } from '../activities/origins.js';
import type { StaticList } from '../persons/static-lists.js';
import { pageById } from './asset-list.js';
import { bodyOf, inputOf, list, MOST_RECORDS, type Answer, type Call, type Endpoint } from './endpoint.js';
import { listOf } from './lists.js';
import { askedFields } from './read-leads.js';

/** Members of static lists (Adobe REST docs, "Static Lists" and "List Membership"). */
export function listMembersEndpoints(instance: Instance): Endpoint[] {
  const read = (path: string, answer: Endpoint['answer']): Endpoint => ({
    ...{ method: 'GET', path, write: false, answer },
  });
  const members = (call: Call): Answer => readMembers(instance, call);
  const change = (status: 'added' | 'removed') => (call: Call) => changeMembers(instance, call, status);
  const path = '/v1/lists/:listId/leads.json';
  return [
    read('/v1/list/:listId/leads.json', members),
    read(path, members),
    read('/v1/lists/:listId/leads/ismember.json', (call) => areMembers(instance, call)),
    { method: 'POST', path, write: true, answer: change('added') },
    { method: 'DELETE', path, write: true, answer: change('removed') },
  ];
}

function readMembers(instance: Instance, call: Call): Answer {
  const fields = askedFields(instance, call);
  const ids = instance.lists.members(asked(instance, call));
  const members = ids.flatMap((id) => instance.people.table.get(id) ?? []);
  return pageById(call, members, (person) => instance.people.record(person, fields));
}

function areMembers(instance: Instance, call: Call): Answer {
  const of = asked(instance, call);
  const result = idsOf(call).map((id) => {
    if (!instance.people.table.get(id)) return { id, status: 'skipped', reasons: [reason('1004')] };
    return { id, status: instance.lists.has(of, id) ? 'memberof' : 'notmemberof' };
  });
  return { result };
}

function changeMembers(instance: Instance, call: Call, status: 'added' | 'removed'): Answer {
  const of = asked(instance, call);
  const { lists } = instance;
  const result = idsOf(call).map((id) => {
    // Unlike Sync Leads, these calls tell the id of a record that they skip.
    if (!instance.people.table.get(id)) return { id, status: 'skipped', reasons: [reason('1004')] };
    if (status === 'removed' && !lists.has(of, id))
      return { id, status: 'skipped', reasons: [reason('1015', 'Lead not in list')] };
    if (status === 'added') lists.join(of, id, WEB_SERVICE);
    else lists.leave(of, id, WEB_SERVICE);
    return { id, status };
  });
  return { result };
}

const asked = (instance: Instance, call: Call): StaticList => listOf(instance, call.path['listId'] ?? '');

/** Ids of a call: parameter `id`, or `input` of a JSON body. */
function idsOf(call: Call): number[] {
  const tooMany = `Max number of leads allowed in a single call is ${MOST_RECORDS}`;
  const ids: unknown[] =
    bodyOf(call)['input'] === undefined && call.query['id'] !== undefined
      ? list(call, 'id')
      : inputOf(call, tooMany).map((record) => record['id']);
  if (ids.length > MOST_RECORDS) throw new ApiFailure('1003', tooMany);
  return ids.map((id) => {
    if (!/^\d+$/.test(String(id)))
      throw new ApiFailure('1001', `Invalid value '${String(id)}'. Required of type 'Integer'`);
    return Number(id);
  });
}
