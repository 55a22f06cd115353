import type { ActivityTypeDefinition } from '../../marketo/index.js';

const definition = (apiName: string): ActivityTypeDefinition => ({
  apiName,
  name: 'Dynamics Sync Refused',
  triggerName: 'Dynamics Sync Is Refused',
  filterName: 'Dynamics Sync Was Refused',
  primaryAttribute: { apiName: 'recordId', name: 'Record Id' },
  attributes: [{ apiName: 'errorCode', name: 'Error Code', dataType: 'string' }],
});

/** Marketo holds the one type, approved, and knows nothing of the other. */
export const HELD = { ...definition('held'), attributes: [] };
export const FRESH = definition('fresh');

export const REQUEST = { requestId: 'a9c1#193f0b1c2d3', success: true };
const typeMembers = {
  description: 'what the sync could not write',
  triggerName: 'Dynamics Sync Is Refused',
  filterName: 'Dynamics Sync Was Refused',
  createdAt: '2026-11-20T10:00:00Z',
};
const errorCode = { apiName: 'errorCode', name: 'Error Code', dataType: 'string', isPrimary: false };
const recordId = { apiName: 'recordId', name: 'Record Id', dataType: 'string', isPrimary: true };
export const heldType = {
  ...typeMembers,
  id: 100_001,
  apiName: 'held',
  name: 'Dynamics Sync Refused',
  status: 'approved',
  primaryAttribute: recordId,
  attributes: [errorCode],
};
export const freshType = { ...heldType, apiName: 'fresh' };
export const ofTypes = ['result.*.id', 'result.*.name', 'result.*.status', 'result.*.primaryAttribute'];
export const ofAttributes = [
  'result.*.attributes',
  'result.*.attributes.*.name',
  'result.*.attributes.*.dataType',
  'result.*.attributes.*.isPrimary',
  'result.*.primaryAttribute.name',
  'result.*.primaryAttribute.dataType',
  'result.*.primaryAttribute.isPrimary',
];
export const notRead = Object.keys(typeMembers).map((member) => `result.*.${member}`);
