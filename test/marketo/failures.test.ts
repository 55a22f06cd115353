import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Marketo } from '../../marketo/index.js';
import { unlimitedBudget } from '../../rules/budget.js';
import { FAILURES } from '../../rules/failures.js';
import { CLIENT_SECRET, failureOf, ok, refuse, startRemote, type Reply } from './remote.js';

const { unauthorized, forbidden, misconfigured, rateLimited, unavailable, refusedCall } = FAILURES;

const read = (marketo: Marketo): Promise<unknown> => marketo.usageToday();
const write = (marketo: Marketo): Promise<unknown> =>
  marketo.syncPersons({ action: 'updateOnly', lookupField: 'id', records: [{ id: 501, title: 'CTO' }] });

describe('An HTTP status', () => {
  it.each([
    [201, unavailable, 'unknown'],
    [301, misconfigured, 'none'],
    [307, misconfigured, 'none'],
    [400, refusedCall, 'none'],
    [401, unauthorized, 'none'],
    [403, forbidden, 'none'],
    [404, misconfigured, 'none'],
    [405, misconfigured, 'none'],
    [407, misconfigured, 'none'],
    [408, unavailable, 'unknown'],
    [409, refusedCall, 'none'],
    [413, refusedCall, 'none'],
    [414, refusedCall, 'none'],
    [415, misconfigured, 'none'],
    [418, refusedCall, 'none'],
    [429, rateLimited, 'none'],
    [500, unavailable, 'unknown'],
    [502, unavailable, 'unknown'],
    [503, unavailable, 'unknown'],
    [504, unavailable, 'unknown'],
    [599, unavailable, 'unknown'],
  ] as const)('%s with a page of a gateway means %s', async (status, type, effect) => {
    const remote = await startRemote();
    remote.answer = () => ({
      status,
      headers: { Location: `${remote.url}/elsewhere` },
      body: '<html>no</html>',
    });
    const failure = await failureOf(write(remote.connect({ timing: { repeats: 0 } })));
    expect(failure).toMatchObject({ type, code: String(status), effect });
    expect(remote.calls.map(({ path }) => path)).not.toContain('/elsewhere');
  });

  it('429 is waited for as long as Retry-After says, and not here when that is long', async () => {
    const remote = await startRemote();
    remote.answer = () => ({ status: 429, headers: { 'Retry-After': '3600' }, body: '' });
    const failure = await failureOf(read(remote.connect()));
    expect(failure).toMatchObject({ type: rateLimited, retryAfterMs: 3_600_000 });
    expect(remote.calls).toHaveLength(1);
  });

  it.each([
    [429, '90'],
    [429, 'Fri, 20 Nov 2026 10:08:30 GMT'],
    [503, '90'],
    [503, 'Fri, 20 Nov 2026 10:08:30 GMT'],
  ])('%s asks by "Retry-After: %s" everybody to wait that long', async (status, header) => {
    const remote = await startRemote();
    const headers = { 'Retry-After': header, Date: 'Fri, 20 Nov 2026 10:07:00 GMT' };
    remote.answer = () => ({ status, headers, body: '<html>slow down</html>' });
    const pauses: number[] = [];
    const budget = { ...unlimitedBudget, pause: (ms: number) => Promise.resolve(void pauses.push(ms)) };
    expect(await failureOf(read(remote.connect({ budget })))).toMatchObject({ retryAfterMs: 90_000 });
    expect(pauses).toEqual([90_000]);
  });

  it.each([
    ['429 with 606', 429, '606', rateLimited],
    ['429 with 615', 429, '615', rateLimited],
    ['503 with 608', 503, '608', unavailable],
  ])('%s asks by Retry-After everybody to wait that long', async (_what, status, code, type) => {
    const remote = await startRemote();
    const errors = [{ code, message: 'not now' }];
    remote.answer = () => ({ status, headers: { 'Retry-After': '120' }, body: { success: false, errors } });
    const pauses: number[] = [];
    const budget = { ...unlimitedBudget, pause: (ms: number) => Promise.resolve(void pauses.push(ms)) };
    const failure = await failureOf(read(remote.connect({ budget })));
    expect(failure).toMatchObject({ type, code, retryAfterMs: 120_000 });
    expect(pauses).toEqual([120_000]);
    expect(remote.calls).toHaveLength(1);
  });

  it('beside a code asks for the longer of both waits', async () => {
    const remote = await startRemote();
    const errors = [{ code: '606', message: 'Max rate limit' }];
    remote.answer = () => ({
      status: 429,
      headers: { 'Retry-After': '1' },
      body: { success: false, errors },
    });
    const timing = { rateLimitMs: 20_000, repeats: 0 };
    expect(await failureOf(read(remote.connect({ timing })))).toMatchObject({ retryAfterMs: 20_000 });
  });

  it('that no time heals names no wait, whatever its headers say', async () => {
    const remote = await startRemote();
    remote.answer = () => ({ status: 403, headers: { 'Retry-After': '90' }, body: '' });
    expect((await failureOf(read(remote.connect()))).retryAfterMs).toBeUndefined();
  });
});

