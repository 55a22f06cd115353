import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { Misconfigured, toFailure } from '../../activities/failures.js';
import { RemoteFailure, type FailureDetails } from '../../rules/failures.js';

const remote = (details: Partial<FailureDetails>): ApplicationFailure => {
  const message = 'the row of Ana Ruiz is locked';
  const failure = toFailure(
    new RemoteFailure({ type: 'Unavailable', side: 'dynamics', message, effect: 'none', ...details }),
  );
  expect(JSON.stringify(failure)).not.toContain('Ana Ruiz');
  expect(failure.stack).not.toContain('Ana Ruiz');
  expect(failure.cause).toBeUndefined();
  if (!(failure instanceof ApplicationFailure)) throw failure;
  return failure;
};

describe("A remote's failure crosses to the workflow", () => {
  it('with its side, type and code, and without its text', () => {
    expect(remote({ code: '0x80040216' })).toMatchObject({
      message: 'Dynamics: Unavailable (0x80040216)',
      type: 'Unavailable',
      nonRetryable: false,
    });
  });

  it('without a code that is no code', () => {
    expect(remote({ code: 'locked by Ana Ruiz' }).message).toBe('Dynamics: Unavailable');
  });

  it('for good, unless time heals it', () => {
    expect(remote({ type: 'Forbidden', code: '603', side: 'marketo' })).toMatchObject({
      message: 'Marketo: Forbidden (603)',
      nonRetryable: true,
    });
  });

  it('with the time after which to try again, or at which a quota is filled again', () => {
    expect(remote({ type: 'RateLimited', retryAfterMs: 5_000 }).nextRetryDelay).toBe(5_000);
    const before = Date.now();
    const quota = remote({ type: 'QuotaExhausted', retryAfterMs: 60_000 });
    const [{ resetsAt }] = quota.details as [{ resetsAt: string }];
    expect(quota.nextRetryDelay).toBeUndefined();
    expect(Date.parse(resetsAt) - before).toBeGreaterThanOrEqual(60_000);
  });
});

describe('Any other error crosses to the workflow', () => {
  it('with its own words when it says what to mend', () => {
    expect(toFailure(new Misconfigured('installation "x" is not set up'))).toMatchObject({
      message: 'installation "x" is not set up',
      nonRetryable: true,
    });
  });

  it.each([
    {
      error: Object.assign(new Error('duplicate key (ana@example.com)'), { code: '23505' }),
      type: 'StoreRefused',
    },
    { error: Object.assign(new Error('connect ana'), { code: 'ECONNREFUSED' }), type: 'StoreUnavailable' },
    { error: new TypeError('cannot read ana@example.com'), type: 'TypeError' },
  ])('by its type alone: $type', ({ error, type }) => {
    const failure = toFailure(error);
    expect(failure).toMatchObject({ type });
    expect(JSON.stringify(failure) + (failure.stack ?? '')).not.toMatch(/\bana\b/);
  });
});
