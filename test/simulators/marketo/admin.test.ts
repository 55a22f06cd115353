import { describe, expect, it } from 'vitest';
import { answered, clockAt, start, type Row } from './client.js';

describe('the administrative door', () => {
  it('enters, edits, reads and deletes persons as a user does', async () => {
    const subject = await start();
    const entered = await subject.admin('POST', '/persons', {
      input: [{ email: 'a@x.io' }, { firstName: 'B' }],
    });
    expect(entered).toEqual({ ids: [1001, 1002] });
    const edited = await subject.admin('PATCH', '/persons/1001', { title: 'CTO', unsubscribed: true });
    expect(edited['person']).toMatchObject({
      id: 1001,
      email: 'a@x.io',
      title: 'CTO',
      unsubscribed: true,
      city: null,
    });
    expect(await subject.admin('GET', '/persons/1001')).toEqual(edited);
    await subject.admin('DELETE', '/persons/1002');
    await expect(subject.admin('GET', '/persons/1002')).rejects.toThrow('404');
    const { activities } = await subject.admin('GET', '/activities');
    expect((activities as Row[]).map((row) => [row['activityTypeId'], row['leadId'], row['field']])).toEqual([
      [12, 1001, undefined],
      [12, 1002, undefined],
      [13, 1001, 'title'],
      [13, 1001, 'unsubscribed'],
      [37, 1002, undefined],
    ]);
  });

  it('pages through all persons in the order of their ids', async () => {
    const subject = await start({ persons: [{ id: 30 }, { id: 10 }, { id: 20 }, {}] });
    const page = async (afterId: number) => {
      const { persons, next } = await subject.admin('GET', `/persons?afterId=${afterId}&limit=2`);
      return [(persons as Row[]).map((person) => person['id']), next];
    };
    expect(await page(0)).toEqual([[10, 20], 20]);
    expect(await page(20)).toEqual([[30, 1001], null]);
  });

  it('says what is wrong with a request', async () => {
    const subject = await start();
    const post = (path: string, body: unknown) => subject.admin('POST', path, body);
    await expect(post('/persons', { input: [{ nope: 1 }] })).rejects.toThrow(
      "There is no person field 'nope'",
    );
    await expect(post('/persons', { input: [{ email: 'bad' }] })).rejects.toThrow('400');
    await expect(post('/faults', { kind: 'nonsense' })).rejects.toThrow('400');
    await expect(subject.admin('PATCH', '/settings', { limit: 'off' })).rejects.toThrow('400');
  });

  it.each([
    ['/faults', 'POST', { kind: 'refuse', times: 0 }, 'times'],
    ['/faults', 'POST', { kind: 'refuse', times: -1 }, 'times'],
    ['/faults', 'POST', { kind: 'refuse', times: 1.5 }, 'times'],
    ['/faults', 'POST', { kind: 'refuse', skip: -1 }, 'skip'],
    ['/faults', 'POST', { kind: 'slow', delayMs: -1 }, 'delayMs'],
    ['/faults', 'POST', { kind: 'slow', delayMs: 2 ** 31 }, 'delayMs'],
    ['/faults', 'POST', { kind: 'slow' }, 'kind "slow" needs delayMs'],
    ['/settings', 'PATCH', { latencyMs: 2 ** 31 }, 'latencyMs'],
    [
      '/settings',
      'PATCH',
      { blockedFields: ['title', 'nope'] },
      "blockedFields: there is no person field 'nope'",
    ],
    ['/settings', 'PATCH', { readOnlyFields: ['nope'] }, "readOnlyFields: there is no person field 'nope'"],
    ['/settings', 'PATCH', { hiddenFields: ['nope'] }, "hiddenFields: there is no person field 'nope'"],
    [
      '/settings',
      'PATCH',
      { crmManagedFields: ['nope'] },
      "crmManagedFields: there is no person field 'nope'",
    ],
    ['/settings', 'PATCH', { deniedPartitions: ['EU'] }, "deniedPartitions: there is no partition 'EU'"],
  ])('%s refuses to %s %j', async (path, method, body, message) => {
    const subject = await start();
    const before = [await subject.admin('GET', '/settings'), await subject.admin('GET', '/faults')];
    const refused = subject.admin(method, path, body);
    await expect(refused).rejects.toThrow(/^400 /);
    await expect(
      refused.catch((error: unknown) => (error as Error).message.replaceAll('\\"', '"')),
    ).resolves.toContain(message);
    expect([await subject.admin('GET', '/settings'), await subject.admin('GET', '/faults')]).toEqual(before);
  });

  it('takes its own names: the standard fields, custom ones, partitions that were added', async () => {
    const subject = await start();
    const { crmManagedFields } = await subject.admin('GET', '/settings');
    await subject.admin('POST', '/partitions', { name: 'EU' });
    const change = { crmManagedFields, blockedFields: ['lastDemoAt'], deniedPartitions: ['EU'] };
    expect(await subject.admin('PATCH', '/settings', change)).toMatchObject(change);
  });

  it.each(['application/x-www-form-urlencoded', 'text/plain', 'application/json; charset=utf-8'])(
    'takes JSON that is called %s, as command lines send it',
    async (type) => {
      const { origin } = await start();
      const send = (body: string) =>
        fetch(`${origin}/admin/settings`, { method: 'PATCH', headers: { 'content-type': type }, body });
      expect(await (await send('{"scanBlock":7}')).json()).toMatchObject({ scanBlock: 7 });
      const broken = await send('{"scanBlock":');
      expect(broken.status).toBe(400);
      expect(await broken.json()).toEqual({
        error: expect.stringMatching(/^The body is no JSON: /) as string,
      });
    },
  );

  it('says that a door is not there in its own shape', async () => {
    const { origin } = await start();
    const response = await fetch(`${origin}/admin/nothing?a=1`, { method: 'POST', body: '{}' });
    expect([response.status, await response.json()]).toEqual([
      404,
      { error: 'There is no POST /admin/nothing' },
    ]);
  });

  it('keeps a journal without secrets', async () => {
    const clock = clockAt('2026-11-20T10:00:00Z');
    const subject = await start({ now: clock.now });
    await subject.sync([{ email: 'a@x.io' }, { email: 'b@x.io' }]);
    await subject.get('/leads.json', { filterType: 'id', filterValues: '1001,1002' });
    await subject.get('/lead/7.json');
    const { calls, next } = await subject.admin('GET', '/journal');
    const [token, ...rest] = calls as Row[];
    expect(token).toMatchObject({
      path: '/identity/oauth/token',
      query: { client_secret: '***' },
      code: null,
    });
    const common = { at: '2026-11-20T10:00:00.000Z', status: 200, code: null, executed: true };
    expect(rest).toEqual([
      { ...common, n: 2, method: 'POST', path: '/rest/v1/leads.json', query: {}, records: 2, write: true },
      {
        ...common,
        n: 3,
        method: 'GET',
        path: '/rest/v1/leads.json',
        query: { filterType: 'id', filterValues: '1001,1002' },
        records: 2,
        write: false,
      },
      {
        ...common,
        n: 4,
        method: 'GET',
        path: '/rest/v1/lead/7.json',
        query: {},
        records: 0,
        write: false,
        code: '1004',
        executed: false,
      },
    ]);
    expect(next).toBe(4);
    expect(await subject.admin('GET', '/journal?after=4')).toEqual({ calls: [], next: 4 });
    expect(await subject.admin('GET', '/journal/summary')).toEqual({
      'GET /identity/oauth/token': 1,
      'POST /rest/v1/leads.json': 1,
      'GET /rest/v1/leads.json': 1,
      'GET /rest/v1/lead/:id.json': 1,
    });
    expect(await subject.admin('GET', '/stats')).toEqual({ persons: 2, activities: 2, calls: 4, writes: 1 });
    await subject.admin('DELETE', '/journal');
    expect(await subject.admin('GET', '/journal/summary')).toEqual({});
  });
});

