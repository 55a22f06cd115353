import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FAILURES } from '../../rules/failures.js';
import { CLIENT_SECRET, failureOf, ok, refuse, startRemote, type Remote } from './remote.js';

/** Answers only calls that carry one of `tokens`. */
const acceptOnly =
  (code: string, ...tokens: readonly string[]): Remote['answer'] =>
  ({ token }) =>
    tokens.includes(token ?? '') ? ok([{ total: 7 }]) : refuse(code, 'Access token invalid');

describe('The access token', () => {
  it('is asked for with the client credentials in the query, and kept', async () => {
    const remote = await startRemote();
    const marketo = remote.connect();
    await marketo.usageToday();
    await marketo.onLane('backfill').usageToday();
    expect(remote.signIns).toHaveLength(1);
    expect(remote.signIns[0]?.path).toBe('/identity/oauth/token');
    expect(Object.fromEntries(remote.signIns[0]?.query ?? [])).toEqual({
      grant_type: 'client_credentials',
      client_id: 'c1',
      client_secret: CLIENT_SECRET,
    });
    expect(remote.calls.map(({ token }) => token)).toEqual(['token-1', 'token-1']);
  });

  it('is asked for once by many calls that start together', async () => {
    const remote = await startRemote();
    remote.grant = () => ({ afterMs: 30, body: { access_token: 'shared', expires_in: 3599 } });
    const marketo = remote.connect();
    await Promise.all(Array.from({ length: 8 }, () => marketo.usageToday()));
    expect(remote.signIns).toHaveLength(1);
    expect(remote.calls.map(({ token }) => token)).toEqual(Array.from({ length: 8 }, () => 'shared'));
  });

  it.each(['601', '602', '600'])('is renewed once by many calls that met %s together', async (code) => {
    const remote = await startRemote();
    remote.answer = acceptOnly(code, 'token-2');
    const marketo = remote.connect();
    const used = await Promise.all(Array.from({ length: 5 }, () => marketo.usageToday()));
    expect(used).toEqual([7, 7, 7, 7, 7]);
    expect(remote.signIns).toHaveLength(2);
    expect(remote.calls).toHaveLength(10);
  });

  it('that a new one does not mend is an Unauthorized, after one replay', async () => {
    const remote = await startRemote();
    remote.answer = () => refuse('601', 'Access token invalid');
    const failure = await failureOf(remote.connect().usageToday());
    expect(failure).toMatchObject({ type: FAILURES.unauthorized, code: '601' });
    expect(failure.message).toContain('MARKETO_IDENTITY');
    expect(remote.calls.map(({ token }) => token)).toEqual(['token-1', 'token-2']);
  });

  it('that is expired once more passes with time: nobody has to mend anything', async () => {
    const remote = await startRemote();
    remote.answer = acceptOnly('602', 'token-3');
    const marketo = remote.connect();
    expect(await failureOf(marketo.usageToday())).toMatchObject({
      ...{ type: FAILURES.unavailable, code: '602', effect: 'none' },
    });
    expect(await marketo.usageToday()).toBe(7);
    expect(remote.calls.map(({ token }) => token)).toEqual(['token-1', 'token-2', 'token-3']);
  });

  it('replays a write, which the dead token had kept from being executed', async () => {
    const remote = await startRemote();
    remote.answer = ({ token }) =>
      token === 'token-2' ? ok([{ id: 501, status: 'updated' }]) : refuse('602', 'Access token expired');
    const records = [{ id: 501, title: 'CTO' }];
    const results = await remote.connect().syncPersons({ action: 'updateOnly', lookupField: 'id', records });
    expect(results).toEqual([{ status: 'updated', id: 501 }]);
  });

  it('is asked for again shortly before its end', async () => {
    const remote = await startRemote();
    remote.grant = (_seen, place) => ({
      body: { access_token: `token-${place + 1}`, expires_in: place === 0 ? 2 : 3599 },
    });
    const marketo = remote.connect();
    await marketo.usageToday();
    await marketo.usageToday();
    await marketo.usageToday();
    expect(remote.calls.map(({ token }) => token)).toEqual(['token-1', 'token-2', 'token-2']);
  });

  it('is not renewed for 603, which no token mends, and no call goes without one', async () => {
    const remote = await startRemote();
    remote.answer = () => refuse('603', 'Access denied');
    const failure = await failureOf(remote.connect().usageToday());
    expect(failure).toMatchObject({ type: FAILURES.forbidden, code: '603' });
    expect(failure.message).toContain('Authorization header');
    expect(remote.signIns).toHaveLength(1);
    expect(remote.calls.map(({ token }) => token)).toEqual(['token-1']);
  });

  it.each([0, 1, 4])('with %i s left is asked for once by many that start together', async (seconds) => {
    const remote = await startRemote();
    remote.grant = (_seen, place) => ({
      afterMs: 20,
      body: { access_token: `token-${place + 1}`, expires_in: place === 0 ? seconds : 3599 },
    });
    const marketo = remote.connect();
    await Promise.all(Array.from({ length: 8 }, () => marketo.usageToday()));
    // Without a second left the same request waits for the successor.
    expect(remote.signIns).toHaveLength(seconds === 0 ? 2 : 1);
    expect(new Set(remote.calls.map(({ token }) => token)).size).toBe(1);
  });

  it('that is renewed while older calls still fail is not renewed again for them', async () => {
    const remote = await startRemote();
    remote.answer = ({ token }, place) =>
      token === 'token-2'
        ? ok([{ total: 7 }])
        : { afterMs: place * 25, body: { success: false, errors: [{ code: '602', message: 'expired' }] } };
    const marketo = remote.connect();
    await Promise.all(Array.from({ length: 4 }, () => marketo.usageToday()));
    expect(remote.signIns).toHaveLength(2);
  });

  it('that has no second left is not used, but its successor', async () => {
    const remote = await startRemote();
    remote.grant = (_seen, place) => ({
      body: { access_token: `token-${place + 1}`, expires_in: place === 0 ? 0 : 3599 },
    });
    await remote.connect().usageToday();
    expect(remote.calls.map(({ token }) => token)).toEqual(['token-2']);
  });

  it('that always comes with no second left is used, and asked for twice at most', async () => {
    const remote = await startRemote();
    remote.grant = () => ({ body: { access_token: 'odd', expires_in: 0 } });
    const marketo = remote.connect();
    await marketo.usageToday();
    await marketo.usageToday();
    expect(remote.signIns).toHaveLength(2);
    expect(remote.calls.map(({ token }) => token)).toEqual(['odd', 'odd']);
  });

  it('whose life is null is used for a minute, like one whose life is left out', async () => {
    const remote = await startRemote();
    remote.grant = () => ({ body: { access_token: 'odd', expires_in: null } });
    const marketo = remote.connect();
    await marketo.usageToday();
    await marketo.usageToday();
    expect(remote.signIns).toHaveLength(1);
  });

  it('is still fetched for the others when one caller gives up', async () => {
    const remote = await startRemote();
    const ending = new AbortController();
    remote.grant = () => {
      ending.abort(new Error('gone'));
      return { afterMs: 30, body: { access_token: 'shared', expires_in: 3599 } };
    };
    const marketo = remote.connect();
    const [gone, staying] = await Promise.allSettled([
      marketo.usageToday(ending.signal),
      marketo.usageToday(),
    ]);
    expect(gone).toMatchObject({ status: 'rejected', reason: { message: 'gone' } });
    expect(staying.status).toBe('fulfilled');
    expect(remote.signIns).toHaveLength(1);
  });
});

