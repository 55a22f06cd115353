import { sql } from 'kysely';
import { withoutValues, type MassChange } from '../../rules/guard.js';
import type { Candidate, LinkStatus } from '../../rules/link.js';
import type { FieldNotice } from '../../rules/mapping.js';
import type { ScopeCause } from '../../rules/scope.js';
import type { IsoInstant, Kind, Side } from '../../rules/terms.js';
import { countBackfill } from '../../store/backfill.js';
import { readDayUse, type DayUse } from '../../store/budget-day.js';
import { lastCompletedCycle, type CycleRecord } from '../../store/cycles.js';
import type { Database } from '../../store/database.js';
import { openStop, type GuardDecision, type GuardStop } from '../../store/guard-stops.js';
import { installation } from '../../store/installations.js';
import { lastCompletedPass, openPass, type Pass } from '../../store/reconciliations.js';
import { countOutOfScope } from '../../store/scope.js';
import { swingingFields, type SwingingField } from '../../store/swings.js';

/** Open rejections with one cause. */
export interface OpenCause {
  readonly side: Side;
  /** Null: the record as a whole. */
  readonly field: string | null;
  readonly code: string;
  readonly count: number;
  readonly since: IsoInstant;
  /** False where metadata refuses it, without a call: that is judged again when it changes. */
  readonly probed: boolean;
  /** When one of them was last tried again, and when the next is due; null until a cycle has reckoned it. */
  readonly probedAt: IsoInstant | null;
  readonly probeDueAt: IsoInstant | null;
  /** Where to look at one of them. */
  readonly example: { readonly marketoId: number | null; readonly dynamicsId: string | null };
}

/** A row of Dynamics that cannot be matched, with the other candidates of its group. */
export interface AmbiguousLink {
  readonly kind: Kind;
  readonly marketoId: number | null;
  readonly dynamicsId: string | null;
  readonly candidates: readonly Candidate[];
}

/** What the guard on mass change holds back; `contact-sync guard` has values and examples. */
export interface StoppedStatus {
  readonly id: number;
  readonly since: IsoInstant;
  /** The first cycle that was stopped for it. */
  readonly cycle: number;
  readonly reasons: readonly MassChange[];
  /** Null until somebody decided; the next cycle carries it out. */
  readonly decision: GuardDecision | null;
}

/** Records that three completed cycles and more could not bring to rest: one that a gateway refuses, for example. */
export interface Stuck {
  readonly count: number;
  readonly examples: readonly {
    readonly kind: Kind;
    readonly marketoId: number | null;
    readonly dynamicsId: string | null;
    readonly since: IsoInstant;
  }[];
}

/** What the store knows, at one moment. */
export interface StoreStatus {
  /** Null before setup. */
  readonly installation: { readonly id: string; readonly name: string } | null;
  /** The last cycle that ran to its end. */
  readonly cycle: Omit<CycleRecord, 'outcome'> | null;
  /** Null unless cycles are stopped before they push. */
  readonly guard: StoppedStatus | null;
  /** Cycles that failed since then. */
  readonly failedSince: number;
  readonly links: Readonly<Partial<Record<LinkStatus, number>>>;
  /** Links that nothing is written to at present, and by which causes; held persons without a record count as held. */
  readonly outOfScope: Readonly<Record<ScopeCause | 'links', number>>;
  /** Links that the next cycle looks at. */
  readonly dirty: number;
  /** Field values under way to one side that have not settled yet. */
  readonly openWrites: number;
  readonly stuck: Stuck;
  readonly rejections: readonly OpenCause[];
  readonly ambiguous: { readonly groups: number; readonly examples: readonly AmbiguousLink[] };
  /** Fields that are set aside because both sides keep rewriting them. */
  readonly swinging: readonly SwingingField[];
  readonly notices: readonly (FieldNotice & { readonly since: IsoInstant })[];
  /** Marketo's daily quota and how much of it is used; null before the first call. */
  readonly marketoDay: DayUse | null;
  /** Entries that still have to be written to persons' activity logs. */
  readonly pendingEntries: number;
  /** Links with fields that the backfill lane is to read. */
  readonly toBackfill: number;
  /** Passes over all records: the last one that was completed, and the one that is open. */
  readonly reconciliation: { readonly last: Pass | null; readonly open: Pass | null };
}

/** As many causes and ambiguous records as people read; the counts are of all. */
const SHOWN = 20;

export const readStoreStatus = async (db: Database, name: string): Promise<StoreStatus> => {
  const [
    made,
    last,
    links,
    openWrites,
    stuck,
    rejections,
    ambiguous,
    swinging,
    notices,
    pendingEntries,
    day,
    stop,
    outOfScope,
    toBackfill,
    lastPass,
    openedPass,
  ] = await Promise.all([
    installation(db, name),
    lastCompletedCycle(db),
    countLinks(db),
    countOpenWrites(db),
    readStuck(db),
    openCauses(db),
    readAmbiguous(db),
    swingingFields(db, SHOWN),
    readNotices(db),
    countPendingEntries(db),
    readDayUse(db, 'marketo'),
    openStop(db),
    countOutOfScope(db),
    countBackfill(db),
    lastCompletedPass(db),
    openPass(db),
  ]);
  return {
    installation: made === undefined ? null : { id: made.id, name: made.name },
    cycle: last === undefined ? null : withoutOutcome(last),
    failedSince: await countFailed(db, last?.number ?? 0),
    ...links,
    outOfScope,
    openWrites,
    stuck,
    rejections,
    ambiguous,
    swinging,
    notices,
    guard: stop === undefined ? null : stoppedOf(stop),
    marketoDay: day ?? null,
    pendingEntries,
    toBackfill,
    reconciliation: { last: lastPass ?? null, open: openedPass ?? null },
  };
};

