import { ActivityFailure, ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describe, expect, it, vi } from 'vitest';
import type { CycleActivities } from '../../activities/contract.js';
import { endless, failureOf, withCycle } from './one-cycle.js';
import { temporalServer } from './servers.js';
import { chunksOf, gate, meeting } from './steps.js';

const server = temporalServer('dev');

describe('A step that fails', () => {
  it('is tried again while time may heal it', async () => {
    let attempts = 0;
    const steps: Partial<CycleActivities> = {
      fetchLeads: () => {
        attempts += 1;
        if (attempts < 2) throw ApplicationFailure.retryable('Dynamics: Unavailable (503)', 'Unavailable');
        return Promise.resolve({ rows: 3, deleted: 0, read: 0, full: false });
      },
    };
    await withCycle(server, steps, async ({ report, told }) => {
      expect((await report()).counts['fetched.leads']).toBe(3);
      expect(attempts).toBe(2);
      expect(told.log.filter((line) => line === 'fetchMarketo')).toHaveLength(1);
    });
  });

  it('fails the run for good, is kept by the store with the counts so far, and the cron goes on', async () => {
    let cycle = 0;
    const steps: Partial<CycleActivities> = {
      begin: () => {
        cycle += 1;
        return Promise.resolve({ cycle, notBefore: 0 });
      },
      openChunks: () => {
        if (cycle > 1) return Promise.resolve({ chunks: [], entries: 0 });
        throw ApplicationFailure.nonRetryable('Dynamics: Forbidden (0x80040220)', 'Forbidden');
      },
    };
    await withCycle(
      server,
      steps,
      async ({ told, handle }) => {
        await vi.waitFor(() => expect(told.completed.length).toBeGreaterThanOrEqual(2), 10_000);
        expect(told.completed.slice(0, 2)).toMatchObject([
          {
            cycle: 1,
            outcome: 'failed',
            notBefore: null,
            counts: { 'fetched.persons': 0 },
          },
          { cycle: 2, outcome: 'completed' },
        ]);
        expect((await handle.describe()).status.name).toBe('RUNNING');
      },
      { cron: true },
    );
  });

  it('shows its type and code on the run', async () => {
    const steps: Partial<CycleActivities> = {
      prepare: () => {
        throw ApplicationFailure.nonRetryable('Marketo: Unauthorized (401)', 'Unauthorized');
      },
    };
    await withCycle(server, steps, async ({ report, told }) => {
      const failure = await failureOf(report());
      expect(failure).toBeInstanceOf(ActivityFailure);
      expect((failure as ActivityFailure).cause).toMatchObject({
        type: 'Unauthorized',
        message: 'Marketo: Unauthorized (401)',
      });
      expect(told.log).not.toContain('fetchMarketo');
    });
  });

  it('stops the steps beside it, and only then the cycle ends', async () => {
    const reading = gate();
    const steps: Partial<CycleActivities> = {
      fetchMarketo: () => {
        void reading.pass();
        return endless();
      },
      fetchLeads: async () => {
        await reading.reached;
        throw ApplicationFailure.nonRetryable('Dynamics: Forbidden (403)', 'Forbidden');
      },
    };
    await withCycle(server, steps, async ({ report, told }) => {
      expect(await failureOf(report())).toMatchObject({ cause: { type: 'Forbidden' } });
      expect(told.completed).toMatchObject([{ outcome: 'failed' }]);
      expect(told.log.indexOf('/fetchMarketo')).toBeGreaterThan(told.log.indexOf('/fetchLeads'));
      expect(told.log.indexOf('complete')).toBeGreaterThan(told.log.indexOf('/fetchMarketo'));
    });
  });

  it('stops the other chunks, and no new one begins', async () => {
    const meet = meeting(3);
    const steps: Partial<CycleActivities> = {
      openChunks: () => Promise.resolve({ chunks: chunksOf(9), entries: 0 }),
      pushToMarketo: async ({ chunk }) => {
        await meet();
        if (chunk.from !== 1) return endless();
        throw ApplicationFailure.nonRetryable('Marketo: QuotaExhausted (607)', 'QuotaExhausted', {
          resetsAt: '2099-01-01T06:00:00.000Z',
        });
      },
    };
    await withCycle(server, steps, async ({ report, told }) => {
      expect(await report()).toMatchObject({ outcome: 'ended early: daily quota' });
      expect(told.completed).toMatchObject([
        { outcome: 'completed', notBefore: '2099-01-01T06:00:00.000Z', counts: { 'diff.links': 30 } },
      ]);
      expect(told.log.filter((line) => line.startsWith('diff')).sort()).toEqual([
        'diff 1-10',
        'diff 11-20',
        'diff 21-30',
      ]);
      expect(told.log.filter((line) => line.startsWith('/pushToMarketo'))).toHaveLength(3);
    });
  });
});

describe('Cancellation', () => {
  it('during the rest ends the run, and no cycle is recorded', async () => {
    const notBefore = Date.now() + 300_000;
    await withCycle(
      server,
      { begin: () => Promise.resolve({ cycle: 1, notBefore }) },
      async ({ handle, progress, report, told }) => {
        await vi.waitFor(async () => expect((await progress()).step).toBe('rest'));
        await handle.cancel();
        expect(await failureOf(report())).toBeInstanceOf(CancelledFailure);
        expect(told.log).toEqual(['begin', '/begin']);
      },
    );
  });

  it('during a step lets the step end, and no failure is recorded', async () => {
    const started = gate();
    const steps: Partial<CycleActivities> = {
      fetchMarketo: () => {
        void started.pass();
        return endless();
      },
    };
    await withCycle(server, steps, async ({ handle, report, told }) => {
      await started.reached;
      await handle.cancel();
      expect(await failureOf(report())).toBeInstanceOf(CancelledFailure);
      expect((await handle.describe()).status.name).toBe('CANCELLED');
      expect(told.log).toContain('/fetchMarketo');
      expect(told.completed).toEqual([]);
    });
  });
});
