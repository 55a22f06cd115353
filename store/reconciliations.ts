import { sql, type Selectable } from 'kysely';
import type { IsoInstant } from '../rules/terms.js';
import type { Database } from './database.js';
import type { PassStage, ReconciliationsTable } from './schema.js';

export type PassReason = ReconciliationsTable['reason'];

/** One pass over everything: how far it came, and what it found. */
export interface Pass {
  readonly id: number;
  readonly reason: PassReason;
  readonly askedAt: IsoInstant;
  readonly startedAt: IsoInstant | null;
  readonly completedAt: IsoInstant | null;
  readonly stage: PassStage;
  /** The last link whose person was read. */
  readonly afterLink: number;
  readonly mergesRead: boolean;
  /** `persons`, `rows`, `unknownRows`, `missingRows`, …; `drift.<side>.<field>`. Zeros are left out. */
  readonly counts: Readonly<Record<string, number>>;
}

const passOf = (row: Selectable<ReconciliationsTable>): Pass => ({
  id: row.id,
  reason: row.reason,
  askedAt: row.asked_at.toISOString(),
  startedAt: row.started_at?.toISOString() ?? null,
  completedAt: row.completed_at?.toISOString() ?? null,
  stage: row.stage,
  afterLink: row.after_link,
  mergesRead: row.merges_read,
  counts: row.counts,
});

/** The pass that is under way, or asked for and not begun. */
export const openPass = async (db: Database): Promise<Pass | undefined> => {
  const row = await db
    .selectFrom('reconciliations')
    .selectAll()
    .where('completed_at', 'is', null)
    .executeTakeFirst();
  return row && passOf(row);
};

export const passById = async (db: Database, id: number): Promise<Pass | undefined> => {
  const row = await db.selectFrom('reconciliations').selectAll().where('id', '=', id).executeTakeFirst();
  return row && passOf(row);
};

export const lastCompletedPass = async (db: Database): Promise<Pass | undefined> => {
  const row = await db
    .selectFrom('reconciliations')
    .selectAll()
    .where('completed_at', 'is not', null)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && passOf(row);
};

/**
 * Asks for a pass. One that is open already serves a request; after an outage it looks at every person again, because those
 * that it had seen before may be gone by now.
 *
 * @returns false if a pass was open already.
 */
export const askForPass = async (db: Database, reason: PassReason, at: IsoInstant): Promise<boolean> => {
  const inserted = await db
    .insertInto('reconciliations')
    .values({ reason, asked_at: at })
    .onConflict((oc) => oc.doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows === 1n) return true;
  if (reason === 'outage')
    await sql`update reconciliations set reason = 'outage', stage = 'persons', after_link = 0
      where completed_at is null and not (reason = 'outage' and stage = 'persons' and after_link = 0)`.execute(
      db,
    );
  return false;
};

export const startPass = async (db: Database, id: number, at: IsoInstant): Promise<void> => {
  await sql`update reconciliations set started_at = ${at} where id = ${id} and started_at is null`.execute(
    db,
  );
};

/** What one step of a pass found, and where it stands now. */
export interface PassStep {
  readonly stage?: PassStage;
  readonly afterLink?: number;
  readonly mergesRead?: true;
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * Notes a step by compare-and-set on where the pass stood, so that no step is counted twice.
 *
 * @returns false if somebody else moved the pass meanwhile.
 */
export const notePass = async (
  db: Database,
  from: Pass,
  step: PassStep,
  at: IsoInstant,
): Promise<boolean> => {
  const stage = step.stage ?? from.stage;
  const updated = await db
    .updateTable('reconciliations')
    .set({
      stage,
      after_link: step.afterLink ?? from.afterLink,
      merges_read: step.mergesRead ?? from.mergesRead,
      counts: JSON.stringify(added(from.counts, step.counts)),
      completed_at: stage === 'done' ? at : null,
    })
    .where('id', '=', from.id)
    .where('stage', '=', from.stage)
    .where('after_link', '=', from.afterLink)
    .where('completed_at', 'is', null)
    .executeTakeFirst();
  return updated.numUpdatedRows === 1n;
};

/** Both counts together; what is zero is left out. */
export const added = (
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> => {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) if (count !== 0) sum[name] = (sum[name] ?? 0) + count;
  return sum;
};
