import { describe, expect, it } from 'vitest';
import { answered, clockAt, start, type Answered, type Row, type Subject } from './client.js';

/** A call of one service with its own token. */
async function as(
  subject: Subject,
  clientId: string,
): Promise<(path: string, body?: unknown) => Promise<Answered>> {
  const { body } = await subject.token({ client_id: clientId, client_secret: `${clientId}-secret` });
  const headers = { authorization: `Bearer ${String(body['access_token'])}` };
  return async (path, input) =>
    answered(
      await subject.raw(
        `/rest/v1${path}`,
        input === undefined
          ? { headers }
          : {
              method: 'POST',
              headers: { ...headers, 'content-type': 'application/json' },
              body: JSON.stringify(input),
            },
      ),
    );
}

const addService = (subject: Subject, clientId: string, rest: Row = {}): Promise<Row> =>
  subject.admin('POST', '/services', { clientId, clientSecret: `${clientId}-secret`, ...rest });

const CALLS: readonly (readonly [permission: string, path: string, body?: Row])[] = [
  ['Read-Only Lead', '/leads.json?filterType=id&filterValues=1'],
  ['Read-Only Lead', '/leads/describe2.json'],
  ['Read-Only Lead', '/leads/partitions.json'],
  ['Read-Write Lead', '/leads.json', { input: [{ email: 'a@x.io' }] }],
  ['Read-Write Lead', '/leads/delete.json', { input: [{ id: 1 }] }],
  ['Read-Write Lead', '/leads/1001/merge.json?leadId=1002', {}],
  ['Read-Only Activity', '/activities/types.json'],
  ['Read-Only Activity', '/activities/pagingtoken.json?sinceDatetime=2026-11-20T10:00:00Z'],
  ['Read-Write Activity', '/activities/external.json', { input: [{}] }],
  ['Read-Only Activity Metadata', '/activities/external/types.json'],
  ['Read-Write Activity Metadata', '/activities/external/type.json', {}],
  ['Read-Only Lead', '/lists.json'],
  ['Read-Only Campaign', '/campaigns.json'],
  ['Execute Campaign', '/campaigns/1/trigger.json', { input: { leads: [{ id: 1 }] } }],
  ['Read-Only Company', '/companies/describe.json'],
  ['Read-Write Company', '/companies.json', { input: [{ externalCompanyId: 'x' }] }],
  ['Read-Only Sales Person', '/salespersons/describe.json'],
  ['Read-Write Sales Person', '/salespersons.json', { input: [{ externalSalesPersonId: 'x' }] }],
  ['Read-Write Schema Custom Field', '/leads/schema/fields.json', { input: [{}] }],
  ['Read-Write Schema Standard Field', '/leads/schema/fields/title.json'],
];

