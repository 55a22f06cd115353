import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { MARKETO_LIMITS } from '../../rules/call-limits.js';
import { gcraOf, judgeCall } from '../../rules/gcra.js';
import type { Lane } from '../../rules/terms.js';
import { budgetStatements } from '../../store/budget-statements.js';
import { clockAt, FIVE_SLOTS, leaseOf, twoProcesses } from './budget-scene.js';

const processes = twoProcesses();

const arrivalMicros = async (): Promise<number> => {
  const query = sql<{
    micros: number;
  }>`select (extract(epoch from arrival) * 1000000)::float8 as micros from budgets`;
  return (await query.execute(processes.db)).rows[0]?.micros ?? expect.fail('no budget');
};

describe('the statement', () => {
  it('judges exactly as the pure rule does, over any sequence of calls and clocks', async () => {
    const lanes = fc.constantFrom<Lane>('on-demand', 'cycle', 'backfill');
    const steps = fc.array(fc.record({ lane: lanes, pass: fc.integer({ min: -50, max: 600 }) }), {
      maxLength: 40,
    });
    const gcra = gcraOf(MARKETO_LIMITS);
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        await sql`truncate budgets, call_slots`.execute(processes.db);
        const clock = clockAt();
        const statements = budgetStatements(processes.db, 'marketo', MARKETO_LIMITS, clock.now);
        let arrival = 0;
        for (const { lane, pass } of sequence) {
          clock.pass(pass);
          const verdict = judgeCall(gcra, lane, arrival, clock.micros());
          const answer = await statements.acquire(lane, 1_000);
          if (verdict.granted) await statements.release(leaseOf(answer));
          else expect(answer).toMatchObject({ lack: 'rate', waitMs: Math.ceil(verdict.waitMicros / 1_000) });
          arrival = verdict.arrival;
          expect(await arrivalMicros()).toBe(arrival);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('takes neither a call nor a slot when one of them lacks', async () => {
    const clock = clockAt();
    const limits = { ...MARKETO_LIMITS, concurrency: 2, share: 1 };
    const statements = budgetStatements(processes.db, 'marketo', limits, clock.now);
    leaseOf(await statements.acquire('on-demand', 60_000));
    leaseOf(await statements.acquire('on-demand', 60_000));
    const before = await arrivalMicros();
    await expect(statements.acquire('on-demand', 60_000)).resolves.toMatchObject({ lack: 'slot' });
    expect(await arrivalMicros()).toBe(before);
  });

  it('gives each of many simultaneous callers a slot of its own, and no more than there are', async () => {
    const { db, other } = processes;
    const statements = budgetStatements(other, 'marketo', FIVE_SLOTS);
    await statements.release(leaseOf(await statements.acquire('cycle', 60_000)));
    const waiting = sql<{ count: number }>`
      select count(*) as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    // All of them begin while the budget is locked, so that each first sees every slot free.
    const answers = await db.transaction().execute(async (transaction) => {
      await sql`select from budgets for update`.execute(transaction);
      const asked = Array.from({ length: 8 }, () => statements.acquire('on-demand', 60_000));
      await expect
        .poll(async () => (await waiting.execute(db)).rows, { timeout: 10_000 })
        .toEqual([{ count: 8 }]);
      return { asked: Promise.all(asked) };
    });
    const slots = (await answers.asked).flatMap(({ lease }) => (lease === undefined ? [] : [lease.slot]));
    expect(slots.toSorted()).toEqual([0, 1, 2, 3, 4]);
  });

  it('lets a pause and the leases of the dead last no longer than they were to, when the clock is set back', async () => {
    const back = fc.array(fc.integer({ min: 1, max: 12 * 3_600_000 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(back, async (jumps) => {
        await sql`truncate budgets, call_slots`.execute(processes.db);
        const clock = clockAt();
        const statements = budgetStatements(processes.db, 'marketo', FIVE_SLOTS, clock.now);
        for (let dead = 0; dead < 5; dead += 1) leaseOf(await statements.acquire('on-demand', 30_000));
        await statements.pause(20_000);
        for (const jump of jumps) {
          clock.pass(-jump);
          await expect(statements.acquire('on-demand', 1_000)).resolves.toMatchObject({ waitMs: 20_000 });
        }
        clock.pass(20_000);
        await expect(statements.acquire('on-demand', 1_000)).resolves.toMatchObject({ lack: 'slot' });
        clock.pass(9_999);
        await expect(statements.acquire('on-demand', 1_000)).resolves.toMatchObject({ lack: 'slot' });
        clock.pass(1);
        leaseOf(await statements.acquire('on-demand', 1_000));
      }),
      { numRuns: 8 },
    );
  });

  it('takes a new pause for what it is, when the clock was set back within a longer one', async () => {
    const clock = clockAt();
    const statements = budgetStatements(processes.db, 'marketo', FIVE_SLOTS, clock.now);
    await statements.pause(20_000);
    clock.pass(-3_600_000);
    await statements.pause(5_000);
    await expect(statements.acquire('cycle', 1_000)).resolves.toMatchObject({ waitMs: 20_000 });
    await statements.pause(25_000);
    await expect(statements.acquire('cycle', 1_000)).resolves.toMatchObject({ waitMs: 25_000 });
  });

  it('keeps the remotes apart', async () => {
    const one = { ...FIVE_SLOTS, concurrency: 1 };
    leaseOf(await budgetStatements(processes.db, 'marketo', one).acquire('cycle', 60_000));
    leaseOf(await budgetStatements(processes.db, 'dynamics', one).acquire('cycle', 60_000));
  });
});
