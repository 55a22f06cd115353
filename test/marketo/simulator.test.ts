import { describe, expect, it, onTestFinished } from 'vitest';
import {
  ACTIVITY_TYPES,
  createMarketo,
  scoreChange,
  type ActivityTypeDefinition,
  type Marketo,
} from '../../marketo/index.js';
import { unlimitedBudget } from '../../rules/budget.js';
import { FAILURES } from '../../rules/failures.js';
import { startMarketoSimulator, type SeedPerson } from '../../simulators/marketo/index.js';
import { failureOf } from './remote.js';

interface Simulated {
  readonly marketo: Marketo;
  readonly admin: (method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown) => Promise<void>;
}

async function simulate(persons: readonly SeedPerson[] = []): Promise<Simulated> {
  const simulator = await startMarketoSimulator({ persons });
  const { origin, environment } = simulator;
  const settings = {
    endpoint: environment['MARKETO_ENDPOINT'] ?? '',
    identity: environment['MARKETO_IDENTITY'] ?? '',
    clientId: environment['MARKETO_CLIENT_ID'] ?? '',
    clientSecret: environment['MARKETO_CLIENT_SECRET'] ?? '',
  };
  const marketo = createMarketo(settings, { budget: unlimitedBudget, timing: { rateLimitMs: 10 } });
  onTestFinished(async () => {
    marketo.close();
    await simulator.close();
  });
  return {
    marketo,
    async admin(method, path, body = {}) {
      const headers = { 'Content-Type': 'application/json' };
      const answer = await fetch(`${origin}/admin${path}`, { method, headers, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(await answer.text());
    },
  };
}

const refused: ActivityTypeDefinition = {
  apiName: 'dynamicsSyncRefused',
  name: 'Dynamics Sync Refused',
  triggerName: 'Dynamics Sync Is Refused',
  filterName: 'Dynamics Sync Was Refused',
  primaryAttribute: { apiName: 'recordId', name: 'Record Id' },
  attributes: [{ apiName: 'errorCode', name: 'Error Code', dataType: 'string' }],
};

describe('Against the simulated Marketo', () => {
  it('a person is created, changed, read, and all of it is in the change log', async () => {
    const { marketo } = await simulate();
    const since = await marketo.pagingToken(new Date(Date.now() - 60_000).toISOString());
    const created = await marketo.syncPersons({
      action: 'createOnly',
      lookupField: 'email',
      records: [{ email: 'ada@acme.example', firstName: 'Ada' }, { email: 'no address' }],
    });
    expect(created).toMatchObject([
      { status: 'created' },
      { status: 'skipped', code: '1003', field: 'email' },
    ]);
    const id = created[0]?.status === 'created' ? created[0].id : 0;
    const records = [{ id, title: 'CTO' }];
    await marketo.syncPersons({ action: 'updateOnly', lookupField: 'id', records });

    const query = { by: 'email', values: ['ADA@acme.example'], fields: ['title', 'city'] } as const;
    expect((await marketo.readPersons(query)).persons).toEqual([
      { id, values: { id, email: 'ada@acme.example', title: 'CTO', city: null } },
    ]);
    const { changes, more } = await marketo.personChanges(since, ['title']);
    expect(more).toBe(false);
    expect(changes).toMatchObject([
      { kind: 'created', marketoId: id },
      {
        kind: 'changed',
        marketoId: id,
        viaApi: true,
        fields: [{ name: 'title', oldValue: null, newValue: 'CTO' }],
      },
    ]);
  });

  it('many persons are read in calls of 300, on several pages', async () => {
    const ids = Array.from({ length: 650 }, (_, index) => 1_000 + index);
    const { marketo } = await simulate(ids.map((id) => ({ id, email: `p${id}@acme.example` })));
    const values = ids.map((id) => `P${id}@acme.example`);
    const { persons } = await marketo.readPersons({ by: 'email', values, fields: [] });
    expect(persons.map(({ id }) => id).toSorted((left, right) => left - right)).toEqual(ids);
  });

  it('an e-mail that more than a thousand persons share does not hide the others', async () => {
    const crowd = Array.from({ length: 1_001 }, () => ({ email: 'info@acme.example' }));
    const { marketo } = await simulate([{ id: 1, email: 'ada@acme.example' }, ...crowd]);
    const values = ['ada@acme.example', 'info@acme.example', 'nobody@acme.example'];
    const { persons, unaskable } = await marketo.readPersons({ by: 'email', values, fields: [] });
    expect(persons.map(({ id }) => id)).toEqual([1]);
    expect(unaskable).toEqual([{ value: 'info@acme.example', because: 'tooMany' }]);
  });

  it('the schema grows once, and a missing field is told as such', async () => {
    const { marketo } = await simulate();
    const field = { name: 'syncTestKey', displayName: 'Sync Test Key', type: 'string' } as const;
    expect(await marketo.fieldSchema('syncTestKey')).toBeUndefined();
    expect(await marketo.createFields([field])).toEqual([{ status: 'created' }]);
    expect(await marketo.createFields([field])).toMatchObject([{ status: 'skipped', code: '1017' }]);
    await marketo.describeField('syncTestKey', 'installation 1');
    expect(await marketo.fieldSchema('syncTestKey')).toEqual({
      name: 'syncTestKey',
      description: 'installation 1',
      type: 'string',
    });
    expect(await marketo.fields()).toContainEqual(
      expect.objectContaining({ name: 'syncTestKey', type: 'string', searchable: true, updateable: true }),
    );
    const unknown = marketo.readPersons({ by: 'id', values: [1], fields: ['noSuchField'] });
    expect(await failureOf(unknown)).toMatchObject({ type: FAILURES.misconfigured, code: '1006' });
  });

  it('a custom activity type is made once, and its activities can be read back', async () => {
    const { marketo } = await simulate([{ id: 501, email: 'ada@acme.example' }]);
    const { id: typeId } = await marketo.ensureActivityType(refused);
    expect(await marketo.ensureActivityType(refused)).toEqual({ id: typeId });
    const token = await marketo.pagingToken(new Date(Date.now() - 60_000).toISOString());
    const at = new Date().toISOString();
    const activity = { at, typeId, primaryValue: '7d1e', attributes: { errorCode: '0x80040265' } };
    const [added, skipped] = await marketo.addActivities([
      { marketoId: 501, ...activity },
      { marketoId: 999_999, ...activity },
    ]);
    expect(added).toMatchObject({ status: 'added' });
    expect(skipped).toMatchObject({ status: 'skipped', code: '1004' });
    const { activities } = await marketo.activities({ token, typeIds: [typeId] });
    expect(activities).toMatchObject([{ marketoId: 501, typeId, primaryValue: '7d1e' }]);
    expect(Object.values(activities[0]?.attributes ?? {})).toContain('0x80040265');
  });

  it('a deleted person is in the log of the deleted', async () => {
    const { marketo, admin } = await simulate([{ id: 501, email: 'ada@acme.example' }]);
    const token = await marketo.pagingToken(new Date(Date.now() - 60_000).toISOString());
    await admin('DELETE', '/persons/501');
    expect((await marketo.deletedPersons(token)).deleted).toMatchObject([{ marketoId: 501 }]);
  });

  it('an expired token and a full rate window pass unnoticed', async () => {
    const { marketo, admin } = await simulate();
    await marketo.usageToday();
    await admin('POST', '/tokens/expire');
    await admin('POST', '/faults', { kind: 'code', code: '606', times: 2, path: '/rest/v1' });
    expect(await marketo.usageToday()).toBeGreaterThan(0);
  });

  it('a write whose answer is lost is in doubt, and was executed', async () => {
    const { marketo, admin } = await simulate([{ id: 501, email: 'ada@acme.example' }]);
    await admin('POST', '/faults', { kind: 'dropAfterWrite', path: '/v1/leads.json' });
    const records = [{ id: 501, title: 'CTO' }];
    const work = marketo.syncPersons({ action: 'updateOnly', lookupField: 'id', records });
    expect(await failureOf(work)).toMatchObject({ type: FAILURES.unavailable, effect: 'unknown' });
    const { persons } = await marketo.readPersons({ by: 'id', values: [501], fields: ['title'] });
    expect(persons[0]?.values['title']).toBe('CTO');
  });

  it.each([
    ['refuse', {}, '502', false],
    ['refuse', { status: 503 }, '503', false],
    ['afterWrite', {}, '502', true],
    ['afterWrite', { code: '604' }, '604', true],
    ['drop', {}, 'ECONNRESET', false],
    ['dropAfterWrite', {}, 'ECONNRESET', true],
    ['garbage', {}, 'garbage', true],
  ] as const)(
    'a write that meets %s %j is in doubt, for it may have been executed or not',
    async (kind, more, code, executed) => {
      const { marketo, admin } = await simulate([{ id: 501, email: 'ada@acme.example' }]);
      await admin('POST', '/faults', { kind, ...more, path: '/v1/leads.json', method: 'POST' });
      const records = [{ id: 501, title: 'CTO' }];
      const work = marketo.syncPersons({ action: 'updateOnly', lookupField: 'id', records });
      expect(await failureOf(work)).toMatchObject({ type: FAILURES.unavailable, code, effect: 'unknown' });
      const { persons } = await marketo.readPersons({ by: 'id', values: [501], fields: ['title'] });
      expect(persons[0]?.values['title']).toBe(executed ? 'CTO' : null);
    },
  );

  it('a changed score is read from its activities, which the log of changes does not carry', async () => {
    const { marketo, admin } = await simulate([{ id: 501, email: 'ada@acme.example' }]);
    const token = await marketo.pagingToken(new Date(Date.now() - 60_000).toISOString());
    await admin('PATCH', '/persons/501', { leadScore: 15 });
    expect((await marketo.personChanges(token, ['leadScore'])).changes).toEqual([]);
    const { activities } = await marketo.activities({ token, typeIds: [ACTIVITY_TYPES.changeScore] });
    expect(activities.map(scoreChange)).toMatchObject([{ newValue: '15' }]);
    expect(activities[0]?.marketoId).toBe(501);
  });

  it('the calls of the day are counted by API user', async () => {
    const { marketo } = await simulate();
    await marketo.fields();
    const { total, byUser } = await marketo.usage();
    expect(total).toBeGreaterThan(0);
    expect([...byUser.values()].reduce((sum, count) => sum + count, 0)).toBe(total);
  });

  it('a token that it never gave is an invalid cursor', async () => {
    const { marketo } = await simulate();
    const work = marketo.personChanges('GARBAGE=', ['email']);
    expect(await failureOf(work)).toMatchObject({ type: FAILURES.cursorInvalid });
  });

  it('a wrong secret is unauthorized', async () => {
    const simulator = await startMarketoSimulator({ clientSecret: 'right' });
    const marketo = createMarketo(
      {
        endpoint: `${simulator.origin}/rest`,
        identity: `${simulator.origin}/identity`,
        clientId: 'simulated-client',
        clientSecret: 'wrong',
      },
      { budget: unlimitedBudget },
    );
    onTestFinished(async () => {
      marketo.close();
      await simulator.close();
    });
    expect(await failureOf(marketo.usageToday())).toMatchObject({ type: FAILURES.unauthorized, code: '401' });
  });
});
