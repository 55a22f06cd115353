import { getEventListeners } from 'node:events';

import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { CallBudget } from '../../rules/budget.js';
import { CALLS, healthy } from './every-call.js';
import { tokenBody } from './fake-dataverse.js';
import { scene } from './scene.js';

const at = scene();
beforeEach(() => {
  at.fake.tokenRequests.length = 0;
  at.fake.answer = healthy(at.fake);
  at.fake.token = (count) => ({ status: 200, body: tokenBody(`token-${count}`) });
});

/** A budget in which there is never room: it waits, as the shared one does, until the caller gives up. */
const full = (waiting: () => void): CallBudget => ({
  run: ({ signal }) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      waiting();
    }),
  pause: () => Promise.resolve(),
  advise: () => Promise.resolve(),
});

const enough = new Error('enough');

describe.each(Object.entries(CALLS))('%s', (_name, call) => {
  it('is not begun by who gave up before', async () => {
    await expect(call(at.dynamics, at.fake, AbortSignal.abort(enough))).rejects.toBe(enough);
    expect([at.fake.heard, at.fake.tokenRequests]).toEqual([[], []]);
  });

  it('ends with the reason while it waits for a token, and lets go of the signal', async () => {
    const given = new AbortController();
    at.fake.token = () => 'hang';
    const dynamics = at.fake.connect();
    const running = call(dynamics, at.fake, given.signal);
    const ended = expect(running).rejects.toBe(enough);
    await vi.waitFor(() => expect(at.fake.tokenRequests).toHaveLength(1));
    given.abort(enough);
    await ended;
    expect(at.fake.heard).toEqual([]);
    expect(getEventListeners(given.signal, 'abort')).toEqual([]);
    dynamics.close();
  });

  it('ends with the reason while it waits for room or a pause', async () => {
    const given = new AbortController();
    const dynamics = at.fake.connect({ budget: full(() => setImmediate(() => given.abort(enough))) });
    await expect(call(dynamics, at.fake, given.signal)).rejects.toBe(enough);
    expect(at.fake.heard).toEqual([]);
  });

  it('ends with the reason while it waits for an answer, and lets go of the signal', async () => {
    const given = new AbortController();
    at.fake.answer = () => {
      setImmediate(() => given.abort(enough));
      return 'hang';
    };
    await expect(call(at.dynamics, at.fake, given.signal)).rejects.toBe(enough);
    expect(at.fake.heard).toHaveLength(1);
    expect(getEventListeners(given.signal, 'abort')).toEqual([]);
  });

  it('lets go of the signal when all is well', async () => {
    const given = new AbortController();
    await call(at.dynamics, at.fake, given.signal);
    expect(getEventListeners(given.signal, 'abort')).toEqual([]);
  });
});
