import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { CallLimits, DailyQuota } from '../../rules/call-limits.js';
import { RemoteFailure } from '../../rules/failures.js';
import { quotaDay } from '../../rules/quota-day.js';
import type { Lane } from '../../rules/terms.js';
import { createBudget } from '../../store/budget.js';
import { dayOf, markDay, noteDayUnread, noteDayUse, readDayUse } from '../../store/budget-day.js';
import { budgetStatements } from '../../store/budget-statements.js';
import { FIVE_SLOTS, leaseOf, twoProcesses } from './budget-scene.js';

const processes = twoProcesses();

const limitsOf = (daily: DailyQuota): CallLimits => ({ ...FIVE_SLOTS, daily });

/** A wall clock in Texas, winter time: midnight there is 06:00 UTC. */
const clockAt = (iso: string) => {
  let now = new Date(iso);
  return { now: () => now, set: (next: string) => (now = new Date(next)) };
};
const NOON = '2026-01-15T18:00:00Z';

/** Calls on a lane until one is refused for the day, at most `most`; how many there were. */
const callsOf = async (limits: CallLimits, lane: Lane, now: () => Date, most = 100): Promise<number> => {
  const statements = budgetStatements(processes.db, 'marketo', limits, now);
  for (let count = 0; count < most; count += 1) {
    const answer = await statements.acquire(lane, 1_000);
    if (answer.lease === undefined && answer.lack === 'quota') return count;
    await statements.release(leaseOf(answer));
  }
  return most;
};

const note = async (total: number, now: () => Date, day?: string): Promise<void> => {
  const mark = await markDay(processes.db, 'marketo', now);
  await noteDayUse(processes.db, 'marketo', mark, { day, total }, now);
};

