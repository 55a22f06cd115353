import { describe, expect, it } from 'vitest';
import type { ActivityTypeDefinition } from '../../marketo/index.js';
import { FAILURES } from '../../rules/failures.js';
import { failureOf, ok, refuse, startRemote, type Remote, type Seen } from './remote.js';

const definition: ActivityTypeDefinition = {
  apiName: 'dynamicsSyncRefused',
  name: 'Dynamics Sync Refused',
  triggerName: 'Dynamics Sync Is Refused',
  filterName: 'Dynamics Sync Was Refused',
  primaryAttribute: { apiName: 'recordId', name: 'Record Id' },
  attributes: [
    { apiName: 'direction', name: 'Direction', dataType: 'string' },
    { apiName: 'ledgerId', name: 'Ledger Id', dataType: 'integer' },
  ],
};

interface Held {
  readonly apiName: string;
  readonly id?: number;
  readonly status: string;
  readonly primaryAttribute: unknown;
  readonly attributes: readonly unknown[];
}

const TYPE = '/rest/v1/activities/external/type';

/** Custom activity types as Marketo keeps them: a draft has no id before it is approved, the list no attributes. */
async function startWithTypes(...initial: readonly Held[]): Promise<Remote & { readonly changes: string[] }> {
  const remote = await startRemote();
  const types = new Map(initial.map((type) => [type.apiName, type]));
  const changes: string[] = [];
  const change = (seen: Seen, type: Held | undefined): Held | undefined => {
    const body = seen.body as { apiName: string; primaryAttribute: unknown; attributes: unknown[] };
    const path = seen.path.slice(TYPE.length);
    changes.push(path);
    if (path === '.json') return { ...body, status: 'draft', attributes: [] };
    if (type === undefined) return undefined;
    if (path.endsWith('/attributes/create.json')) {
      return { ...type, attributes: [...type.attributes, ...body.attributes] };
    }
    return { ...type, status: 'approved', id: 100_001 };
  };
  remote.answer = (seen) => {
    if (seen.path.endsWith('/types.json')) {
      return ok([...types.values()].map((type) => ({ ...type, attributes: undefined })));
    }
    const type = types.get(/type\/([^/]+)\//.exec(seen.path)?.[1] ?? '');
    if (seen.method === 'GET') return type ? ok([type]) : refuse('1013');
    const changed = change(seen, type);
    if (changed === undefined) return refuse('1013');
    types.set(changed.apiName, changed);
    return ok([changed]);
  };
  return Object.assign(remote, { changes });
}

const held = (over: Partial<Held> = {}): Held => ({
  apiName: definition.apiName,
  status: 'approved',
  id: 100_007,
  primaryAttribute: { ...definition.primaryAttribute, dataType: 'string' },
  attributes: [{ ...definition.primaryAttribute, isPrimary: true }, ...definition.attributes],
  ...over,
});

describe('A custom activity type', () => {
  it('is created, given its attributes and approved; done again it changes nothing', async () => {
    const remote = await startWithTypes();
    const marketo = remote.connect();
    expect(await marketo.ensureActivityType(definition)).toEqual({ id: 100_001 });
    const made = [
      '.json',
      '/dynamicsSyncRefused/attributes/create.json',
      '/dynamicsSyncRefused/approve.json',
    ];
    expect(remote.changes).toEqual(made);
    expect(await marketo.ensureActivityType(definition)).toEqual({ id: 100_001 });
    expect(remote.changes).toEqual(made);
  });

  it('that was left a draft half-way is completed and approved', async () => {
    const remote = await startWithTypes(
      held({ status: 'draft', attributes: definition.attributes.slice(0, 1) }),
    );
    await remote.connect().ensureActivityType(definition);
    expect(remote.changes).toEqual([
      '/dynamicsSyncRefused/attributes/create.json',
      '/dynamicsSyncRefused/approve.json',
    ]);
    const added = remote.calls.find(({ path }) => path.endsWith('/attributes/create.json'));
    expect(added?.body).toEqual({ attributes: definition.attributes.slice(1) });
  });

  it('that is approved and fits is taken as it is, attributes of others included', async () => {
    const other = { apiName: 'note', name: 'Note', dataType: 'text' };
    const remote = await startWithTypes(held({ attributes: [...definition.attributes, other] }));
    expect(await remote.connect().ensureActivityType(definition)).toEqual({ id: 100_007 });
    expect(remote.changes).toEqual([]);
  });

  it.each([
    ['lacks an attribute', { attributes: definition.attributes.slice(0, 1) }, 'ledgerId is missing'],
    [
      'has an attribute of another type',
      { attributes: [{ apiName: 'direction', dataType: 'boolean' }] },
      'direction is of type boolean, not string',
    ],
    [
      'has another primary attribute',
      { primaryAttribute: { apiName: 'other', name: 'Other' } },
      'primary attribute is other, not recordId',
    ],
  ])('that %s is a misconfiguration, and left alone', async (_how, over, message) => {
    const remote = await startWithTypes(held(over));
    const failure = await failureOf(remote.connect().ensureActivityType(definition));
    expect(failure).toMatchObject({ type: FAILURES.misconfigured, code: 'activity-type-differs' });
    expect(failure.message).toContain(message);
    expect(remote.changes).toEqual([]);
  });
});

describe('Custom activities', () => {
  const activity = {
    marketoId: 501,
    at: '2026-11-20T10:05:00.123Z',
    typeId: 100_001,
    primaryValue: '7d1e',
    attributes: { direction: 'marketoToDynamics', ledgerId: 42 },
  };

  it('are added with whole seconds and attributes by API name, each with its own result', async () => {
    const remote = await startRemote();
    remote.answer = () =>
      ok([
        { id: 50, marketoGUID: '50', status: 'added' },
        { id: 51, status: 'added' },
        { status: 'skipped', errors: [{ code: '1004', message: 'Lead not found' }] },
      ]);
    expect(await remote.connect().addActivities([activity, activity, activity])).toEqual([
      { status: 'added', guid: '50' },
      { status: 'added', guid: '51' },
      { status: 'skipped', code: '1004', message: 'Lead not found' },
    ]);
    expect(remote.calls[0]).toMatchObject({ method: 'POST', path: '/rest/v1/activities/external.json' });
    const { input } = remote.calls[0]?.body as { input: unknown[] };
    expect(input).toHaveLength(3);
    expect(input[0]).toEqual({
      leadId: 501,
      activityDate: '2026-11-20T10:05:00Z',
      activityTypeId: 100_001,
      primaryAttributeValue: '7d1e',
      attributes: [
        { apiName: 'direction', value: 'marketoToDynamics' },
        { apiName: 'ledgerId', value: 42 },
      ],
    });
  });

  it('whose answer cannot be matched to them are in doubt', async () => {
    const remote = await startRemote();
    remote.answer = () => ok([{ id: 50, status: 'added' }]);
    const failure = await failureOf(remote.connect().addActivities([activity, activity]));
    expect(failure).toMatchObject({ code: 'garbage', effect: 'unknown' });
  });

  it('cost no call when there are none, and are at most 300', async () => {
    const remote = await startRemote();
    const marketo = remote.connect();
    expect(await marketo.addActivities([])).toEqual([]);
    await expect(marketo.addActivities(Array.from({ length: 301 }, () => activity))).rejects.toThrow(
      RangeError,
    );
    expect(remote.calls).toEqual([]);
  });
});
