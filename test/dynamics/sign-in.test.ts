import { generateKeyPairSync } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createDynamics, type Dynamics } from '../../dynamics/index.js';
import { unlimitedBudget, type CallBudget } from '../../rules/budget.js';
import {
  type FakeDataverse,
  id,
  type Reply,
  SECRET,
  startFakeDataverse,
  tokenBody,
} from './fake-dataverse.js';

let fake: FakeDataverse;
beforeEach(async () => {
  fake = await startFakeDataverse();
  fake.answer = () => ({ status: 200, body: { UserId: id(1), OrganizationId: id(2) } });
});
afterEach(async () => {
  vi.useRealTimers();
  await fake.close();
});

const bearer = (): (string | undefined)[] => fake.heard.map(({ headers }) => headers['authorization']);
const failureOf = async (dynamics: Dynamics): Promise<unknown> =>
  dynamics.whoAmI().catch((error: unknown) => error);

describe('signing in', () => {
  it('asks the token endpoint once, however many calls start at one time', async () => {
    const dynamics = fake.connect();
    await Promise.all(Array.from({ length: 8 }, () => dynamics.onLane('backfill').whoAmI()));
    await dynamics.whoAmI();
    expect(fake.tokenRequests).toHaveLength(1);
    expect(new Set(bearer())).toEqual(new Set(['Bearer token-1']));
    const form = new URLSearchParams(fake.tokenRequests[0]?.body);
    expect(Object.fromEntries(form)).toMatchObject({
      grant_type: 'client_credentials',
      client_secret: SECRET,
      scope: `${fake.url}/.default`,
    });
  });

  it('signs an assertion where there is a certificate instead of a secret', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const dynamics = createDynamics(
      {
        url: fake.url,
        tenantId: 'tenant-1',
        clientId: id(3),
        tokenEndpoint: `${fake.url}/tenant-1/oauth2/v2.0/token`,
        certificate: {
          thumbprintSha256: 'AB'.repeat(32),
          privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        },
      },
      { budget: unlimitedBudget },
    );
    await dynamics.whoAmI();
    dynamics.close();
    const form = new URLSearchParams(fake.tokenRequests[0]?.body);
    expect(form.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    expect(form.has('client_secret')).toBe(false);
  });

  it('takes a fresh token after a 401, once, for all calls that met it', async () => {
    const dynamics = fake.connect();
    await dynamics.whoAmI();
    const { answer } = fake;
    fake.answer = (request) =>
      request.headers['authorization'] === 'Bearer token-1' ? { status: 401 } : answer(request);
    await Promise.all([dynamics.whoAmI(), dynamics.whoAmI(), dynamics.whoAmI()]);
    expect(fake.tokenRequests).toHaveLength(2);
    expect(bearer().slice(1).sort()).toEqual([
      'Bearer token-1',
      'Bearer token-1',
      'Bearer token-1',
      'Bearer token-2',
      'Bearer token-2',
      'Bearer token-2',
    ]);
  });

  it('gives up after a second 401', async () => {
    fake.answer = () => ({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
    expect(await failureOf(fake.connect())).toMatchObject({
      details: { type: 'Unauthorized', effect: 'none' },
    });
    expect(bearer()).toEqual(['Bearer token-1', 'Bearer token-2']);
  });

  it('renews a token in good time, and lives on the old one if that fails', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    fake.token = (count) =>
      count === 2
        ? 'drop'
        : { status: 200, body: { ...tokenBody(`token-${count}`, 3600), refresh_in: 1800 } };
    const dynamics = fake.connect();
    await dynamics.whoAmI();
    vi.setSystemTime(Date.now() + 1_900_000);
    await dynamics.whoAmI();
    expect(fake.tokenRequests).toHaveLength(2);
    vi.setSystemTime(Date.now() + 120_000);
    await dynamics.whoAmI();
    await dynamics.whoAmI();
    expect(fake.tokenRequests).toHaveLength(3);
    expect(bearer().slice(0, 2)).toEqual(['Bearer token-1', 'Bearer token-1']);
    expect(bearer().at(-1)).toBe('Bearer token-3');
  });

  it('comes before the turn of the budget, in which nobody waits for a token', async () => {
    let [turns, asked] = [0, 0];
    fake.token = (count) => {
      expect(turns).toBe(0);
      asked += 1;
      return { status: 200, body: tokenBody(`token-${count}`) };
    };
    const { answer } = fake;
    fake.answer = (request) =>
      request.headers['authorization'] === 'Bearer token-1' ? { status: 401 } : answer(request);
    const budget: CallBudget = {
      ...unlimitedBudget,
      run: async (_request, call) => {
        turns += 1;
        return call().finally(() => (turns -= 1));
      },
    };
    const dynamics = fake.connect({ budget });
    expect(await dynamics.whoAmI()).toMatchObject({ userId: id(1) });
    expect(asked).toBe(2);
  });

  it('is done again, and the turn left unused, when the token grew too old in the queue', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    let asked = 0;
    const budget: CallBudget = {
      ...unlimitedBudget,
      run: (_request, call) => {
        asked += 1;
        if (asked === 1) vi.setSystemTime(Date.now() + 3_400_000);
        return call();
      },
    };
    fake.token = (count) => ({ status: 200, body: tokenBody(`token-${count}`, 3600) });
    expect(await fake.connect({ budget }).whoAmI()).toMatchObject({ userId: id(1) });
    expect(asked).toBe(2);
    expect(bearer()).toEqual(['Bearer token-2']);
  });

  it('stops the caller that aborts, not the others that wait for the same token', async () => {
    let letIn: (reply: Reply) => void = () => undefined;
    fake.token = () => new Promise((resolve) => (letIn = resolve));
    const dynamics = fake.connect();
    const controller = new AbortController();
    const aborted = dynamics.whoAmI(controller.signal);
    const waiting = dynamics.whoAmI();
    await vi.waitFor(() => expect(fake.tokenRequests).toHaveLength(1));
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    letIn({ status: 200, body: tokenBody('late') });
    expect(await waiting).toMatchObject({ userId: id(1) });
  });
});

