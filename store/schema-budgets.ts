import type { ColumnType, Generated } from 'kysely';

type Timestamp = ColumnType<Date, Date | string, Date | string>;

/** One row per remote: the pace of the calls to it. */
export interface BudgetsTable {
  remote: string;
  /** The theoretical arrival of the next call (rules/gcra.ts). */
  arrival: ColumnType<Date, Date | string | undefined, Date | string>;
  paused_until: Timestamp | null;
  /** When that pause was asked for. */
  paused_at: Timestamp | null;
  /** The calls at the same time that the remote advised last. */
  parallelism: number | null;
  /** The day that the counts below are of, by the zone of the daily quota; null before the first call. */
  day: string | null;
  /** Our calls of that day. */
  day_ours: Generated<number>;
  /** Calls of others that day, by the remote's last count: that count less our own calls before it was asked for. */
  day_others: Generated<number>;
  /** When the remote was last asked that day; null: not yet. */
  day_read_at: Timestamp | null;
  /** Code of the failure when the remote was last asked and did not tell. */
  day_unread: string | null;
  /** The daily quota by the configuration of the process that started last. */
  day_quota: number | null;
}

/** One row per call that may run at the same time; free when nobody holds it or the lease has run out. */
export interface CallSlotsTable {
  remote: string;
  slot: number;
  holder: string | null;
  held_until: Timestamp | null;
  /** When the lease began. */
  held_from: Timestamp | null;
}
