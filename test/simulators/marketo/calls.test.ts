import { describe, expect, it } from 'vitest';
import { answered, clockAt, start } from './client.js';

describe('every call', () => {
  it('has a request id of a counter and the time, and no empty members', async () => {
    const clock = clockAt('2026-11-20T10:00:00Z');
    const subject = await start({ now: clock.now });
    const { envelope } = await subject.get('/leads.json', {
      filterType: 'email',
      filterValues: 'nobody@x.io',
    });
    expect(Object.keys(envelope)).toEqual(['requestId', 'success', 'result']);
    expect(envelope).toMatchObject({ success: true, result: [] });
    expect(envelope['requestId']).toMatch(/^[0-9a-f]+#[0-9a-f]+$/);
    expect(parseInt(String(envelope['requestId']).split('#')[1] ?? '', 16)).toBe(clock.now());
  });

  it('answers 610 for an unknown path, 605 for another method, 612 and 609 for a bad body', async () => {
    const subject = await start();
    const post = (body: string, type: string) =>
      subject
        .raw('/rest/v1/leads.json', { method: 'POST', body, headers: { 'content-type': type } })
        .then(answered);
    expect((await subject.get('/nothing.json')).code).toBe('610');
    expect((await subject.post('/nothing.json', {})).code).toBe('610');
    const other = await subject.post('/leads/describe.json', {});
    expect([other.status, other.code, other.message]).toEqual([
      200,
      '605',
      "Request method 'POST' not supported",
    ]);
    expect((await post('{"input":[]}', 'text/plain')).code).toBe('612');
    expect((await post('a=1', 'application/x-www-form-urlencoded')).code).toBe('612');
    expect((await post('{"input":', 'application/json')).code).toBe('609');
  });

  it.each([
    ['GET', '//rest/v1/lead/1.json', '610'],
    ['GET', '/', '610'],
    ['POST', '/soap/mktows/3_1', '610'],
    ['GET', '/identity/nothing', '610'],
    ['GET', '/rest/v1/lead/%zz.json', '1004'],
    ['GET', '/rest/v1/lead/%ff.json', '1004'],
    ['GET', '/rest/v1/%zz.json', '610'],
    ['GET', `/rest/v1/lead/${'7'.repeat(3000)}.json`, '1004'],
  ])('answers %s %s in the envelope', async (method, path, code) => {
    const subject = await start();
    const headers = { 'content-type': 'text/xml' };
    const response = await subject.raw(path, { method, ...(method === 'POST' && { headers, body: '<a/>' }) });
    const answer = await answered(response);
    expect(Object.keys(answer.envelope)).toEqual(['requestId', 'success', 'errors']);
    expect([answer.status, answer.code]).toEqual([200, code]);
    const { calls } = await subject.admin('GET', '/journal?after=1');
    expect(calls).toMatchObject([{ method, status: 200, code }]);
  });

  it('takes _method from a form body too, as public clients send it', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    const form = (path: string, fields: Record<string, string> | [string, string][]) =>
      subject.raw(`/rest/v1${path}`, { method: 'POST', body: new URLSearchParams(fields) }).then(answered);
    const found = await form('/leads.json', { _method: 'GET', filterType: 'email', filterValues: 'a@x.io' });
    expect(found.result).toMatchObject([{ id: 1001, email: 'a@x.io' }]);
    const repeated: [string, string][] = [
      ['_method', 'GET'],
      ['filterType', 'id'],
      ['filterValues', '7'],
      ['filterValues', '1001'],
    ];
    expect((await form('/leads.json', repeated)).result).toMatchObject([{ id: 1001 }]);
    expect((await form('/leads/describe.json', { _method: 'get' })).success).toBe(true);
    expect((await form('/leads/describe.json', {})).code).toBe('605');
    expect((await form('/leads/describe.json', { _method: 'DELETE' })).code).toBe('605');
    expect(await subject.admin('GET', '/journal/summary')).toMatchObject({
      'GET /rest/v1/leads.json': 2,
      'GET /rest/v1/leads/describe.json': 1,
    });
    expect(await subject.admin('GET', '/stats')).toMatchObject({ writes: 0 });
  });

  it('refuses a body above 1 MB with 413 and a URL above 8 KB with 414, before it looks at the token', async () => {
    const subject = await start();
    const large = JSON.stringify({ input: [{ email: 'x'.repeat(1_048_577) }] });
    const headers = { 'content-type': 'application/json', authorization: 'none' };
    const body = await subject.raw('/rest/v1/leads.json', { method: 'POST', body: large, headers });
    expect(body.status).toBe(413);
    const url = await subject.raw(`/rest/v1/leads.json?filterValues=${'x'.repeat(8200)}`, { headers });
    expect(url.status).toBe(414);
  });

  it('compresses bodies above 1 KB for callers who accept it', async () => {
    const subject = await start();
    const headers = { 'accept-encoding': 'gzip' };
    expect(
      (await subject.raw('/rest/v1/leads/describe.json', { headers })).headers.get('content-encoding'),
    ).toBe('gzip');
    expect(
      (await subject.raw('/rest/v1/leads/none.json', { headers })).headers.get('content-encoding'),
    ).toBeNull();
  });
});

