import { sql, type Selectable } from 'kysely';
import type { GuardReason } from '../rules/guard.js';
import type { IsoInstant } from '../rules/terms.js';
import type { Database } from './database.js';
import { countUnderWay } from './guard-counts.js';
import type { GuardStopsTable } from './schema.js';

export type GuardDecision = 'go-on' | 'discard';

/**
 * How a stop ended.
 *
 * - `went-on`: people let the change through, and a cycle did
 * - `discarded`: people gave the change up
 * - `passed`: the change fell below the thresholds by itself
 * - `outgrown`: more came than people had let through; another stop took its place
 * - `switched-off`: the guard was
 */
export type StopOutcome = NonNullable<GuardStopsTable['outcome']>;

/** One time that the guard on mass change stopped cycles, from the first to the last that was. */
export interface GuardStop {
  readonly id: number;
  readonly firstCycle: number;
  readonly lastCycle: number;
  readonly reasons: readonly GuardReason[];
  readonly raisedAt: IsoInstant;
  readonly decision: GuardDecision | null;
  readonly decidedAt: IsoInstant | null;
  readonly note: string | null;
  /** The cycle that lets the change through; null until one does. */
  readonly throughCycle: number | null;
  readonly outcome: StopOutcome | null;
  readonly closedAt: IsoInstant | null;
}

const stopOf = (row: Selectable<GuardStopsTable>): GuardStop => ({
  id: row.id,
  firstCycle: row.first_cycle,
  lastCycle: row.last_cycle,
  reasons: row.reasons,
  raisedAt: row.raised_at.toISOString(),
  decision: row.decision,
  decidedAt: row.decided_at?.toISOString() ?? null,
  note: row.note,
  throughCycle: row.through_cycle,
  outcome: row.outcome,
  closedAt: row.closed_at?.toISOString() ?? null,
});

/** The newest stop, open or not. */
export const lastStop = async (db: Database): Promise<GuardStop | undefined> => {
  const row = await db
    .selectFrom('guard_stops')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && stopOf(row);
};

/** The stop that holds cycles now; there is one at most. */
export const openStop = async (db: Database): Promise<GuardStop | undefined> => {
  const row = await db
    .selectFrom('guard_stops')
    .selectAll()
    .where('closed_at', 'is', null)
    .executeTakeFirst();
  return row && stopOf(row);
};

/** Raises a stop, unless another worker has just raised it. */
export const raiseStop = async (
  db: Database,
  cycle: number,
  reasons: readonly GuardReason[],
): Promise<void> => {
  await db
    .insertInto('guard_stops')
    .values({ first_cycle: cycle, last_cycle: cycle, reasons: JSON.stringify(reasons) })
    .onConflict((oc) => oc.doNothing())
    .execute();
};

/** A later cycle was stopped too. What people have decided on stays as they saw it. */
export const renewStop = async (
  db: Database,
  id: number,
  cycle: number,
  reasons: readonly GuardReason[],
): Promise<void> => {
  await db
    .updateTable('guard_stops')
    .set({ last_cycle: cycle, reasons: JSON.stringify(reasons) })
    .where('id', '=', id)
    .where('closed_at', 'is', null)
    .where('decision', 'is', null)
    .execute();
};

/**
 * Notes a decision, or replaces an earlier one: for what a cycle has not carried out by then.
 *
 * @returns false if the stop has ended.
 */
export const decideStop = async (
  db: Database,
  id: number,
  decision: GuardDecision,
  note: string | null,
): Promise<boolean> => {
  const { numUpdatedRows } = await db
    .updateTable('guard_stops')
    .set({ decision, note, decided_at: sql<Date>`clock_timestamp()`, through_cycle: null })
    .where('id', '=', id)
    .where('closed_at', 'is', null)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
};

/** True if this is still what people decided on an open stop; it stays so until the transaction ends. */
export const holdDecision = async (db: Database, { id, decision }: GuardStop): Promise<boolean> => {
  const row = await db
    .selectFrom('guard_stops')
    .select('decision')
    .where('id', '=', id)
    .where('closed_at', 'is', null)
    .forShare()
    .executeTakeFirst();
  if (row === undefined) return false;
  return row.decision === decision;
};

/** This cycle lets the change through; false if people have decided otherwise meanwhile. */
export const letThrough = async (db: Database, id: number, cycle: number): Promise<boolean> => {
  const { numUpdatedRows } = await db
    .updateTable('guard_stops')
    .set({ through_cycle: cycle })
    .where('id', '=', id)
    .where('closed_at', 'is', null)
    .where('decision', '=', 'go-on')
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
};

/**
 * The cycle that let the change through has ended. Unless as much of it is still planned or in doubt as would stop a cycle
 * again (a worker died, a remote did not answer), the guard watches again.
 *
 * @param atLeast fewer changes than this stop nothing.
 */
export const endThrough = async (db: Database, cycle: number, atLeast: number): Promise<void> => {
  const stop = await openStop(db);
  if (stop?.throughCycle !== cycle || (await countUnderWay(db)) >= atLeast) return;
  await db
    .updateTable('guard_stops')
    .set({ outcome: 'went-on', closed_at: sql<Date>`clock_timestamp()`, last_cycle: cycle })
    .where('closed_at', 'is', null)
    .where('through_cycle', '=', cycle)
    .execute();
};

/** Closes a stop, if what people decided is still what it was. */
export const closeStop = async (
  db: Database,
  { id, decision }: GuardStop,
  outcome: StopOutcome,
): Promise<boolean> => {
  const { numUpdatedRows } = await db
    .updateTable('guard_stops')
    .set({ outcome, closed_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .where('closed_at', 'is', null)
    .where('decision', 'is not distinct from', decision)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
};