describe('a fault', () => {
  const write = { method: 'POST', path: '/rest/v1/leads.json' };

  it('refuse answers a status or a code, and nothing is carried out', async () => {
    const subject = await start();
    await subject.admin('POST', '/faults', { ...write, kind: 'refuse', status: 502 });
    await subject.admin('POST', '/faults', { ...write, kind: 'code', code: '611' });
    const gateway = await subject.sync([{ email: 'a@x.io' }]);
    expect([gateway.status, gateway.text.startsWith('<html>')]).toEqual([502, true]);
    const refused = await subject.sync([{ email: 'a@x.io' }]);
    expect([refused.status, refused.code, refused.message]).toEqual([200, '611', 'System error']);
    expect(await subject.admin('GET', '/stats')).toMatchObject({ persons: 0, writes: 0 });
    expect((await subject.sync([{ email: 'a@x.io' }])).success).toBe(true);
  });

  it('afterWrite carries the call out and then answers the fault', async () => {
    const subject = await start();
    await subject.admin('POST', '/faults', { ...write, kind: 'afterWrite', code: '604' });
    const timedOut = await subject.sync([{ email: 'a@x.io' }]);
    expect([timedOut.code, timedOut.message]).toEqual(['604', 'Request timed out']);
    expect(await subject.admin('GET', '/stats')).toMatchObject({ persons: 1, writes: 1 });
  });

  it('drop and dropAfterWrite close the connection, before and after, and give its slot back', async () => {
    const subject = await start();
    await subject.admin('PATCH', '/settings', { concurrency: 1 });
    await subject.admin('POST', '/faults', { ...write, kind: 'drop' });
    await expect(subject.sync([{ email: 'a@x.io' }])).rejects.toThrow();
    expect(await subject.admin('GET', '/stats')).toMatchObject({ persons: 0 });
    await subject.admin('POST', '/faults', { ...write, kind: 'dropAfterWrite' });
    await expect(subject.sync([{ email: 'a@x.io' }])).rejects.toThrow();
    expect(await subject.admin('GET', '/stats')).toMatchObject({ persons: 1 });
    const { calls } = await subject.admin('GET', '/journal?after=1');
    expect((calls as Row[]).map((call) => [call['status'], call['write'], call['executed']])).toEqual([
      [0, true, false],
      [0, true, true],
    ]);
    expect((await subject.get('/stats/usage.json')).success).toBe(true);
  });

  it('slow waits, garbage answers 200 with a body that is no JSON', async () => {
    const subject = await start();
    await subject.admin('POST', '/faults', { path: 'describe', kind: 'slow', delayMs: 200 });
    await subject.admin('POST', '/faults', { path: 'usage', kind: 'garbage' });
    const began = performance.now();
    expect((await subject.get('/leads/describe.json')).success).toBe(true);
    expect(performance.now() - began).toBeGreaterThan(190);
    const garbage = await subject.get('/stats/usage.json');
    expect([garbage.status, garbage.success, garbage.text.length > 0]).toEqual([200, undefined, true]);
  });

  it('twin makes every create of the call happen twice, and leaves updates alone', async () => {
    const subject = await start({ persons: [{ email: 'old@x.io' }] });
    await subject.admin('POST', '/faults', { ...write, kind: 'twin' });
    await subject.sync([{ email: 'old@x.io', title: 'x' }]);
    expect((await subject.sync([{ email: 'new@x.io' }])).result).toEqual([{ id: 1002, status: 'created' }]);
    const found = await subject.get('/leads.json', {
      filterType: 'email',
      filterValues: 'new@x.io,old@x.io',
    });
    expect(found.result.map((row) => row['id'])).toEqual([1001, 1002, 1003]);
    expect(await subject.admin('GET', '/faults')).toEqual({ faults: [] });
  });

  it('lets calls pass by that it is told to skip, strikes as often as told, and can be withdrawn', async () => {
    const subject = await start();
    const { id } = await subject.admin('POST', '/faults', {
      path: 'usage',
      kind: 'code',
      code: 713,
      times: 2,
      skip: 1,
    });
    expect(id).toBe(1);
    const codes = [];
    for (let call = 0; call < 4; call++) codes.push((await subject.get('/stats/usage.json')).code);
    expect(codes).toEqual([undefined, '713', '713', undefined]);
    await subject.admin('POST', '/faults', { kind: 'refuse', times: 100 });
    expect((await subject.get('/stats/usage.json')).status).toBe(502);
    expect((await subject.admin('GET', '/faults'))['faults']).toMatchObject([
      { kind: 'refuse', remaining: 99 },
    ]);
    await subject.admin('DELETE', '/faults');
    expect((await subject.get('/stats/usage.json')).success).toBe(true);
  });

  it('reaches the identity service too', async () => {
    const subject = await start();
    await subject.admin('POST', '/faults', { path: '/identity/', kind: 'refuse', status: 503 });
    const response = await fetch(`${subject.origin}/identity/oauth/token?grant_type=client_credentials`);
    expect(response.status).toBe(503);
  });

  it.each(['drop', 'refuse', 'slow'])(
    'of kind %s without a path is left to the calls that follow signing in',
    async (kind) => {
      const subject = await start();
      await subject.admin('POST', '/faults', { kind, ...(kind === 'slow' && { delayMs: 0 }) });
      expect((await subject.token()).status).toBe(200);
      expect((await subject.admin('GET', '/faults'))['faults']).toMatchObject([{ kind, remaining: 1 }]);
      await subject.get('/stats/usage.json').catch(() => undefined);
      expect(await subject.admin('GET', '/faults')).toEqual({ faults: [] });
    },
  );

  it('is not used up by a call that its token or the limits refuse', async () => {
    const subject = await start();
    await subject.admin('POST', '/faults', { kind: 'code', code: '608' });
    const refused = await fetch(`${subject.origin}/rest/v1/stats/usage.json`).then(answered);
    expect(refused.code).toBe('603');
    expect((await subject.get('/stats/usage.json')).code).toBe('608');
  });
});
