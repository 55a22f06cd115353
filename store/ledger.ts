import { sql } from 'kysely';
import type { BySide, Rule } from '../rules/link.js';
import type { LostEdits } from '../rules/lost-edits.js';
import type { Decision } from '../rules/plan.js';
import type { FieldValue, IsoInstant, Side } from '../rules/terms.js';
import type { Database } from './database.js';

interface Discarded {
  /** The stop of the guard by which people gave this up: nothing was written. */
  readonly discarded?: number;
}

export interface LedgerLine {
  readonly linkId: number;
  readonly cycle: number;
  /** The side that the decisions write to. */
  readonly side: Side;
  readonly decisions: readonly (Decision & Discarded)[];
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
        decisions: JSON.stringify(line.decisions.map(recorded)),
      })),
    )
    .execute();
};

/** A decision as the ledger keeps it. */
export interface LedgerDecision extends Discarded {
  readonly field: string;
  readonly rule: Rule;
  readonly winner: Side;
  readonly candidates: BySide<FieldValue>;
  readonly base?: BySide<FieldValue>;
  /** The side whose edit was given up for the other's. */
  readonly loser?: Side;
  /** Its values were struck out, because the person was erased. */
  readonly erased?: true;
}

/** As it is stored: of the base only the sides that were edited since, the other one is among the candidates. */
type StoredDecision = Omit<LedgerDecision, 'base'> & { readonly base?: Partial<BySide<FieldValue>> };

/** No value is kept twice: those of winner and loser are among the candidates. */
const recorded = (decision: Decision & Discarded): StoredDecision => {
  const { field, rule, winner, candidates, base, loser, discarded } = decision;
  return {
    ...{ field, rule, winner, candidates },
    ...(base !== undefined && { base: editedSince(base, candidates) }),
    ...(loser !== undefined && { loser: loser.side }),
    ...(discarded !== undefined && { discarded }),
  };
};

const editedSince = (
  base: BySide<FieldValue>,
  candidates: BySide<FieldValue>,
): Partial<BySide<FieldValue>> => ({
  ...(base.marketo !== candidates.marketo && { marketo: base.marketo }),
  ...(base.dynamics !== candidates.dynamics && { dynamics: base.dynamics }),
});

const whole = ({ base, ...decision }: StoredDecision): LedgerDecision =>
  base === undefined ? decision : { ...decision, base: { ...decision.candidates, ...base } };

/** Edits that were lost with their record, as a line keeps them. */
export const recordedEdits = ({
  side,
  decisions,
}: LostEdits): { readonly side: Side; readonly decisions: readonly StoredDecision[] } => ({
  side,
  decisions: decisions.map(recorded),
});

export interface LedgerRecord extends LedgerDecision {
  readonly linkId: number;
  readonly cycle: number;
  readonly at: IsoInstant;
}

/**
 * What was decided for fields of these links, newest first, as far as the ledger reaches back; a decision that was
 * written to both sides comes once.
 *
 * @param most how many of a link's lines are looked at.
 */
export const decisionsOf = async (
  db: Database,
  linkIds: readonly number[],
  most: number,
): Promise<LedgerRecord[]> => {
  if (linkIds.length === 0) return [];
  const lines = await db
    .selectFrom('ledger')
    .select(['link_id', 'cycle', 'at', 'decisions'])
    .where('link_id', 'in', linkIds)
    .orderBy('at', 'desc')
    .limit(most)
    .execute();
  const seen = new Set<string>();
  return lines.flatMap(({ link_id: linkId, cycle, at, decisions }) =>
    (decisions as StoredDecision[]).map(whole).flatMap((decision) => {
      const key = JSON.stringify([linkId, cycle, decision]);
      if (seen.has(key)) return [];
      seen.add(key);
      return [{ ...decision, linkId, cycle, at: at.toISOString() }];
    }),
  );
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
