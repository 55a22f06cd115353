import { sql } from 'kysely';
import type { Decision } from '../rules/plan.js';
import type { Side } from '../rules/terms.js';
import type { Database } from './database.js';

export interface LedgerLine {
  readonly linkId: number;
  readonly cycle: number;
  /** The side that the decisions write to. */
  readonly side: Side;
  readonly decisions: readonly Decision[];
}

export const writeLedger = async (db: Database, lines: readonly LedgerLine[]): Promise<void> => {
  if (lines.length === 0) return;
  await db
    .insertInto('ledger')
    .values(
      lines.map((line) => ({
        link_id: line.linkId,
        cycle: line.cycle,
        side: line.side,
        decisions: JSON.stringify(line.decisions),
      })),
    )
    .execute();
};

/**
 * Makes the ledger's partition of this month and the next, and drops those older than the retention.
 *
 * @param retentionMonths whole months that are kept besides the current one.
 */
export const rotateLedger = async (db: Database, retentionMonths: number): Promise<void> => {
  const now = new Date();
  for (const offset of [0, 1]) {
    const start = monthStart(now, offset);
    const end = monthStart(now, offset + 1);
    await sql
      .raw(
        `create table if not exists ${partitionName(start)} partition of ledger
         for values from ('${start.toISOString()}') to ('${end.toISOString()}')`,
      )
      .execute(db);
  }
  const oldest = partitionName(monthStart(now, -retentionMonths));
  const { rows } = await sql<{ name: string }>`
    select relid::regclass::text as name from pg_partition_tree('ledger') where isleaf and relid::regclass::text < ${oldest}
  `.execute(db);
  for (const { name } of rows) await sql`drop table if exists ${sql.table(name)}`.execute(db);
};

const monthStart = (now: Date, offset: number): Date =>
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1));

const partitionName = (start: Date): string =>
  `ledger_${String(start.getUTCFullYear())}_${String(start.getUTCMonth() + 1).padStart(2, '0')}`;
