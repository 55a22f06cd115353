import type { ColumnType } from 'kysely';

type Timestamp = ColumnType<Date, Date | string, Date | string>;

/** One row per remote: the pace of the calls to it. */
export interface BudgetsTable {
  remote: string;
  /** The theoretical arrival of the next call (rules/gcra.ts). */
  arrival: ColumnType<Date, Date | string | undefined, Date | string>;
  paused_until: Timestamp | null;
  /** The calls at the same time that the remote advised last. */
  parallelism: number | null;
}

/** One row per call that may run at the same time; free when nobody holds it or the lease has run out. */
export interface CallSlotsTable {
  remote: string;
  slot: number;
  holder: string | null;
  held_until: Timestamp | null;
}
