import { ApiFailure } from '../failure.js';
import type { Instance } from '../instance.js';
import type { StaticList } from '../persons/static-lists.js';
import { isoSeconds } from '../fields/values.js';
import { filtered, pageById } from './asset-list.js';
import type { Call, Endpoint } from './endpoint.js';

/** Get Lists and Get List by Id (Adobe REST docs, "Static Lists"). */
export function listsEndpoints(instance: Instance): Endpoint[] {
  return [
    {
      ...{ method: 'GET', path: '/v1/lists.json', write: false },
      answer: (call) => pageById(call, filtered(call, instance.lists.all()), shown),
    },
    {
      ...{ method: 'GET', path: '/v1/lists/:listId.json', write: false },
      answer: (call) => ({ result: [shown(listOf(instance, call.path['listId'] ?? ''))] }),
    },
  ];
}

/** The list with this id. @throws ApiFailure 1013 when there is none */
export function listOf(instance: Instance, id: string): StaticList {
  const list = instance.lists.byId(Number(id));
  if (!list) throw new ApiFailure('1013', 'List not found');
  return list;
}

/** The list that the parameter `listId` of a call names, or undefined without one. */
export const listAsked = (instance: Instance, call: Call): StaticList | undefined => {
  const id = call.query['listId'];
  return id === undefined || id === '' ? undefined : listOf(instance, id);
};

const shown = ({ createdAt, updatedAt, ...list }: StaticList): Record<string, unknown> => ({
  ...list,
  createdAt: isoSeconds(createdAt),
  updatedAt: isoSeconds(updatedAt),
});