describe('The identity service', () => {
  it.each([
    ['unauthorized', 'No client with requested id: c1'],
    ['invalid_client', 'Bad client credentials'],
  ])(
    'that answers 401 %s is told with the two settings to check, and not asked again',
    async (error, text) => {
      const remote = await startRemote();
      remote.grant = () => ({ status: 401, body: { error, error_description: text } });
      expect(await failureOf(remote.connect().usageToday())).toEqual({
        type: FAILURES.unauthorized,
        side: 'marketo',
        code: '401',
        message:
          'Marketo does not accept the client id or secret (401 at the identity service): check MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET',
        effect: 'none',
      });
      expect(remote.signIns).toHaveLength(1);
      expect(remote.calls).toEqual([]);
    },
  );

  it('that is not there is told with its setting', async () => {
    const remote = await startRemote();
    remote.grant = () => ({ status: 404, body: 'Not Found' });
    const failure = await failureOf(remote.connect().usageToday());
    expect(failure).toMatchObject({ type: FAILURES.misconfigured, code: '404' });
    expect(failure.message).toContain('MARKETO_IDENTITY');
  });

  it.each([
    ['is unwell', { status: 503, body: '<html>' }, '503'],
    ['answers garbage', { body: '<html>' }, 'garbage'],
    ['is away for a while', refuse('608'), '608'],
    ['drops the connection', 'drop', 'ECONNRESET'],
  ] as const)('that %s leaves no doubt about a write, which was never sent', async (_what, reply, code) => {
    const remote = await startRemote();
    remote.grant = () => reply;
    const records = [{ email: 'ada@acme.example' }];
    const work = remote.connect().syncPersons({ action: 'createOnly', lookupField: 'email', records });
    expect(await failureOf(work)).toMatchObject({ type: FAILURES.unavailable, code, effect: 'none' });
  });

  it('is asked again by the next call after it failed', async () => {
    const remote = await startRemote();
    remote.grant = (_seen, place) =>
      place === 0 ? { status: 503, body: '' } : { body: { access_token: 'late', expires_in: 3599 } };
    const marketo = remote.connect();
    await failureOf(marketo.usageToday());
    expect(await marketo.usageToday()).toBe(0);
  });

  it.each([
    ['429', { status: 429, headers: { 'Retry-After': '120' }, body: '<html>' }, FAILURES.rateLimited],
    ['503', { status: 503, headers: { 'Retry-After': '120' }, body: '<html>' }, FAILURES.unavailable],
  ])('that asks by %s for a wait is left alone until it is over', async (_status, reply, type) => {
    const clock = vi.spyOn(performance, 'now');
    onTestFinished(() => clock.mockRestore());
    const remote = await startRemote();
    remote.grant = (_seen, place) =>
      place === 0 ? reply : { body: { access_token: 'late', expires_in: 3599 } };
    const marketo = remote.connect();
    expect(await failureOf(marketo.usageToday())).toMatchObject({ type, retryAfterMs: 120_000 });

    const begun = performance.now();
    clock.mockReturnValue(begun + 100_000);
    const { retryAfterMs } = await failureOf(marketo.onLane('backfill').usageToday());
    expect(retryAfterMs).toBeGreaterThan(10_000);
    expect(retryAfterMs).toBeLessThanOrEqual(20_000);
    expect(remote.signIns).toHaveLength(1);

    clock.mockReturnValue(begun + 121_000);
    expect(await marketo.usageToday()).toBe(0);
    expect(remote.signIns).toHaveLength(2);
  });

  it('that refused the credentials is asked about them again after 30 s, not by every call', async () => {
    const clock = vi.spyOn(performance, 'now');
    onTestFinished(() => clock.mockRestore());
    const remote = await startRemote();
    remote.grant = (_seen, place) =>
      place === 0
        ? { status: 401, body: { error: 'invalid_client' } }
        : { body: { access_token: 'late', expires_in: 3599 } };
    const marketo = remote.connect();
    const first = await failureOf(marketo.usageToday());
    const begun = performance.now();
    clock.mockReturnValue(begun + 29_000);
    expect(await failureOf(marketo.usageToday())).toEqual(first);
    expect(remote.signIns).toHaveLength(1);
    clock.mockReturnValue(begun + 30_001);
    expect(await marketo.usageToday()).toBe(0);
  });

  it('that says nothing in time does not hold the call for longer', async () => {
    const remote = await startRemote();
    remote.grant = () => 'hang';
    const failure = await failureOf(remote.connect({ timing: { identityMs: 50 } }).usageToday());
    expect(failure).toMatchObject({ type: FAILURES.unavailable, code: 'timeout' });
  });
});
