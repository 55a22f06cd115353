import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { until, within } from '../../activities/deadline.js';

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;

it('The time of a call strikes although nobody but the call holds it', async () => {
  const signals = Array.from({ length: 50 }, () => within(new AbortController().signal, 60));
  collect();
  await new Promise((resolve) => setTimeout(resolve, 120));
  collect();
  expect(signals.every(({ aborted }) => aborted)).toBe(true);
});

it('A deadline that is over lets no call begin', () => {
  expect(until(new AbortController().signal, new Date(Date.now() - 1).toISOString()).aborted).toBe(true);
});

it('A call is given up with its attempt, for the reason of that one', () => {
  const attempt = new AbortController();
  const signal = within(attempt.signal, 60_000);
  expect(signal.aborted).toBe(false);
  attempt.abort(new Error('the worker stops'));
  expect(signal.reason).toEqual(new Error('the worker stops'));
});