describe("the day's quota", () => {
  it('is left by backfill to the cycle, by the cycle to on-demand, and by on-demand to nobody', async () => {
    const limits = limitsOf({ calls: 50, reserve: 10 });
    const { now } = clockAt(NOON);
    expect(await callsOf(limits, 'backfill', now)).toBe(35);
    expect(await callsOf(limits, 'cycle', now)).toBe(5);
    expect(await callsOf(limits, 'backfill', now)).toBe(0);
    expect(await callsOf(limits, 'on-demand', now, 60)).toBe(60);
    expect(await readDayUse(processes.db, 'marketo', now)).toMatchObject({ used: 100, ours: 100, quota: 50 });
  });

  it('counts the calls of others as Marketo told them, and our own since, over all processes', async () => {
    const limits = limitsOf({ calls: 50, reserve: 10 });
    const { now } = clockAt(NOON);
    expect(await callsOf(limits, 'cycle', now, 6)).toBe(6);
    const mark = await markDay(processes.db, 'marketo', now);
    // While Marketo is asked, another process calls: perhaps counted there, perhaps not, so it counts here.
    const elsewhere = budgetStatements(processes.other, 'marketo', limits, now);
    await elsewhere.release(leaseOf(await elsewhere.acquire('cycle', 1_000)));
    await noteDayUse(processes.db, 'marketo', mark, { day: '2026-01-15', total: 30 }, now);
    expect(await readDayUse(processes.db, 'marketo', now)).toMatchObject({ used: 31, ours: 7 });
    expect(await callsOf(limits, 'cycle', now)).toBe(9);
    expect(await callsOf(limits, 'cycle', now)).toBe(0);
  });

  it('is full again at midnight US Central, for the reading too', async () => {
    const limits = limitsOf({ calls: 50, reserve: 10 });
    const clock = clockAt(NOON);
    await callsOf(limits, 'on-demand', clock.now, 2);
    await note(47, clock.now);
    clock.set('2026-01-16T05:59:59.999Z');
    expect(await callsOf(limits, 'cycle', clock.now)).toBe(0);
    clock.set('2026-01-16T06:00:00Z');
    expect(await readDayUse(processes.db, 'marketo', clock.now)).toMatchObject({
      used: 0,
      ours: 0,
      readAt: null,
    });
    expect(await callsOf(limits, 'cycle', clock.now)).toBe(40);
  });

  it('is not full again when a clock is set back over midnight, nor kept for ever by one that was far ahead', async () => {
    const limits = limitsOf({ calls: 50, reserve: 10 });
    const clock = clockAt('2026-01-16T06:00:01Z');
    expect(await callsOf(limits, 'cycle', clock.now)).toBe(40);
    clock.set('2026-01-16T05:59:58Z');
    expect(await callsOf(limits, 'cycle', clock.now)).toBe(0);
    clock.set('2025-03-01T00:00:00Z');
    await budgetStatements(processes.db, 'marketo', limits, clock.now).acquire('cycle', 1_000);
    // The pace, too, was of another time: one burst is waited for.
    clock.set('2025-03-01T00:00:01Z');
    expect(await callsOf(limits, 'cycle', clock.now)).toBe(40);
  });

  it('may be raised by a restart with another configuration', async () => {
    const { now } = clockAt(NOON);
    expect(await callsOf(limitsOf({ calls: 20, reserve: 5 }), 'cycle', now)).toBe(15);
    expect(await callsOf(limitsOf({ calls: 30, reserve: 5 }), 'cycle', now)).toBe(10);
    expect(await readDayUse(processes.db, 'marketo', now)).toMatchObject({ quota: 30 });
  });

  it('is never exceeded by the cycle, whoever calls in whatever order, and is used to the last call', async () => {
    const steps = fc.array(
      fc.oneof(
        fc.constantFrom<Lane>('on-demand', 'cycle', 'backfill').map((lane) => ({ lane })),
        fc.nat({ max: 12 }).map((others) => ({ others })),
      ),
      { maxLength: 40 },
    );
    const daily = { calls: 20, reserve: 4 };
    const { now } = clockAt(NOON);
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        await sql`truncate budgets, call_slots`.execute(processes.db);
        const statements = budgetStatements(processes.db, 'marketo', limitsOf(daily), now);
        let [ours, others] = [0, 0];
        for (const step of sequence) {
          if ('others' in step) {
            others = Math.max(others, step.others);
            await note(ours + others, now);
            continue;
          }
          const answer = await statements.acquire(step.lane, 1_000);
          const most = { 'on-demand': Number.POSITIVE_INFINITY, cycle: 16, backfill: 14 }[step.lane];
          expect(answer.lease !== undefined).toBe(ours + others < most);
          if (answer.lease === undefined) continue;
          ours += 1;
          await statements.release(answer.lease);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('has the same day in PostgreSQL as in the rule, on every day of the year', async () => {
    const instants = fc.date({
      min: new Date('2020-01-01'),
      max: new Date('2036-01-01'),
      noInvalidDate: true,
    });
    const changes = fc
      .tuple(
        fc.constantFrom('2026-03-08', '2026-11-01', '2027-03-14'),
        fc.integer({ min: -90_000, max: 90_000 }),
      )
      .map(([day, seconds]) => new Date(Date.parse(`${day}T06:00:00Z`) + seconds * 1_000));
    const many = fc.array(fc.oneof(instants, changes), { minLength: 200, maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(many, async (dates) => {
        const { rows } = await sql<{ day: string }>`
          select ${dayOf(sql`at`)}::text as day
          from unnest(${dates}::timestamptz[]) with ordinality as given (at, place) order by place`.execute(
          processes.db,
        );
        expect(rows.map(({ day }) => day)).toEqual(dates.map(quotaDay));
      }),
      { numRuns: 10 },
    );
  });
});

describe('a call for which nothing is left of the day', () => {
  it('fails as if Marketo had said so, until the reset, without being made; on-demand goes on beside it', async () => {
    const { now } = clockAt(NOON);
    const budget = createBudget(processes.db, 'marketo', limitsOf({ calls: 10, reserve: 2 }), { now });
    await note(8, now);
    const called: Lane[] = [];
    const run = (lane: Lane): Promise<unknown> =>
      budget.run({ lane, deadlineMs: 1_000 }, () => Promise.resolve(called.push(lane)));
    const lanes: readonly Lane[] = ['cycle', 'backfill', 'cycle', 'on-demand', 'on-demand'];
    const outcomes = await Promise.allSettled(lanes.map(run));
    expect(called).toEqual(['on-demand', 'on-demand']);
    const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    expect(failures).toHaveLength(3);
    for (const failure of failures) {
      if (!(failure instanceof RemoteFailure)) throw failure;
      const details = { type: 'QuotaExhausted', side: 'marketo', code: 'daily-reserve', effect: 'none' };
      expect(failure.details).toMatchObject({ ...details, retryAfterMs: 12 * 3_600_000 });
      expect(failure.message).toContain('dailyReserve');
    }
  });

  it('is told so at once, even when the remote is paused or every slot is taken', async () => {
    const { now } = clockAt(NOON);
    const statements = budgetStatements(processes.db, 'marketo', limitsOf({ calls: 10, reserve: 2 }), now);
    await statements.pause(60_000);
    await note(8, now);
    await expect(statements.acquire('cycle', 1_000)).resolves.toMatchObject({ lack: 'quota', used: 8 });
    await expect(statements.acquire('on-demand', 1_000)).resolves.toMatchObject({ lack: 'rate' });
  });
});

describe('a reading of the day', () => {
  it('that comes when its day is over is not kept', async () => {
    const clock = clockAt('2026-01-16T05:59:59Z');
    const mark = await markDay(processes.db, 'marketo', clock.now);
    clock.set('2026-01-16T06:00:00Z');
    await noteDayUse(processes.db, 'marketo', mark, { day: '2026-01-15', total: 49_000 }, clock.now);
    expect(await readDayUse(processes.db, 'marketo', clock.now)).toBeUndefined();
  });

  it('labelled as of an earlier day is told as not read, and counts nothing', async () => {
    const { now } = clockAt(NOON);
    await note(49_000, now, '2026-01-14');
    const unread = 'usage is labelled 2026-01-14';
    expect(await readDayUse(processes.db, 'marketo', now)).toMatchObject({ used: 0, readAt: null, unread });
    await note(12, now, '2026-01-15');
    expect(await readDayUse(processes.db, 'marketo', now)).toMatchObject({ used: 12, unread: null });
  });

  it('labelled as of the next day is told as not read, and is the least that others used of ours', async () => {
    const { now } = clockAt(NOON);
    await note(30, now, '2026-01-15');
    const before = await readDayUse(processes.db, 'marketo', now);
    const unread = 'usage is labelled 2026-01-16';
    await note(20, now, '2026-01-16');
    expect(await readDayUse(processes.db, 'marketo', now)).toMatchObject({ ...before, used: 30, unread });
    await note(45, now, '2026-01-16');
    expect(await readDayUse(processes.db, 'marketo', now)).toMatchObject({ ...before, used: 45, unread });
    expect(await callsOf(limitsOf({ calls: 50, reserve: 4 }), 'cycle', now)).toBe(1);
  });

  it('replaces the last one; our own calls count whether or not Marketo has counted them yet', async () => {
    const limits = limitsOf({ calls: 50, reserve: 10 });
    const { now } = clockAt(NOON);
    await callsOf(limits, 'cycle', now, 20);
    await note(25, now);
    expect(await readDayUse(processes.db, 'marketo', now)).toMatchObject({ used: 25, ours: 20 });
    await note(12, now);
    expect(await readDayUse(processes.db, 'marketo', now)).toMatchObject({ used: 20, ours: 20 });
  });

  it('that lags, however far and however often, does not let the cycle make more calls than are its own', async () => {
    const daily = { calls: 20, reserve: 4 };
    const { now } = clockAt(NOON);
    const steps = fc.array(fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 3 }), {
      minLength: 30,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        await sql`truncate budgets, call_slots`.execute(processes.db);
        let ours = 0;
        for (const told of sequence) {
          if (told !== null) await note(Math.floor(told * ours), now);
          else ours += await callsOf(limitsOf(daily), 'cycle', now, 1);
        }
        ours += await callsOf(limitsOf(daily), 'cycle', now);
        expect(ours).toBe(16);
      }),
      { numRuns: 8 },
    );
  });

  it('that failed is remembered until one succeeds, and changes no count', async () => {
    const { now } = clockAt(NOON);
    await note(12, now);
    await noteDayUnread(processes.db, 'marketo', 'Forbidden (603)');
    expect(await readDayUse(processes.db, 'marketo', now)).toMatchObject({
      used: 12,
      unread: 'Forbidden (603)',
    });
    await note(13, now);
    expect(await readDayUse(processes.db, 'marketo', now)).toMatchObject({ used: 13, unread: null });
  });
});
