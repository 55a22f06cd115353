import { randomUUID } from 'node:crypto';
import { sql, type RawBuilder } from 'kysely';
import {
  dailyCeiling,
  sharedConcurrency,
  slotCeiling,
  unadvisedParallelism,
  type CallLimits,
} from '../rules/call-limits.js';
import { gcraOf, gcraSpans } from '../rules/gcra.js';
import type { Lane, Side } from '../rules/terms.js';
import { dayOf, isOver } from './budget-day.js';
import type { Database } from './database.js';

/** The right to run one call. */
export interface Lease {
  readonly slot: number;
  readonly holder: string;
}

export type Answer =
  | { readonly lease: Lease }
  /** No room in the rate, or the remote is paused: there may be some in `waitMs`. */
  | { readonly lease: undefined; readonly lack: 'rate'; readonly waitMs: number }
  /** As many calls as may run at the same time do. */
  | { readonly lease: undefined; readonly lack: 'slot' }
  /** The day's quota is used as far as this lane may: nothing more before `at` belongs to another day. */
  | { readonly lease: undefined; readonly lack: 'quota'; readonly used: number; readonly at: Date };

export interface BudgetStatements {
  /** Takes a call from the day, from the rate and a slot, all or none, in one statement. */
  acquire(lane: Lane, deadlineMs: number): Promise<Answer>;
  /** Gives the slot back, unless the lease ran out and somebody else holds it now. */
  release(lease: Lease): Promise<void>;
  pause(durationMs: number): Promise<void>;
  advise(parallelism: number): Promise<void>;
}

interface AcquireRow {
  slot: number | null;
  wait_ms: number;
  parallelism: number | null;
  used: number;
  spent: boolean;
  at: Date;
}

/** An end that is no further ahead of the clock than it was when it was set: the clock may have been set back since. */
const cut = (until: string, from: string, at: string): RawBuilder<unknown> =>
  sql.raw(`least(${until}, ${at} + (${until} - ${from}))`);

const micros = (count: number): RawBuilder<unknown> => sql`(${count}::float8 * interval '1 microsecond')`;

/**
 * The SQL of one remote's budget. Times are the database's, so that all processes agree.
 *
 * @param now replaces the database's clock, for tests.
 */
export const budgetStatements = (
  db: Database,
  remote: Side,
  limits: CallLimits,
  now?: () => Date,
): BudgetStatements => {
  const at = (): RawBuilder<unknown> =>
    now === undefined ? sql`clock_timestamp()` : sql`${now()}::timestamptz`;
  const acquireOnce = async (
    lane: Lane,
    deadlineMs: number,
    holder: string,
  ): Promise<AcquireRow | undefined> =>
    (await acquireSql(remote, limits, { lane, deadlineMs, holder, at: at() }).execute(db)).rows[0];

  /** The advice in force, as the last statement showed it. */
  let advised: number | null | undefined;
  let provisioned: Promise<void> | undefined;
  const provision = (): Promise<void> => {
    provisioned ??= insertRows(db, remote, limits).catch((error: unknown) => {
      provisioned = undefined;
      throw error;
    });
    return provisioned;
  };

  return {
    acquire: async (lane, deadlineMs) => {
      const holder = randomUUID();
      await provision();
      const row = await acquireOnce(lane, deadlineMs, holder);
      if (row === undefined) throw new Error(`the budget of ${remote} is gone from the store`);
      advised = row.parallelism;
      if (row.slot !== null) return { lease: { slot: row.slot, holder } };
      if (row.spent) return { lease: undefined, lack: 'quota', used: row.used, at: row.at };
      if (row.wait_ms > 0) return { lease: undefined, lack: 'rate', waitMs: row.wait_ms };
      return { lease: undefined, lack: 'slot' };
    },
    release: async ({ slot, holder }) => {
      await db
        .updateTable('call_slots')
        .set({ holder: null, held_until: null, held_from: null })
        .where('remote', '=', remote)
        .where('slot', '=', slot)
        .where('holder', '=', holder)
        .execute();
    },
    pause: async (durationMs) => {
      await provision();
      await sql`
        update budgets set paused_at = clock.at, paused_until = clock.at + ${micros(durationMs * 1_000)}
        from (select ${at()} as at) as clock
        where remote = ${remote}
          and ${cut('paused_until', 'paused_at', 'clock.at')} is distinct from greatest(
            ${cut('paused_until', 'paused_at', 'clock.at')}, clock.at + ${micros(durationMs * 1_000)})`.execute(
        db,
      );
    },
    advise: async (parallelism) => {
      // Every answer of the remote carries its advice: only a change is worth a statement.
      if (parallelism === advised) return;
      await provision();
      await db.updateTable('budgets').set({ parallelism }).where('remote', '=', remote).execute();
      advised = parallelism;
    },
  };
};

