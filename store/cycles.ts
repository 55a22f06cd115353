import { sql } from 'kysely';
import type { IsoInstant } from '../rules/terms.js';
import type { Database } from './database.js';

export interface PlannedCycle {
  readonly number: number;
  /** When the last cycle ended, in milliseconds since the epoch; null before the first. */
  readonly lastEnded: number | null;
  /** When the cycle may start by the last one's own word (a used-up quota), in milliseconds since the epoch. */
  readonly notBefore: number | null;
}

/**
 * Takes the number of the next cycle. A cycle that was planned and never started is planned again; one that started and
 * was cut off ends as failed at its last sign of life.
 */
export const planCycle = (db: Database): Promise<PlannedCycle> =>
  db.transaction().execute(async (tx) => {
    await sql`lock table cycles in share row exclusive mode`.execute(tx);
    await sql`update cycles set outcome = 'failed', completed_at = coalesce(active_at, started_at)
      where started_at is not null and completed_at is null`.execute(tx);
    const last = await tx
      .selectFrom('cycles')
      .select(['number', 'completed_at', 'not_before'])
      .where('completed_at', 'is not', null)
      .orderBy('number', 'desc')
      .limit(1)
      .executeTakeFirst();
    const number = (last?.number ?? 0) + 1;
    await tx
      .insertInto('cycles')
      .values({ number })
      .onConflict((oc) => oc.doNothing())
      .execute();
    return {
      number,
      lastEnded: last?.completed_at?.getTime() ?? null,
      notBefore: last?.not_before?.getTime() ?? null,
    };
  });

/** A step of the cycle is at work: `at` is the workflow's clock, by which rests are counted. */
export const markActive = async (db: Database, number: number, at: IsoInstant): Promise<void> => {
  await sql`update cycles set started_at = coalesce(started_at, ${at}::timestamptz),
    active_at = greatest(active_at, ${at}::timestamptz) where number = ${number} and completed_at is null`.execute(
    db,
  );
};

export interface CycleEnd {
  readonly number: number;
  readonly at: IsoInstant;
  readonly outcome: 'completed' | 'failed';
  readonly counts: Readonly<Record<string, number>>;
  readonly notBefore: IsoInstant | null;
}

export const completeCycle = async (db: Database, end: CycleEnd): Promise<void> => {
  await db
    .updateTable('cycles')
    .set({
      completed_at: end.at,
      outcome: end.outcome,
      counts: JSON.stringify(end.counts),
      not_before: end.notBefore,
    })
    .where('number', '=', end.number)
    .where('completed_at', 'is', null)
    .execute();
};

export interface CycleRecord {
  readonly number: number;
  readonly startedAt: IsoInstant;
  readonly completedAt: IsoInstant;
  readonly outcome: 'completed' | 'failed';
  readonly counts: Readonly<Record<string, number>>;
}

/** The last cycle that ran to its end, or `undefined` before the first did. */
export const lastCompletedCycle = async (db: Database): Promise<CycleRecord | undefined> => {
  const row = await db
    .selectFrom('cycles')
    .selectAll()
    .where('outcome', '=', 'completed')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row?.started_at == null || row.completed_at == null) return undefined;
  return {
    number: row.number,
    startedAt: row.started_at.toISOString(),
    completedAt: row.completed_at.toISOString(),
    outcome: 'completed',
    counts: row.counts,
  };
};
