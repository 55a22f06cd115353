import { describe, expect, it } from 'vitest';
import { id, part, startSim } from './client.js';

describe('Service protection limits', () => {
  it('refuses requests over the window, with a wait that ends it', async () => {
    let now = Date.parse('2026-03-01T12:00:00Z');
    const sim = await startSim({ now: () => now });
    await sim.admin('PATCH', '/settings', { requestsPerWindow: 3 });
    const call = () => sim.api('GET', 'WhoAmI');
    expect((await call()).status).toBe(200);
    now += 100_000;
    expect([(await call()).status, (await call()).status]).toEqual([200, 200]);
    const refused = await call();
    expect(refused).toMatchObject({ status: 429, code: '0x80072322' });
    expect(refused.message).toBe(
      'Number of requests exceeded the limit of 3 over time window of 300 seconds.',
    );
    expect(refused.headers.get('retry-after')).toBe('200');
    expect((await call()).headers.get('retry-after')).toBe('201');
    now += 200_001;
    expect((await call()).status).toBe(200);
    expect((await call()).status).toBe(429);
  });

  it('has the real numbers at the start', async () => {
    const { json } = await (await startSim()).admin('GET', '/settings');
    expect(json).toMatchObject({
      limits: 'real',
      requestsPerWindow: 6000,
      windowSeconds: 300,
      concurrency: 52,
      executionSecondsPerWindow: 1200,
    });
  });

  it('counts a batch as one request but with the execution time of all its parts', async () => {
    const contacts = [{ contactid: id(1), lastname: 'A' }];
    const sim = await startSim({ contacts });
    await sim.admin('PATCH', '/settings', { executionSecondsPerWindow: 1, executionMsPerWrite: 100 });
    const write = part('PATCH', `contacts(${id(1)})`, { jobtitle: 'x' });
    const first = await sim.batch(Array.from({ length: 10 }, () => write));
    expect(first.status).toBe(200);
    expect(first.headers.get('x-ms-ratelimit-burst-remaining-xrm-requests')).toBe('5999');
    expect(first.headers.get('x-ms-ratelimit-time-remaining-xrm-requests')).toBe('0.00');
    const refused = await sim.api('GET', 'WhoAmI');
    expect(refused).toMatchObject({ status: 429, code: '0x80072321' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('refuses more requests at once than it takes', async () => {
    const sim = await startSim();
    await sim.token();
    await sim.api('GET', 'WhoAmI');
    await sim.admin('PATCH', '/settings', { concurrency: 2 });
    await sim.admin('POST', '/faults', { kind: 'slow', delayMs: 300, times: 2 });
    const answers = await Promise.all([1, 2, 3].map(() => sim.api('GET', 'WhoAmI')));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toMatchObject([{ code: '0x80072326' }]);
    expect(refused[0]?.message).toBe('Number of concurrent requests exceeded the limit of 2.');
    expect((await sim.api('GET', 'WhoAmI')).status).toBe(200);
  });

  it('keeps a request in flight as long as it costs, where execution takes time', async () => {
    const sim = await startSim();
    await sim.token();
    await sim.api('GET', 'WhoAmI');
    await sim.admin('PATCH', '/settings', {
      concurrency: 1,
      executionMsPerRead: 300,
      executionTakesTime: true,
    });
    const answers = await Promise.all([1, 2].map(() => sim.api('GET', 'WhoAmI')));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 429]);
    expect((await sim.api('GET', 'WhoAmI')).status).toBe(200);
  });

  it('refuses nothing with limits off, and never limits the door', async () => {
    const sim = await startSim({ limits: 'off' });
    await sim.admin('PATCH', '/settings', { requestsPerWindow: 1 });
    const statuses = await Promise.all([1, 2, 3].map(async () => (await sim.api('GET', 'WhoAmI')).status));
    expect(statuses).toEqual([200, 200, 200]);
  });

  it('can tell the wait as a date', async () => {
    const now = Date.parse('2026-03-01T12:00:00Z');
    const sim = await startSim({ now: () => now });
    await sim.admin('PATCH', '/settings', { requestsPerWindow: 1, retryAfter: 'date' });
    await sim.api('GET', 'WhoAmI');
    const refused = await sim.api('GET', 'WhoAmI');
    expect(refused.headers.get('retry-after')).toBe('Sun, 01 Mar 2026 12:05:00 GMT');
  });

  it('can end the requests of a day, each row of a batch counted', async () => {
    let now = Date.parse('2026-03-01T12:00:00Z');
    const sim = await startSim({ now: () => now });
    await sim.admin('PATCH', '/settings', { entitlementPerDay: 4 });
    await sim.admin('PATCH', '/settings', { tokenSeconds: 50_000 });
    const write = part('POST', 'contacts', { lastname: 'x' });
    expect((await sim.batch([write, write, write, write])).status).toBe(200);
    now += 3600_000;
    const refused = await sim.api('GET', 'WhoAmI');
    expect(refused).toMatchObject({ status: 429, code: '0x8005f103' });
    expect(refused.headers.get('retry-after')).toBe(String(23 * 3600));
    now += 23 * 3600_000;
    await sim.admin('POST', '/tokens/expire');
    const bearer = { Authorization: `Bearer ${await sim.token()}` };
    expect((await sim.api('GET', 'WhoAmI', undefined, bearer)).status).toBe(200);
  });
});