const insertRows = async (db: Database, remote: Side, limits: CallLimits): Promise<void> => {
  const quota = limits.daily?.calls ?? null;
  await sql`
    insert into budgets (remote, day_quota) values (${remote}, ${quota})
    on conflict (remote) do update set day_quota = excluded.day_quota
    where budgets.day_quota is distinct from excluded.day_quota`.execute(db);
  await sql`
    insert into call_slots (remote, slot)
    select ${remote}, slot from generate_series(0, ${sharedConcurrency(limits) - 1}::integer) as slot
    on conflict do nothing`.execute(db);
};

interface AcquireArguments {
  readonly lane: Lane;
  readonly deadlineMs: number;
  readonly holder: string;
  readonly at: RawBuilder<unknown>;
}

/**
 * Whatever is further ahead than it was when it was set is cut, and kept so: the clock was set back. A lease that has run
 * out is no longer ahead, so that none is cut and taken in one statement.
 *
 * The lock on the budget's row comes first and the clock is read behind it, so that grants are in the order of their
 * times. A lane's ceiling is a slot *number*, not a count: the statement's snapshot is older than the lock, so a count
 * could be stale, while `for update` looks at each slot as it is now.
 */
const acquireSql = (remote: Side, limits: CallLimits, call: AcquireArguments): RawBuilder<AcquireRow> => {
  const gcra = gcraOf(limits);
  const { horizon, tolerance } = gcraSpans(gcra, call.lane);
  const most = sharedConcurrency(limits);
  const ceilings = Array.from({ length: most }, (_, index) => slotCeiling(limits, call.lane, index + 1));
  // From above, where no other lane may go, so that on-demand leaves the cycle's slots to the cycle.
  const order = call.lane === 'on-demand' ? sql`desc` : sql`asc`;
  const lasts = limits.daily === undefined ? Number.POSITIVE_INFINITY : dailyCeiling(limits.daily, call.lane);
  return sql<AcquireRow>`
    with budget as materialized (
      select arrival, paused_until, paused_at, parallelism, day, day_ours, day_others, day_read_at
      from budgets where remote = ${remote} for update
    ), moment as materialized (
      select budget.*, ${call.at} as at from budget
    ), bounded as materialized (
      select moment.*, least(arrival, at + ${micros(horizon)}) as bounded_arrival,
        ${cut('paused_until', 'paused_at', 'at')} as bounded_pause, ${dayOf(sql`at`)} as today
      from moment
    ), dated as materialized (
      select bounded.*, ${isOver(sql`today`)} as ended from bounded
    ), counted as materialized (
      select at, arrival, bounded_arrival, paused_until, bounded_pause, paused_at, parallelism,
        case when ended then today else day end as day, case when ended then 0 else day_ours end as day_ours,
        case when ended then 0 else day_others end as day_others,
        case when ended then null else day_read_at end as day_read_at
      from dated
    ), verdict as materialized (
      select at, arrival, bounded_arrival, paused_until, bounded_pause, paused_at, parallelism,
        day, day_ours, day_others, day_read_at,
        day_ours + day_others as used,
        day_ours + day_others >= ${lasts}::float8 as spent,
        greatest(bounded_arrival - ${micros(tolerance)}, bounded_pause) as allowed_at,
        greatest(bounded_arrival, at) + ${micros(gcra.intervalMicros)} as next_arrival,
        (${ceilings}::integer[])[least(coalesce(parallelism, ${unadvisedParallelism(limits)}::integer), ${most}::integer)]
          as ceiling
      from counted
    ), shortened as (
      update call_slots set held_until = verdict.at + (held_until - held_from), held_from = verdict.at
      from verdict where call_slots.remote = ${remote} and call_slots.held_from > verdict.at
    ), free as materialized (
      select call_slots.slot from call_slots, verdict
      where call_slots.remote = ${remote} and call_slots.slot < verdict.ceiling
        and (call_slots.held_until is null or call_slots.held_until <= verdict.at)
        and verdict.allowed_at <= verdict.at and not verdict.spent
      order by call_slots.slot ${order} limit 1
      for update of call_slots skip locked
    ), taken as (
      update call_slots
      set holder = ${call.holder}::uuid, held_until = verdict.at + ${micros(call.deadlineMs * 1_000)},
        held_from = verdict.at
      from free, verdict
      where call_slots.remote = ${remote} and call_slots.slot = free.slot
      returning call_slots.slot
    ), moved as (
      update budgets set arrival = case when taken.slot is null then bounded_arrival else next_arrival end,
        day = verdict.day, day_ours = verdict.day_ours + case when taken.slot is null then 0 else 1 end,
        day_others = verdict.day_others, day_read_at = verdict.day_read_at, paused_until = verdict.bounded_pause,
        paused_at = least(verdict.paused_at, verdict.at)
      from verdict left join taken on true
      where budgets.remote = ${remote} and (
        taken.slot is not null or bounded_arrival < verdict.arrival or bounded_pause < verdict.paused_until)
    )
    select taken.slot, verdict.parallelism, verdict.used, verdict.spent, verdict.at,
      ceil(greatest(0, extract(epoch from (verdict.allowed_at - verdict.at))) * 1000)::float8 as wait_ms
    from verdict left join taken on true`;
};
