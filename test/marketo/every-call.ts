import type { Marketo } from '../../marketo/index.js';
import type { ServerLimit } from '../../marketo/deadlines.js';
import type { Seen } from './remote.js';
import { FRESH, freshType, HELD, heldType, notRead, ofAttributes, ofTypes, REQUEST } from './type-samples.js';

/** One call that the connector makes, and what it takes to make it. */
export interface EveryCall {
  /** As messages name it. */
  readonly name: string;
  readonly kind: 'read' | 'stream' | 'write';
  readonly limit: ServerLimit;
  /** Of the request, after `/rest/v1`. */
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly make: (marketo: Marketo, signal?: AbortSignal) => Promise<unknown>;
  /** A good answer, every member of Adobe's samples in it. */
  readonly body: object;
  /** Members, by path, that Marketo may leave out; `*` stands for any place in a list. */
  readonly optional: readonly string[];
}

const inStreams = ['moreResult', 'result', 'result.*.campaignId', 'result.*.attributes'];
const namedValue = ['result.*.attributes.*.name', 'result.*.attributes.*.value'];
const primaries = ['result.*.primaryAttributeValueId', 'result.*.primaryAttributeValue'];

export const EVERY_CALL: readonly EveryCall[] = [
  {
    name: 'describe persons',
    kind: 'read',
    limit: 'persons',
    method: 'GET',
    path: '/leads/describe2.json',
    make: (marketo, signal) => marketo.fields(signal),
    body: {
      ...REQUEST,
      result: [
        {
          name: 'API Lead',
          searchableFields: [['id'], ['email']],
          fields: [
            {
              name: 'email',
              displayName: 'Email Address',
              dataType: 'email',
              length: 255,
              updateable: true,
              crmManaged: false,
            },
          ],
        },
      ],
    },
    optional: [
      'result.*.name',
      'result.*.searchableFields',
      ...['displayName', 'length', 'updateable', 'crmManaged'].map((name) => `result.*.fields.*.${name}`),
    ],
  },
  {
    name: 'read the schema of a field',
    kind: 'read',
    limit: 'persons',
    method: 'GET',
    path: '/leads/schema/fields/dynamicsId.json',
    make: (marketo, signal) => marketo.fieldSchema('dynamicsId', signal),
    body: {
      ...REQUEST,
      result: [
        {
          name: 'dynamicsId',
          displayName: 'Dynamics Id',
          description: 'installation 1',
          dataType: 'string',
          isHidden: false,
        },
      ],
    },
    optional: ['result', ...['displayName', 'description', 'isHidden'].map((name) => `result.*.${name}`)],
  },
  {
    name: 'create person fields',
    kind: 'write',
    limit: 'persons',
    method: 'POST',
    path: '/leads/schema/fields.json',
    make: (marketo, signal) =>
      marketo.createFields([{ name: 'dynamicsId', displayName: 'Dynamics Id', type: 'string' }], signal),
    body: { ...REQUEST, result: [{ name: 'dynamicsId', status: 'created' }] },
    optional: ['result.*.name'],
  },
  {
    name: 'describe a field',
    kind: 'write',
    limit: 'persons',
    method: 'POST',
    path: '/leads/schema/fields/dynamicsId.json',
    make: (marketo, signal) => marketo.describeField('dynamicsId', 'installation 1', signal),
    body: { ...REQUEST, result: [{ name: 'dynamicsId', status: 'updated' }] },
    optional: ['result.*.name'],
  },
  {
    name: 'read persons by email',
    kind: 'read',
    limit: 'personsByFilter',
    method: 'GET',
    path: '/leads.json',
    make: (marketo, signal) =>
      marketo.readPersons({ by: 'email', values: ['ada@acme.example'], fields: ['title'] }, signal),
    body: {
      ...REQUEST,
      moreResult: false,
      result: [{ id: 501, email: 'ada@acme.example', title: 'CTO', updatedAt: '2026-11-20T10:00:00Z' }],
    },
    optional: ['moreResult', 'result', 'result.*.email', 'result.*.title', 'result.*.updatedAt'],
  },
  {
    name: 'sync persons',
    kind: 'write',
    limit: 'syncPersons',
    method: 'POST',
    path: '/leads.json',
    make: (marketo, signal) => {
      const records = [
        { id: 501, title: 'CTO' },
        { id: 502, title: 'CTO' },
      ];
      return marketo.syncPersons({ action: 'updateOnly', lookupField: 'id', records }, signal);
    },
    body: {
      ...REQUEST,
      result: [
        { id: 501, status: 'updated' },
        { id: 502, status: 'skipped', reasons: [{ code: '1004', message: 'Lead not found' }] },
      ],
    },
    optional: ['result.1.id', 'result.1.reasons', 'result.1.reasons.0.message'],
  },
  {
    name: 'get a paging token',
    kind: 'read',
    limit: 'pagingToken',
    method: 'GET',
    path: '/activities/pagingtoken.json',
    make: (marketo, signal) => marketo.pagingToken('2026-11-20T10:00:00Z', signal),
    body: { ...REQUEST, nextPageToken: 'GIYDENRN=' },
    optional: [],
  },
  {
    name: 'read changes of persons',
    kind: 'stream',
    limit: 'activities',
    method: 'GET',
    path: '/activities/leadchanges.json',
    make: (marketo, signal) => marketo.personChanges('T1', ['title'], signal),
    body: {
      ...REQUEST,
      nextPageToken: 'T2',
      moreResult: false,
      result: [
        {
          marketoGUID: '2107',
          leadId: 501,
          activityDate: '2026-11-20T10:02:11Z',
          activityTypeId: 13,
          campaignId: 1203,
          fields: [{ id: 60, name: 'title', newValue: 'CTO', oldValue: 'VP' }],
          attributes: [{ name: 'Source', value: 'Web service API' }],
        },
      ],
    },
    optional: [
      ...inStreams,
      ...namedValue,
      ...['id', 'newValue', 'oldValue'].map((member) => `result.*.fields.*.${member}`),
    ],
  },
  {
    name: 'read deleted persons',
    kind: 'stream',
    limit: 'activities',
    method: 'GET',
    path: '/activities/deletedleads.json',
    make: (marketo, signal) => marketo.deletedPersons('T1', signal),
    body: {
      ...REQUEST,
      nextPageToken: 'T2',
      moreResult: false,
      result: [
        {
          marketoGUID: '9',
          leadId: 501,
          activityDate: '2026-11-20T10:02:11Z',
          activityTypeId: 37,
          primaryAttributeValueId: 501,
          primaryAttributeValue: 'Ada Byron',
          attributes: [],
        },
      ],
    },
    optional: [...inStreams, ...primaries],
  },
  {
    name: 'read activities',
    kind: 'stream',
    limit: 'activities',
    method: 'GET',
    path: '/activities.json',
    make: (marketo, signal) => marketo.activities({ token: 'T1', typeIds: [22, 32] }, signal),
    body: {
      ...REQUEST,
      nextPageToken: 'T2',
      moreResult: false,
      result: [
        {
          marketoGUID: '6',
          leadId: 501,
          activityDate: '2026-11-20T10:02:11Z',
          activityTypeId: 32,
          campaignId: 1203,
          primaryAttributeValueId: 501,
          primaryAttributeValue: 'Ada Byron',
          attributes: [{ name: 'Merge IDs', value: '[502]' }],
        },
      ],
    },
    optional: [...inStreams, ...namedValue, ...primaries],
  },
  {
    name: 'list custom activity types',
    kind: 'read',
    limit: 'activities',
    method: 'GET',
    path: '/activities/external/types.json',
    make: (marketo, signal) => marketo.activityTypes(signal),
    body: { ...REQUEST, result: [heldType] },
    optional: ['result', ...ofTypes, ...ofAttributes, ...notRead],
  },
  {
    name: 'describe a custom activity type',
    kind: 'read',
    limit: 'activities',
    method: 'GET',
    path: '/activities/external/type/held/describe.json',
    make: (marketo, signal) => marketo.ensureActivityType(HELD, signal),
    body: { ...REQUEST, result: [heldType] },
    optional: [...ofTypes, ...ofAttributes, ...notRead],
  },
  {
    name: 'create a custom activity type',
    kind: 'write',
    limit: 'activities',
    method: 'POST',
    path: '/activities/external/type.json',
    make: (marketo, signal) => marketo.ensureActivityType(FRESH, signal),
    body: { ...REQUEST, result: [freshType] },
    optional: ['result', ...ofTypes, ...ofAttributes, ...notRead],
  },
  {
    name: 'add attributes to a custom activity type',
    kind: 'write',
    limit: 'activities',
    method: 'POST',
    path: '/activities/external/type/fresh/attributes/create.json',
    make: (marketo, signal) => marketo.ensureActivityType(FRESH, signal),
    body: { ...REQUEST, result: [freshType] },
    optional: ['result', ...ofTypes, ...ofAttributes, ...notRead],
  },
  {
    name: 'approve a custom activity type',
    kind: 'write',
    limit: 'activities',
    method: 'POST',
    path: '/activities/external/type/fresh/approve.json',
    make: (marketo, signal) => marketo.ensureActivityType(FRESH, signal),
    body: { ...REQUEST, result: [freshType] },
    optional: ['result', ...ofTypes, ...ofAttributes, ...notRead],
  },
  {
    name: 'add custom activities',
    kind: 'write',
    limit: 'addActivities',
    method: 'POST',
    path: '/activities/external.json',
    make: (marketo, signal) => {
      const activity = { at: '2026-11-20T10:05:00Z', typeId: 100_001, primaryValue: '7d1e', attributes: {} };
      const both = [501, 502].map((marketoId) => ({ marketoId, ...activity }));
      return marketo.addActivities(both, signal);
    },
    body: {
      ...REQUEST,
      result: [
        { id: 50, marketoGUID: '50', status: 'added' },
        { status: 'skipped', errors: [{ code: '1004', message: 'Lead not found' }] },
      ],
    },
    optional: ['result.0.id', 'result.0.marketoGUID', 'result.1.errors', 'result.1.errors.0.message'],
  },
  {
    name: "read today's usage",
    kind: 'read',
    limit: 'persons',
    method: 'GET',
    path: '/stats/usage.json',
    make: (marketo, signal) => marketo.usage(signal),
    body: {
      ...REQUEST,
      result: [{ date: '2026-11-22', total: 1120, users: [{ userId: 'sync-api@acme.example', count: 200 }] }],
    },
    optional: ['result', 'result.*.date', 'result.*.users'],
  },
];

const PREFIX = '/rest/v1';
const DESCRIBED_AFTERWARDS = `${PREFIX}/activities/external/type/fresh/describe.json`;

/** The call that a request belongs to, by what a server sees of it. */
export const callOf = ({
  method,
  path,
  query,
}: Pick<Seen, 'method' | 'path' | 'query'>): EveryCall | undefined => {
  const asked = query.get('_method') ?? method;
  return EVERY_CALL.find((call) => call.method === asked && `${PREFIX}${call.path}` === path);
};

/** A good answer to any request of `EVERY_CALL`; the type that is made afresh can be described once it is there. */
export const goodBody = (seen: Seen): object =>
  seen.path === DESCRIBED_AFTERWARDS ? { ...REQUEST, result: [freshType] } : (callOf(seen)?.body ?? {});