const stoppedOf = ({ id, raisedAt, firstCycle, reasons, decision }: GuardStop): StoppedStatus => ({
  ...{ id, decision, since: raisedAt, cycle: firstCycle },
  reasons: reasons.map(withoutValues),
});

const withoutOutcome = ({ number, startedAt, completedAt, counts }: CycleRecord): StoreStatus['cycle'] => ({
  number,
  startedAt,
  completedAt,
  counts,
});

const countFailed = async (db: Database, after: number): Promise<number> => {
  const found = db.selectFrom('cycles').select(({ fn }) => fn.countAll<number>().as('count'));
  const { count } = await found
    .where('outcome', '=', 'failed')
    .where('number', '>', after)
    .executeTakeFirstOrThrow();
  return count;
};

const countLinks = async (db: Database): Promise<Pick<StoreStatus, 'links' | 'dirty'>> => {
  const { rows } = await sql<{ status: LinkStatus; count: number; dirty: number }>`
    select status, count(*) as count, count(*) filter (where dirty) as dirty
    from links group by status order by status`.execute(db);
  return {
    links: Object.fromEntries(rows.map(({ status, count }) => [status, count])),
    dirty: rows.reduce((sum, row) => sum + row.dirty, 0),
  };
};

/** An open write has a time to be read back, or its link waits for that very read: no other link need be looked at. */
const countOpenWrites = async (db: Database): Promise<number> => {
  const { rows } = await sql<{ count: number }>`
    select coalesce(sum(jsonb_array_length(
      jsonb_path_query_array(writes, '$[*] ? (@.state == "sent" || @.state == "answered")'))), 0)::bigint as count
    from links where check_at is not null or reread_marketo or reread_dynamics`.execute(db);
  return rows[0]?.count ?? 0;
};

const openCauses = async (db: Database): Promise<OpenCause[]> => {
  const { rows } = await sql<{
    side: Side;
    field: string | null;
    code: string;
    count: number;
    since: Date;
    probed: boolean;
    probed_at: Date | null;
    due_at: Date | null;
    marketo_id: number | null;
    dynamics_id: string | null;
  }>`
    select cause.side, cause.field, cause.code, cause.count, cause.since,
      probes.cause is not null as probed, probed_at, due_at,
      links.marketo_id, links.dynamics_id
    from (
      select side, field, code, count(*) as count, min(at) as since, max(link_id) as link_id, max(cause) as name
      from rejections where closed_at is null group by side, field, code
    ) as cause join links on links.id = cause.link_id
    left join probes on probes.cause = cause.name
    order by cause.count desc, cause.since limit ${SHOWN}`.execute(db);
  return rows.map(
    ({ since, probed_at, due_at, marketo_id: marketoId, dynamics_id: dynamicsId, ...cause }) => ({
      ...cause,
      since: since.toISOString(),
      probedAt: probed_at?.toISOString() ?? null,
      probeDueAt: due_at?.toISOString() ?? null,
      example: { marketoId, dynamicsId },
    }),
  );
};

/** Completed cycles in which a record that is not stuck comes to rest, with all that may delay it. */
const CYCLES_TO_REST = 3;

const readStuck = async (db: Database): Promise<Stuck> => {
  const { rows } = await sql<{
    count: number;
    kind: Kind;
    marketo_id: number | null;
    dynamics_id: string | null;
    dirty_since: Date;
  }>`
    select count(*) over () as count, kind, marketo_id, dynamics_id, dirty_since from links
    where dirty and dirty_since < (
      select started_at from cycles where outcome = 'completed'
      order by number desc offset ${CYCLES_TO_REST - 1} limit 1)
    order by dirty_since, id limit ${SHOWN}`.execute(db);
  return {
    count: rows[0]?.count ?? 0,
    examples: rows.map(({ kind, marketo_id, dynamics_id, dirty_since }) => ({
      kind,
      marketoId: marketo_id,
      dynamicsId: dynamics_id,
      since: dirty_since.toISOString(),
    })),
  };
};

const readAmbiguous = async (db: Database): Promise<StoreStatus['ambiguous']> => {
  const { rows } = await sql<{ groups: number }>`
    select count(distinct coalesce(email_key, id::text)) as groups
    from links where status = 'ambiguous'`.execute(db);
  const examples = await db
    .selectFrom('links')
    .select(['kind', 'marketo_id', 'dynamics_id', 'candidates'])
    .where('status', '=', 'ambiguous')
    .orderBy('email_key')
    .orderBy('id')
    .limit(SHOWN)
    .execute();
  return {
    groups: rows[0]?.groups ?? 0,
    examples: examples.map(({ kind, marketo_id, dynamics_id, candidates }) => ({
      kind,
      marketoId: marketo_id,
      dynamicsId: dynamics_id,
      candidates: candidates ?? [],
    })),
  };
};

const readNotices = async (db: Database): Promise<StoreStatus['notices']> => {
  const { rows } = await sql<FieldNotice & { since: Date }>`
    select kind, field, code, message, since from field_notices order by kind, field`.execute(db);
  return rows.map((notice) => ({ ...notice, since: notice.since.toISOString() }));
};

const countPendingEntries = async (db: Database): Promise<number> => {
  const found = db.selectFrom('activity_entries').select(({ fn }) => fn.countAll<number>().as('count'));
  const { count } = await found.where('state', 'in', ['pending', 'sent']).executeTakeFirstOrThrow();
  return count;
};
