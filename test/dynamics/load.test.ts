import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Dynamics } from '../../dynamics/index.js';
import { createParallelism } from '../../dynamics/parallelism.js';
import { batchReply, heardParts } from './batch-wire.js';
import { errorReply, type FakeDataverse, id, startFakeDataverse } from './fake-dataverse.js';
import { recordedBudget, type RecordedBudget } from './recorded-budget.js';
import { updates } from './rows.js';

let fake: FakeDataverse;
let budget: RecordedBudget;
let dynamics: Dynamics;
beforeAll(async () => {
  fake = await startFakeDataverse();
});
beforeEach(() => {
  fake.heard.length = 0;
  budget = recordedBudget();
  dynamics = fake.connect({ budget });
});
afterAll(() => fake.close());

const me = { UserId: id(1), OrganizationId: id(2) };
const failure = (): Promise<unknown> => dynamics.whoAmI().catch((error: unknown) => error);

describe('a request to slow down', () => {
  it('in seconds pauses everyone for as long', async () => {
    fake.answer = () =>
      errorReply(429, '0x80072322', 'Number of requests exceeded …', { 'retry-after': '17' });
    expect(await failure()).toMatchObject({
      details: { type: 'RateLimited', code: '0x80072322', retryAfterMs: 17_000, effect: 'none' },
    });
    expect(budget.pauses).toEqual([17_000]);
    expect(budget.advice).toEqual([]);
    expect(fake.heard).toHaveLength(1);
  });

  it('as a date is counted from the time of the answer', async () => {
    fake.answer = () =>
      errorReply(429, '0x80072321', '…', {
        date: 'Sat, 22 Aug 2026 08:10:00 GMT',
        'retry-after': 'Sat, 22 Aug 2026 08:11:30 GMT',
      });
    expect(await failure()).toMatchObject({ details: { retryAfterMs: 90_000 } });
    expect(budget.pauses).toEqual([90_000]);
  });

  it.each([
    ['throttled', [429, 429, 429], [1, 25, 7], [25_000]],
    ['of an environment that is not well', [400, 503, 503], [90, 2, 40], [40_000]],
  ])('by parts of a batch, %s, pauses for the longest', async (_what, status, seconds, pauses) => {
    fake.answer = (request) =>
      batchReply(
        heardParts(request).map((_part, at) => ({
          status: status[at] ?? 500,
          headers: { 'retry-after': String(seconds[at]) },
          body: { error: { code: '', message: 'not now' } },
        })),
      );
    await dynamics.write(updates(3));
    // Throttled rows are sent again, and then asked to wait as long.
    expect([...new Set(budget.pauses)]).toEqual(pauses);
  });

  it('without a time pauses a little', async () => {
    fake.answer = () => errorReply(429, '0x8005F103', 'Too many requests.');
    expect(await failure()).toMatchObject({ details: { retryAfterMs: 10_000 } });
  });

  it('because of too many calls at once also halves the parallelism', async () => {
    fake.answer = () => ({ status: 200, headers: { 'x-ms-dop-hint': '10' }, body: me });
    await dynamics.whoAmI();
    fake.answer = () =>
      errorReply(429, '0x80072326', 'Number of concurrent requests exceeded the limit of 52.', {
        'retry-after': '3',
      });
    await Promise.all([failure(), failure(), failure()]);
    expect(budget.advice).toEqual([10, 5, 5, 5]);
  });

  it('is heard in a 503 too', async () => {
    fake.answer = () => ({ status: 503, headers: { 'retry-after': '5' }, body: '<html/>' });
    expect(await failure()).toMatchObject({ details: { type: 'Unavailable', retryAfterMs: 5000 } });
    expect(budget.pauses).toEqual([5000]);
  });

  it('does not hold up the answer while the budget is told', async () => {
    const silent = (): Promise<void> => new Promise(() => undefined);
    const slow = fake.connect({ budget: { ...budget, advise: silent, pause: silent } });
    fake.answer = () => ({ status: 200, headers: { 'x-ms-dop-hint': '10' }, body: me });
    expect(await slow.whoAmI()).toMatchObject({ parallelism: 10 });
    fake.answer = () => ({ status: 429, headers: { 'retry-after': '5' }, body: '' });
    await expect(slow.whoAmI()).rejects.toMatchObject({ details: { type: 'RateLimited' } });
  });

  it('does not lose the answer when the budget cannot be told', async () => {
    const deaf = fake.connect({
      budget: { ...budget, advise: () => Promise.reject(new Error('no database')) },
    });
    fake.answer = () => ({ status: 200, headers: { 'x-ms-dop-hint': '10' }, body: me });
    expect(await deaf.whoAmI()).toMatchObject({ parallelism: 10 });
  });
});