describe('a sign-in that fails', () => {
  const entra = (status: number, error: string, code: number, headers = {}): Reply => ({
    status,
    headers,
    body: {
      error,
      error_description: `AADSTS${code}: …`,
      error_codes: [code],
      trace_id: id(1),
      correlation_id: id(2),
    },
  });

  it.each([
    [
      'a wrong secret',
      entra(401, 'invalid_client', 7000215),
      { type: 'Unauthorized', code: 'AADSTS7000215' },
      'DATAVERSE_CLIENT_SECRET',
    ],
    [
      'an unknown app',
      entra(400, 'unauthorized_client', 700016),
      { type: 'Unauthorized' },
      'DATAVERSE_CLIENT_ID',
    ],
    [
      "another tenant's environment",
      entra(400, 'invalid_scope', 70011),
      { type: 'Unauthorized' },
      'DATAVERSE_URL',
    ],
    [
      'too many requests',
      entra(429, 'throttled', 90055, { 'retry-after': '20' }),
      { type: 'RateLimited', retryAfterMs: expect.closeTo(20_000, -3) as number },
      'too many',
    ],
    ['an outage', { status: 503, body: '<html/>' }, { type: 'Unavailable' }, '503'],
    ['an answer without a token', { status: 200, body: {} }, { type: 'Unavailable' }, 'Entra'],
    ['no answer', 'drop', { type: 'Unavailable', code: 'ECONNRESET' }, 'network'],
  ] satisfies [string, Reply, object, string][])(
    'says what to do about %s',
    async (_what, reply, details, words) => {
      fake.token = () => reply;
      const dynamics = fake.connect();
      const expected = {
        details: {
          ...details,
          side: 'dynamics',
          effect: 'none',
          message: expect.stringContaining(words) as string,
        },
      };
      expect(await failureOf(dynamics)).toMatchObject(expected);
      expect(fake.heard).toEqual([]);
    },
  );

  it('says for how long when MSAL does not ask again by itself', async () => {
    fake.token = () => entra(429, 'throttled', 90055, { 'retry-after': '20' });
    const dynamics = fake.connect();
    await failureOf(dynamics);
    expect(await failureOf(dynamics)).toMatchObject({
      details: { type: 'RateLimited', retryAfterMs: expect.closeTo(20_000, -3) as number },
    });
    expect(fake.tokenRequests).toHaveLength(1);
  });

  it.each([
    ['seconds', 429, { 'retry-after': '20' }, 20_000],
    [
      'a date',
      429,
      { date: 'Sat, 22 Aug 2026 08:10:00 GMT', 'retry-after': 'Sat, 22 Aug 2026 08:11:30 GMT' },
      90_000,
    ],
    ['a fraction', 429, { 'retry-after': '2.5' }, 3000],
    ['zero seconds', 503, { 'retry-after': '0' }, 1000],
    ['no words', 429, {}, 60_000],
    ['no words, with an outage', 500, {}, 60_000],
    ['more than an hour', 429, { 'retry-after': '9000' }, 3_600_000],
  ])('waits as long as it says, after a wait in %s', async (_form, status, headers, waitMs) => {
    vi.useFakeTimers({ toFake: ['Date'] });
    fake.token = (count) =>
      count === 1 ? entra(status, 'throttled', 90055, headers) : { status: 200, body: tokenBody('late') };
    const dynamics = fake.connect();
    const start = Date.now();
    expect(await failureOf(dynamics)).toMatchObject({
      details: {
        retryAfterMs: waitMs,
        message: expect.stringContaining(`again in ${waitMs / 1000} s`) as string,
      },
    });
    vi.setSystemTime(start + waitMs - 500);
    expect(await failureOf(dynamics)).toMatchObject({ details: { retryAfterMs: 1000 } });
    expect(fake.tokenRequests).toHaveLength(1);
    vi.setSystemTime(start + waitMs + 500);
    expect(await dynamics.whoAmI()).toMatchObject({ userId: id(1) });
    expect(fake.tokenRequests).toHaveLength(2);
  });

  it('is not tried by every call while a secret is refused, but again after 30 s', async () => {
    fake.token = (count) =>
      count === 1 ? entra(401, 'invalid_client', 7000215) : { status: 200, body: tokenBody('mended') };
    const dynamics = fake.connect();
    const clock = vi.spyOn(performance, 'now');
    const refused = { details: { type: 'Unauthorized', code: 'AADSTS7000215' } };
    expect(await failureOf(dynamics)).toMatchObject(refused);
    const begun = performance.now();
    clock.mockReturnValue(begun + 29_000);
    expect(await failureOf(dynamics.onLane('backfill'))).toMatchObject(refused);
    expect(fake.tokenRequests).toHaveLength(1);
    clock.mockReturnValue(begun + 30_001);
    expect(await dynamics.whoAmI()).toMatchObject({ userId: id(1) });
    clock.mockRestore();
  });

  it('recovers once the endpoint does', async () => {
    fake.token = (count) => (count === 1 ? 'drop' : { status: 200, body: tokenBody('better') });
    const dynamics = fake.connect();
    expect(await failureOf(dynamics)).toMatchObject({ details: { type: 'Unavailable' } });
    expect(await dynamics.whoAmI()).toMatchObject({ userId: id(1) });
  });

  it('is noticed at once where there is no credential, or two', () => {
    const settings = { url: fake.url, tenantId: 't', clientId: 'c' };
    expect(() => createDynamics(settings, { budget: unlimitedBudget })).toThrow('DATAVERSE_CLIENT_SECRET');
    const certificate = { thumbprintSha256: '00', privateKey: 'x' };
    const both = { ...settings, clientSecret: 's', certificate };
    expect(() => createDynamics(both, { budget: unlimitedBudget })).toThrow('exactly one');
  });
});

describe('secrets', () => {
  it('are in no failure, whatever went wrong', async () => {
    const replies: Reply[] = [
      'drop',
      { status: 401 },
      { status: 500, body: '<html/>' },
      { status: 400, body: { error: { code: '0x0', message: 'x' } } },
    ];
    for (const reply of replies) {
      fake.answer = () => reply;
      const error = await failureOf(fake.connect());
      expect(error).toBeInstanceOf(Error);
      const { message, stack, cause } = error as Error;
      const said = JSON.stringify([error, message, stack, cause]);
      expect(said).not.toContain(SECRET);
      expect(said).not.toContain('token-');
    }
    fake.token = () => ({
      status: 401,
      body: { error: 'invalid_client', error_description: `wrong: ${SECRET}` },
    });
    expect(JSON.stringify(await failureOf(fake.connect()))).not.toContain(SECRET);
  });
});
