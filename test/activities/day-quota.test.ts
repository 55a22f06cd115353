import { ApplicationFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { begin, prepare } from '../../activities/cycle.js';
import { toFailure } from '../../activities/failures.js';
import { fetchMarketo } from '../../activities/fetch-marketo.js';
import type { Ports } from '../../activities/settings.js';
import { createBudget, MARKETO_LIMITS } from '../../store/budget.js';
import { markDay, noteDayUse, readDayUse } from '../../store/budget-day.js';
import { newAttempt, startWorld, type World } from '../support/world.js';

/** Room for every call at once: only the day is scarce. */
const LIMITS = { ...MARKETO_LIMITS, calls: 100_000, burst: 1_000, share: 1 };
const QUOTA = 1_000;
const RESERVE = 100;

let world: World;
beforeEach(async () => {
  const limits = { ...LIMITS, daily: { calls: QUOTA, reserve: RESERVE } };
  world = await startWorld({
    persons: [{ id: 1001, firstName: 'Ana', lastName: 'Ruiz', company: 'Acme', email: 'ana@acme.example' }],
    leads: [{ firstname: 'Bo', lastname: 'Lund', emailaddress1: 'bo@acme.example' }],
    marketoBudget: (db) => createBudget(db, 'marketo', limits),
  });
});
afterEach(() => world.close());

const startCycle = async (ports: Ports) => {
  const { cycle } = await begin(ports);
  const reference = { cycle, at: new Date().toISOString() };
  await prepare(ports, reference, newAttempt());
  return reference;
};

/** Other integrations call, as far as Marketo's statistics tell. */
const usedByAll = (total: number): Ports => ({
  ...world.ports,
  marketo: {
    ...world.ports.marketo,
    usage: () => Promise.resolve({ day: undefined, total, byUser: new Map() }),
  },
});

const dayUse = async () =>
  (await readDayUse(world.db, 'marketo')) ?? expect.fail('nothing is known of the day');

describe('The start of a cycle', () => {
  it('asks Marketo for the use of the day; calls since then are counted on', async () => {
    const reference = await startCycle(world.ports);
    const asked = await dayUse();
    // Set-up and this call; Marketo counted it too, perhaps before it told.
    expect(asked.used - asked.ours).toBeGreaterThanOrEqual(0);
    expect(asked.used - asked.ours).toBeLessThanOrEqual(1);
    expect(asked).toMatchObject({ quota: QUOTA, unread: null });
    expect(asked.readAt).not.toBeNull();
    await fetchMarketo(world.ports, reference, newAttempt());
    const later = await dayUse();
    expect(later.used - asked.used).toBe(later.ours - asked.ours);
    expect(later.ours).toBeGreaterThan(asked.ours);
  });

  it('goes on when Marketo does not tell, and keeps why until it does', async () => {
    const usage = { method: 'GET', path: '/rest/v1/stats/usage.json' };
    await world.fault('marketo', { ...usage, kind: 'code', code: '603' });
    await startCycle(world.ports);
    expect(await dayUse()).toMatchObject({ readAt: null, unread: 'Forbidden (603)' });
    await startCycle(world.ports);
    expect(await dayUse()).toMatchObject({ unread: null });
  });

  it('ends with the reason of whoever stops the worker meanwhile', async () => {
    const stop = new AbortController();
    const { cycle } = await begin(world.ports);
    const reference = { cycle, at: new Date().toISOString() };
    const usage = (): Promise<never> => {
      stop.abort(new Error('the worker stops'));
      return Promise.reject(new Error('aborted'));
    };
    const ports = { ...world.ports, marketo: { ...world.ports.marketo, usage } };
    const attempt = { ...newAttempt(), signal: stop.signal };
    await expect(prepare(ports, reference, attempt)).rejects.toThrow('the worker stops');
  });
});

describe('A day that is used up but for the reserve', () => {
  it('ends the cycle as if Marketo had said so, until the reset; nothing is sent, and a campaign is still served', async () => {
    const reference = await startCycle(usedByAll(QUOTA - RESERVE));
    await world.calls();
    const error: unknown = await fetchMarketo(world.ports, reference, newAttempt()).catch(toFailure);
    if (!(error instanceof ApplicationFailure)) throw error;
    expect(error).toMatchObject({ type: 'QuotaExhausted', nonRetryable: true });
    expect(error.message).toBe('Marketo: QuotaExhausted (daily-reserve)');
    const [{ resetsAt }] = error.details as [{ resetsAt: string }];
    expect(new Date(resetsAt).toLocaleTimeString('en-GB', { timeZone: 'America/Chicago' })).toMatch(/^00:0/);
    expect((await world.calls()).marketo).toEqual({});

    const marketo = world.ports.marketo.onLane('on-demand');
    const { persons } = await marketo.readPersons({ by: 'id', values: ['1001'], fields: ['firstName'] });
    expect(persons).toHaveLength(1);
  });

  it.each(['fetched', 'resolved'] as const)(
    'in the middle of a cycle (%s) leaves what is to be written for after the reset',
    async (step) => {
      await world.settled();
      const link = (await world.links()).find(({ dynamicsId }) => dynamicsId !== null);
      const { marketoId, dynamicsId } = link ?? expect.fail('nobody is linked');
      await world.doors.editRow('leads', dynamicsId ?? '', { address1_city: 'Bergen' });
      await world.calls();
      const used = async (total: number): Promise<void> => {
        const mark = await markDay(world.db, 'marketo');
        await noteDayUse(world.db, 'marketo', mark, { day: undefined, total });
      };
      await expect(world.cycle({ [step]: () => used(QUOTA - RESERVE) })).rejects.toMatchObject({
        type: 'QuotaExhausted',
      });
      expect((await world.calls()).marketo).not.toHaveProperty('POST /rest/v1/leads.json');
      const states = (await world.links()).flatMap(({ writes }) => writes.map(({ state }) => state));
      expect(states).not.toContain('sent');

      await used(0);
      await world.settled();
      expect(await world.person(marketoId ?? 0)).toMatchObject({ city: 'Bergen' });
      expect(await world.duplicates()).toEqual([]);
    },
  );
});