describe('every call', () => {
  it('runs within the budget, in its lane, for no longer than it says', async () => {
    fake.answer = () => ({ status: 200, body: me });
    const { signal } = new AbortController();
    await dynamics.whoAmI();
    await dynamics.onLane('on-demand').whoAmI(signal);
    fake.answer = () => ({ status: 204 });
    await dynamics
      .onLane('backfill')
      .writeOne({ type: 'update', kind: 'lead', id: id(1), etag: 'W/"1"', values: {} });
    expect(budget.requests).toEqual([
      { lane: 'cycle', deadlineMs: 120_000, signal: undefined },
      { lane: 'on-demand', deadlineMs: 120_000, signal },
      { lane: 'backfill', deadlineMs: 130_000, signal: undefined },
    ]);
  });

  it('keeps no cookie, which would tie us to one server', async () => {
    fake.answer = () => ({ status: 200, headers: { 'set-cookie': 'ARRAffinity=abc; Path=/' }, body: me });
    await dynamics.whoAmI();
    await dynamics.whoAmI();
    expect(fake.heard.map(({ headers }) => headers['cookie'])).toEqual([undefined, undefined]);
  });

  it('that gets no answer in time is unavailable, a read without effect', async () => {
    fake.answer = () => 'hang';
    const impatient = fake.connect({ deadlines: { readMs: 50 } });
    await expect(impatient.whoAmI()).rejects.toMatchObject({
      details: { type: 'Unavailable', code: 'timeout', effect: 'none' },
    });
  });

  it('that loses its connection is unavailable, and names the remote and the call', async () => {
    fake.answer = () => 'drop';
    expect(await failure()).toMatchObject({
      details: {
        type: 'Unavailable',
        effect: 'none',
        message: expect.stringContaining(`Dynamics (${fake.url}) did not say who we are`) as string,
      },
    });
  });
});

describe('the advised parallelism', () => {
  it('is passed on when it changes, and once a minute otherwise', () => {
    let now = 0;
    const parallelism = createParallelism(() => now);
    expect(parallelism.current()).toBeUndefined();
    expect([parallelism.hinted('8'), parallelism.hinted('8'), parallelism.hinted('9')]).toEqual([
      8,
      undefined,
      9,
    ]);
    now = 61_000;
    expect(parallelism.hinted('9')).toBe(9);
    expect(['', 'many', '0', '-3', '2.5', undefined].map((header) => parallelism.hinted(header))).toEqual(
      Array.from({ length: 6 }, () => undefined),
    );
  });

  it('comes back step by step after it was too high', () => {
    let now = 0;
    const parallelism = createParallelism(() => now);
    parallelism.hinted('8');
    expect([parallelism.tooMany(), parallelism.tooMany()]).toEqual([4, 4]);
    now = 10_000;
    expect(parallelism.tooMany()).toBe(2);
    now = 70_000;
    expect(parallelism.hinted('8')).toBe(4);
    now = 10_000_000;
    expect(parallelism.hinted('8')).toBe(8);
  });
});
