import { randomUUID } from 'node:crypto';
import { sql, type RawBuilder } from 'kysely';
import {
  sharedConcurrency,
  slotCeiling,
  unadvisedParallelism,
  type CallLimits,
} from '../rules/call-limits.js';
import { gcraOf, gcraSpans } from '../rules/gcra.js';
import type { Lane, Side } from '../rules/terms.js';
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
  | { readonly lease: undefined; readonly lack: 'slot' };

export interface BudgetStatements {
  /** Takes a call from the rate and a slot, both or neither, in one statement. */
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
}

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
      if (row.wait_ms > 0) return { lease: undefined, lack: 'rate', waitMs: row.wait_ms };
      return { lease: undefined, lack: 'slot' };
    },
    release: async ({ slot, holder }) => {
      await db
        .updateTable('call_slots')
        .set({ holder: null, held_until: null })
        .where('remote', '=', remote)
        .where('slot', '=', slot)
        .where('holder', '=', holder)
        .execute();
    },
    pause: async (durationMs) => {
      await provision();
      await sql`
        update budgets set paused_until = greatest(paused_until, ${at()} + ${micros(durationMs * 1_000)})
        where remote = ${remote}`.execute(db);
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
  await sql`insert into budgets (remote) values (${remote}) on conflict do nothing`.execute(db);
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
  return sql<AcquireRow>`
    with budget as materialized (
      select arrival, paused_until, parallelism from budgets where remote = ${remote} for update
    ), moment as materialized (
      select budget.*, ${call.at} as at from budget
    ), bounded as materialized (
      select moment.*, least(arrival, at + ${micros(horizon)}) as bounded_arrival from moment
    ), verdict as materialized (
      select at, parallelism,
        greatest(bounded_arrival - ${micros(tolerance)}, paused_until) as allowed_at,
        greatest(bounded_arrival, at) + ${micros(gcra.intervalMicros)} as next_arrival,
        (${ceilings}::integer[])[least(coalesce(parallelism, ${unadvisedParallelism(limits)}::integer), ${most}::integer)]
          as ceiling
      from bounded
    ), free as materialized (
      select call_slots.slot from call_slots, verdict
      where call_slots.remote = ${remote} and call_slots.slot < verdict.ceiling
        and (call_slots.held_until is null or call_slots.held_until <= verdict.at)
        and verdict.allowed_at <= verdict.at
      order by call_slots.slot ${order} limit 1
      for update of call_slots skip locked
    ), taken as (
      update call_slots
      set holder = ${call.holder}::uuid, held_until = verdict.at + ${micros(call.deadlineMs * 1_000)}
      from free, verdict
      where call_slots.remote = ${remote} and call_slots.slot = free.slot
      returning call_slots.slot
    ), moved as (
      update budgets set arrival = verdict.next_arrival from verdict
      where budgets.remote = ${remote} and exists (select from taken)
    )
    select taken.slot, verdict.parallelism,
      ceil(greatest(0, extract(epoch from (verdict.allowed_at - verdict.at))) * 1000)::float8 as wait_ms
    from verdict left join taken on true`;
};