describe('the limits', () => {
  it('answer 606 to the 101st call in 20 seconds, until the window has moved on', async () => {
    const clock = clockAt('2026-11-20T10:00:00Z');
    const subject = await start({ now: clock.now });
    for (let call = 0; call < 50; call++) await subject.get('/stats/usage.json');
    clock.forward(10_000);
    for (let call = 0; call < 50; call++) await subject.get('/stats/usage.json');
    const refused = await subject.get('/stats/usage.json');
    expect([refused.code, refused.message]).toEqual([
      '606',
      "Max rate limit '100' exceeded with in '20' secs",
    ]);
    clock.forward(10_000);
    for (let call = 0; call < 50; call++) expect((await subject.get('/stats/usage.json')).success).toBe(true);
    expect((await subject.get('/stats/usage.json')).code).toBe('606');
  });

  it('answer 607 once the quota of the day is used up, until midnight US Central', async () => {
    const clock = clockAt('2026-11-21T05:59:00Z');
    const subject = await start({ now: clock.now });
    await subject.admin('PATCH', '/settings', { dailyQuota: 2 });
    await subject.get('/stats/usage.json');
    await subject.get('/stats/usage.json');
    const refused = await subject.get('/stats/usage.json');
    expect([refused.code, refused.message]).toEqual(['607', 'Daily quota reached']);
    clock.forward(60_000);
    expect((await subject.get('/stats/usage.json')).success).toBe(true);
  });

  it('answer 615 to the eleventh call in progress', async () => {
    const subject = await start();
    await subject.admin('PATCH', '/settings', { latencyMs: 300 });
    const calls = await Promise.all(Array.from({ length: 12 }, () => subject.get('/stats/usage.json')));
    const codes = calls.map(({ code }) => code);
    expect(codes.filter((code) => code === undefined)).toHaveLength(10);
    expect(codes.filter((code) => code === '615')).toHaveLength(2);
    expect(calls.find(({ code }) => code === '615')?.message).toBe("Concurrent access limit '10' reached");
    await subject.admin('PATCH', '/settings', { latencyMs: 0 });
    expect((await subject.get('/stats/usage.json')).success).toBe(true);
  });

  it('are not used up by identity, by the administrative door, or by answers that are free of charge', async () => {
    const subject = await start();
    await subject.admin('PATCH', '/settings', { dailyQuota: 1 });
    await subject.token();
    await subject.admin('GET', '/stats');
    await subject.admin('POST', '/faults', { kind: 'code', code: '604' });
    expect((await subject.get('/stats/usage.json')).code).toBe('604');
    expect((await subject.post('/leads/describe.json', {})).code).toBe('605');
    expect((await subject.get('/stats/usage.json')).success).toBe(true);
    expect((await subject.get('/stats/usage.json')).code).toBe('607');
  });

  it('can be switched off', async () => {
    const subject = await start({ limits: 'off' });
    await subject.admin('PATCH', '/settings', { ratePerWindow: 1, dailyQuota: 1, concurrency: 1 });
    for (let call = 0; call < 5; call++) expect((await subject.get('/stats/usage.json')).success).toBe(true);
  });

  it('show in the usage statistics', async () => {
    const clock = clockAt('2026-11-20T10:00:00Z');
    const subject = await start({ now: clock.now });
    await subject.get('/nothing.json');
    await subject.get('/leads/describe.json');
    const usage = await subject.get('/stats/usage.json');
    expect(usage.result).toEqual([
      { date: '2026-11-20', total: 3, users: [{ userId: 'api@123-abc-456.example', count: 3 }] },
    ]);
    clock.forward(86_400_000);
    await subject.signIn();
    expect(
      (await subject.get('/stats/usage/last7days.json')).result.map((day) => [day['date'], day['total']]),
    ).toEqual([
      ['2026-11-21', 1],
      ['2026-11-20', 3],
    ]);
    const errors = await subject.get('/stats/errors/last7days.json');
    expect(errors.result[1]).toEqual({
      date: '2026-11-20',
      total: 1,
      errors: [{ errorCode: '610', count: 1 }],
    });
  });
});