describe('An answer that is none of this API', () => {
  it.each<readonly [string, Reply]>([
    ['a page', { body: '<html><body>maintenance</body></html>' }],
    ['nothing at all', { body: '' }],
    ['broken JSON', { body: '{"success":true,"result":[' }],
    ['JSON of another kind', { body: ['hello'] }],
    ['a success with errors', { body: { success: true, errors: [{ code: '604', message: 'timed out' }] } }],
    ['a failure without errors', { body: { success: false, errors: [] } }],
    ['a result of another shape', ok([{ status: 'created' }])],
    ['a result of another status', ok([{ id: 501, status: 'memberof' }])],
    ['too few results', ok([])],
    ['no result', ok()],
  ])('%s is garbage: unavailable, and a write is in doubt', async (_what, reply) => {
    const remote = await startRemote();
    remote.answer = () => reply;
    const failure = await failureOf(write(remote.connect()));
    expect(failure).toMatchObject({ type: unavailable, code: 'garbage', effect: 'unknown' });
    expect(failure.message).toContain('sync persons');
    expect(remote.calls).toHaveLength(1);
  });

  it('leaves no doubt about a read', async () => {
    const remote = await startRemote();
    remote.answer = () => ({ body: '<html>' });
    expect(await failureOf(read(remote.connect()))).toMatchObject({ code: 'garbage', effect: 'none' });
  });
});

describe('No answer', () => {
  it.each(['drop', 'break'] as const)('a socket that closes (%s) leaves a write in doubt', async (reply) => {
    const remote = await startRemote();
    remote.answer = () => reply;
    const failure = await failureOf(write(remote.connect()));
    expect(failure).toMatchObject({ type: unavailable, effect: 'unknown' });
    expect(remote.calls).toHaveLength(1);
  });

  it('within the deadline leaves a write in doubt, and a read not', async () => {
    const remote = await startRemote();
    remote.answer = () => 'hang';
    const marketo = remote.connect({ timing: { callMs: 60 } });
    const expected = { type: unavailable, code: 'timeout' };
    expect(await failureOf(write(marketo))).toMatchObject({ ...expected, effect: 'unknown' });
    expect(await failureOf(read(marketo))).toMatchObject({ ...expected, effect: 'none' });
  });

  it('has a longer deadline for a paging token', async () => {
    const remote = await startRemote();
    remote.answer = () => ({ afterMs: 120, body: { success: true, nextPageToken: 'T1' } });
    const marketo = remote.connect({ timing: { callMs: 60, pagingTokenMs: 5_000 } });
    expect(await marketo.pagingToken('2026-11-20T10:00:00Z')).toBe('T1');
  });

  it('from a port where nobody listens leaves no doubt: nothing was sent', async () => {
    const remote = await startRemote();
    const lost = remote.connect({}, `http://127.0.0.1:${await freePort()}/rest`);
    const expected = { type: unavailable, code: 'ECONNREFUSED', effect: 'none' };
    expect(await failureOf(write(lost))).toMatchObject(expected);
  });
});

describe('A caller that gives up', () => {
  it('gets its own reason, at once, and the call is cut off', async () => {
    const remote = await startRemote();
    const ending = new AbortController();
    const reason = new Error('the cycle was cancelled');
    remote.answer = () => {
      ending.abort(reason);
      return 'hang';
    };
    await expect(remote.connect().usageToday(ending.signal)).rejects.toBe(reason);
  });

  it('gets it while waiting for the rate window', async () => {
    const remote = await startRemote();
    const ending = new AbortController();
    const reason = new Error('the cycle was cancelled');
    remote.answer = () => {
      setTimeout(() => ending.abort(reason), 5);
      return refuse('606');
    };
    const marketo = remote.connect({ timing: { rateLimitMs: 50_000 } });
    await expect(marketo.usageToday(ending.signal)).rejects.toBe(reason);
  });

  it('sends nothing when it had given up before', async () => {
    const remote = await startRemote();
    await expect(remote.connect().usageToday(AbortSignal.abort())).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(remote.calls).toEqual([]);
  });
});

describe('Secrets', () => {
  it.each<readonly [string, Reply]>([
    ['a refusal that repeats them', refuse('609', `Invalid JSON near token-1 and ${CLIENT_SECRET}`)],
    ['a dropped socket', 'drop'],
    ['garbage', { body: `token-1 ${CLIENT_SECRET}` }],
  ])('are in nothing that %s throws', async (_what, reply) => {
    const remote = await startRemote();
    remote.answer = () => reply;
    const error: unknown = await write(remote.connect()).catch((thrown: unknown) => thrown);
    const everything = inspect(error, { depth: 20, showHidden: true });
    expect(everything).toContain('RemoteFailure');
    expect(everything).not.toContain('token-1');
    expect(everything).not.toContain(CLIENT_SECRET);
  });

  it('are not even there by half where a long text is cut', async () => {
    const remote = await startRemote();
    const marketo = remote.connect();
    for (const secret of [CLIENT_SECRET, 'token-1']) {
      remote.answer = () => refuse('609', `${'x'.repeat(397)}${secret}`);
      const { message } = await failureOf(write(marketo));
      expect(message).toContain('xxx***');
      expect(message).not.toContain(secret.slice(0, 3));
    }
  });

  it('are in nothing that the identity service says', async () => {
    const remote = await startRemote();
    remote.grant = () => refuse('603', `no client with ${CLIENT_SECRET}`);
    const failure = await failureOf(read(remote.connect()));
    expect(failure).toMatchObject({ type: forbidden, code: '603' });
    expect(failure.message).not.toContain(CLIENT_SECRET);
  });

  it('travel in the header, without cookies', async () => {
    const remote = await startRemote();
    remote.answer = () => ({
      headers: { 'Set-Cookie': 'BIGip=1; path=/' },
      body: { success: true, result: [] },
    });
    const marketo = remote.connect({ userAgent: 'contact-sync/0.1' });
    await read(marketo);
    await read(marketo);
    expect(remote.calls[1]?.headers).toMatchObject({
      authorization: 'Bearer token-1',
      'user-agent': 'contact-sync/0.1',
    });
    expect(remote.calls[1]?.headers['accept-encoding']).toContain('gzip');
    expect(remote.calls[1]?.headers.cookie).toBeUndefined();
    expect([...(remote.calls[1]?.query.keys() ?? [])]).toEqual([]);
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