describe('a role', () => {
  it('may do what its permissions say, and answers 603 for everything else', async () => {
    const subject = await start({ limits: 'off', persons: [{}, {}] });
    const all = (await subject.admin('GET', '/settings'))['permissions'] as readonly string[];
    const failures: string[] = [];
    for (const [permission, path, body] of CALLS) {
      const codeWith = async (permissions: readonly string[]) => {
        await subject.admin('PATCH', '/settings', { permissions });
        return (await (body === undefined ? subject.get(path) : subject.post(path, body))).code;
      };
      const stronger = permission.replace('Read-Only', 'Read-Write');
      const schema =
        permission.includes('Schema') && body === undefined ? 'Read-Write Schema Custom Field' : '';
      const without = all.filter((each) => ![permission, stronger, schema].includes(each));
      if ((await codeWith(without)) !== '603') failures.push(`${path} goes without ${permission}`);
      if ((await codeWith([stronger])) === '603') failures.push(`${path} does not go with ${stronger}`);
      if ((await codeWith([permission])) === '603') failures.push(`${path} does not go with ${permission}`);
    }
    expect(failures).toEqual([]);
  });

  it('that may only read cannot write', async () => {
    const subject = await start();
    await subject.admin('PATCH', '/settings', { permissions: ['Read-Only Lead'] });
    const refused = await subject.sync([{ email: 'a@x.io' }]);
    expect([refused.code, refused.message]).toEqual(['603', 'Access denied']);
    expect(await subject.admin('GET', '/stats')).toMatchObject({ persons: 0, writes: 0 });
    expect((await subject.get('/stats/usage.json')).success).toBe(true);
  });

  it('is told from a body that is no JSON: that comes first', async () => {
    const subject = await start();
    await subject.admin('PATCH', '/settings', { permissions: [] });
    const response = await subject.raw('/rest/v1/leads.json', {
      method: 'POST',
      body: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect((await answered(response)).code).toBe('609');
  });

  it('cannot be given a permission that Marketo does not have', async () => {
    const subject = await start();
    await expect(subject.admin('PATCH', '/settings', { permissions: ['Everything'] })).rejects.toThrow('400');
  });
});

describe('an address that is not allowed', () => {
  it('answers 603 whatever its token', async () => {
    const subject = await start();
    await subject.admin('PATCH', '/settings', { allowedAddresses: ['203.0.113.7'] });
    expect((await subject.get('/stats/usage.json')).code).toBe('603');
    await subject.admin('PATCH', '/settings', { allowedAddresses: ['127.0.0.1'] });
    expect((await subject.get('/stats/usage.json')).success).toBe(true);
  });
});

describe('two services of one instance', () => {
  it('have tokens of their own', async () => {
    const clock = clockAt('2026-11-20T10:00:00Z');
    const subject = await start({ now: clock.now });
    await addService(subject, 'other', { user: 'api@other.example' });
    const own = { client_id: 'other', client_secret: 'other-secret' };
    const first = (await subject.token()).body;
    clock.forward(10_000);
    const second = (await subject.token(own)).body;
    expect(second['access_token']).not.toBe(first['access_token']);
    expect([second['expires_in'], second['scope']]).toEqual([3599, 'api@other.example']);
    clock.forward(5_000);
    expect((await subject.token()).body).toEqual({ ...first, expires_in: 3584 });
    expect((await subject.token(own)).body).toEqual({ ...second, expires_in: 3594 });
    expect((await subject.token({ client_id: 'other' })).body['error']).toBe('invalid_client');
    clock.forward(3_586_000);
    expect((await subject.get('/stats/usage.json')).code).toBe('602');
    const call = await as(subject, 'other');
    expect((await call('/stats/usage.json')).success).toBe(true);
  });

  it('have roles of their own, and share the limits', async () => {
    const subject = await start();
    await addService(subject, 'reader', { permissions: ['Read-Only Lead'] });
    const reader = await as(subject, 'reader');
    expect((await reader('/leads.json', { input: [{ email: 'a@x.io' }] })).code).toBe('603');
    expect((await subject.sync([{ email: 'a@x.io' }])).success).toBe(true);
    await subject.admin('PATCH', '/settings', { ratePerWindow: 3 });
    expect((await reader('/leads/describe.json')).success).toBe(true);
    expect((await subject.get('/leads/describe.json')).code).toBe('606');
  });

  it('are told apart in the usage statistics, by user', async () => {
    const subject = await start();
    await addService(subject, 'other', { user: 'api@other.example' });
    const other = await as(subject, 'other');
    await other('/leads/describe.json');
    await other('/leads/describe.json');
    const [today] = (await subject.get('/stats/usage.json')).result;
    expect(today).toMatchObject({
      total: 3,
      users: [
        { userId: 'api@other.example', count: 2 },
        { userId: 'api@123-abc-456.example', count: 1 },
      ],
    });
  });

  it('cannot share a client id', async () => {
    const subject = await start();
    await addService(subject, 'other');
    await expect(addService(subject, 'other')).rejects.toThrow('already');
    await expect(addService(subject, 'simulated-client')).rejects.toThrow('already');
    const { services } = await subject.admin('GET', '/services');
    expect((services as Row[]).map((service) => service['clientId'])).toEqual(['simulated-client', 'other']);
    expect(JSON.stringify(services)).not.toContain('secret":');
  });
});

describe('a token near its end', () => {
  it('has an expires_in of 0, and still works', async () => {
    const clock = clockAt('2026-11-20T10:00:00Z');
    const subject = await start({ now: clock.now });
    clock.forward(3_599_500);
    expect((await subject.token()).body['expires_in']).toBe(0);
    expect((await subject.get('/stats/usage.json')).success).toBe(true);
    clock.forward(500);
    await subject.admin('PATCH', '/settings', { tokenLifetimeSeconds: 2 });
    await subject.signIn();
    expect((await subject.token()).body['expires_in']).toBe(1);
    clock.forward(2_000);
    expect((await subject.get('/stats/usage.json')).code).toBe('602');
  });
});

describe('other integrations', () => {
  it('use up the day’s quota, and show in the statistics', async () => {
    const subject = await start();
    await subject.admin('POST', '/usage', { calls: 49_998, user: 'crm@example.com' });
    const usage = await subject.get('/stats/usage.json');
    expect(usage.result[0]).toMatchObject({
      total: 49_999,
      users: [
        { userId: 'crm@example.com', count: 49_998 },
        { userId: 'api@123-abc-456.example', count: 1 },
      ],
    });
    expect((await subject.get('/stats/usage.json')).success).toBe(true);
    expect((await subject.get('/stats/usage.json')).code).toBe('607');
  });

  it('take part of the rate: once, until the window has moved on, or always', async () => {
    const clock = clockAt('2026-11-20T10:00:00Z');
    const subject = await start({ now: clock.now });
    await subject.admin('POST', '/usage', { calls: 99, justNow: true });
    expect((await subject.get('/stats/usage.json')).success).toBe(true);
    expect((await subject.get('/stats/usage.json')).code).toBe('606');
    clock.forward(20_000);
    await subject.admin('PATCH', '/settings', { rateOfOthers: 98 });
    expect((await subject.get('/stats/usage.json')).success).toBe(true);
    expect((await subject.get('/stats/usage.json')).success).toBe(true);
    expect((await subject.get('/stats/usage.json')).code).toBe('606');
  });

  it('hold slots', async () => {
    const subject = await start();
    await subject.admin('PATCH', '/settings', { slotsOfOthers: 10 });
    const refused = await subject.get('/stats/usage.json');
    expect([refused.code, refused.message]).toEqual(['615', "Concurrent access limit '10' reached"]);
    await subject.admin('PATCH', '/settings', { slotsOfOthers: 9 });
    expect((await subject.get('/stats/usage.json')).success).toBe(true);
  });
});

describe('an answer that is free of charge', () => {
  it.each(['601', '602', '604', '605', '608', '611'])(
    '%s counts neither as use nor against the rate',
    async (code) => {
      const subject = await start();
      await subject.admin('PATCH', '/settings', { ratePerWindow: 1 });
      await subject.admin('POST', '/faults', { kind: 'code', code, times: 3 });
      for (let call = 0; call < 3; call++) expect((await subject.get('/stats/usage.json')).code).toBe(code);
      const usage = await subject.get('/stats/usage.json');
      expect(usage.result[0]).toMatchObject({ total: 1, users: [{ count: 1 }] });
    },
  );

  it('is none when its code is not among them; all codes show in the error statistics', async () => {
    const subject = await start();
    for (const code of ['604', '713']) await subject.admin('POST', '/faults', { kind: 'code', code });
    await subject.get('/leads/describe.json');
    await subject.get('/leads/describe.json');
    await subject.get('/nothing.json');
    expect((await subject.get('/stats/usage.json')).result[0]).toMatchObject({ total: 3 });
    expect((await subject.get('/stats/errors.json')).result[0]).toMatchObject({
      total: 3,
      errors: [
        { errorCode: '604', count: 1 },
        { errorCode: '713', count: 1 },
        { errorCode: '610', count: 1 },
      ],
    });
  });
});
