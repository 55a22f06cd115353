import { sql } from 'kysely';
import { countDueEntries } from '../../store/activity-entries.js';
import { countBackfill } from '../../store/backfill.js';
import type { Database } from '../../store/database.js';
import { readCampaigns } from './campaigns.js';
import { summaryOf, whole, type EndedCycle } from './cycles.js';

/** What the store still has to do. */
export interface Unfinished {
  /** Links that the next cycle looks at. */
  readonly dirty: number;
  /** Links whose record is to be read again. */
  readonly rereads: number;
  /** Links with a write or a creation that has not settled. */
  readonly open: number;
  /** Links with fields that the backfill lane is to read. */
  readonly backfill: number;
  /** Entries for persons' activity logs. */
  readonly entries: number;
  /** Persons that campaigns asked for, and wait for. */
  readonly requests: number;
}

export const readUnfinished = async (db: Database): Promise<Unfinished> => {
  const { rows } = await sql<{ dirty: number; rereads: number; open: number }>`
    select count(*) filter (where dirty) as dirty,
      count(*) filter (where status = 'linked' and (reread_marketo or reread_dynamics)) as rereads,
      count(*) filter (where status <> 'ended' and (creation is not null or jsonb_path_exists(writes,
        '$[*] ? (@.state == "planned" || @.state == "sent" || @.state == "answered")'))) as open
    from links`.execute(db);
  const { dirty, rereads, open } = rows[0] ?? { dirty: 0, rereads: 0, open: 0 };
  const { waiting: requests } = await readCampaigns(db);
  const entries = await countDueEntries(db);
  return { dirty, rereads, open, backfill: await countBackfill(db), entries, requests };
};

/**
 * What still moves, in words; nothing when all is quiet.
 *
 * @param since when the last edit had ended, in milliseconds: only a cycle that started later has seen them all.
 */
export const stillMoving = (cycle: EndedCycle | null, store: Unfinished, since: number): string[] => {
  if (cycle === null || cycle.startedAt < since) return ['no cycle has started since the last edit'];
  if (cycle.outcome === 'failed') return [`cycle ${cycle.number} failed`];
  const { edits, collisions, written, created, linked, deferred, logged } = summaryOf(cycle.counts);
  const counted: readonly (readonly [number, string])[] = [
    [edits.marketo + edits.dynamics, 'edits found'],
    [collisions, 'collisions decided'],
    [written.marketo + written.dynamics, 'records written'],
    [created, 'records created'],
    [linked, 'links made'],
    [deferred, 'records left for the next cycle'],
    [logged, 'refusals logged'],
    [store.dirty, 'links to look at'],
    [store.rereads, 'records to read again'],
    [store.backfill, 'links with fields to be read'],
    [store.open, 'links with a write that has not settled'],
    [store.entries, 'activity log entries to write'],
    [store.requests, 'persons that campaigns wait for'],
  ];
  return counted.flatMap(([count, what]) => (count > 0 ? [`${whole(count)} ${what}`] : []));
};
