import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { GuardReason } from '../rules/guard.js';
import type { Link, LinkStatus } from '../rules/link.js';
import type { FieldValue, FieldValues, Kind, Side } from '../rules/terms.js';
import type { BudgetsTable, CallSlotsTable } from './schema-budgets.js';
import type { ChunkPersonsTable, ChunksTable } from './schema-chunks.js';

/** A timestamp column: read as Date, written as Date or ISO text. */
export type Timestamp = ColumnType<Date, Date | string, Date | string>;
/** The same, with a default: `Generated` does not nest. */
type DatedByDefault = ColumnType<Date, Date | string | undefined, Date | string>;
type Json<T> = ColumnType<T, string, string>;

export interface InstallationsTable {
  id: string;
  name: string;
  created_at: DatedByDefault;
  sync_user_id: string;
  organization_id: string;
  activity_types: JSONColumnType<{ refused: number; syncPerson: number }>;
  choices: Json<unknown>;
}

export interface CatalogsTable {
  name: string;
  content: Json<unknown>;
  read_at: Timestamp;
}

export interface CyclesTable {
  number: number;
  planned_at: DatedByDefault;
  started_at: Timestamp | null;
  active_at: Timestamp | null;
  completed_at: Timestamp | null;
  outcome: 'completed' | 'failed' | null;
  not_before: Timestamp | null;
  counts: ColumnType<Record<string, number>, string | undefined, string>;
}

export interface CursorsTable {
  stream: string;
  position: string;
  selection: string;
  mark: Timestamp;
  version: Generated<number>;
}

export interface HandledEntriesTable {
  guid: string;
  at: Timestamp;
}

export interface LinksTable {
  id: Generated<number>;
  version: Generated<number>;
  kind: Kind;
  status: LinkStatus;
  marketo_id: number | null;
  dynamics_id: string | null;
  email_key: string | null;
  dirty: Generated<boolean>;
  reread_marketo: Generated<boolean>;
  reread_dynamics: Generated<boolean>;
  backfill_marketo: Generated<boolean>;
  backfill_dynamics: Generated<boolean>;
  stamp: Json<FieldValues | null>;
  etag: string | null;
  agreed: Json<Link['agreed']>;
  seen: Json<Link['seen']>;
  writes: Json<Link['writes']>;
  overtaken: Json<Link['overtaken']>;
  parked: Json<Link['parked']>;
  causes: Json<Link['causes']>;
  creation: Json<Link['creation']>;
  candidates: Json<Link['candidates']>;
  successor: Json<Link['successor']>;
  predecessor: string | null;
  out_of_scope: Json<Link['outOfScope']>;
  ambiguity: Link['ambiguity'];
  decision: Json<Link['decision']>;
  check_at: Timestamp | null;
  dirty_since: Timestamp | null;
  claim_holder: string | null;
  claim_until: Timestamp | null;
  created_at: DatedByDefault;
  updated_at: DatedByDefault;
}

export interface HeldPersonsTable {
  marketo_id: number;
  since: Timestamp;
  held_by: string;
  note: string | null;
}

export interface LoadedRowsTable {
  /** Names the load: a kind for the cycle's own, or one of the backfill lane. */
  kind: string;
  dynamics_id: string;
}

export interface EmailClaimsTable {
  email_key: string;
  holder: string;
  held_until: Timestamp;
}

export interface RejectionsTable {
  id: string;
  link_id: number;
  cycle: number;
  side: Side;
  field: string | null;
  code: string;
  message: string;
  cause: string;
  value: Json<FieldValue>;
  at: DatedByDefault;
  closed_at: Timestamp | null;
  tried_at: Timestamp | null;
  on_trial: Generated<boolean>;
  passed: Generated<boolean>;
}

export interface ProbesTable {
  cause: string;
  due_at: Timestamp | null;
  probed_at: Timestamp | null;
  portion: Generated<number>;
}

export interface ActivityEntriesTable {
  id: string;
  link_id: number | null;
  marketo_id: number;
  type: 'refused' | 'syncPerson';
  primary_value: string;
  attributes: Json<Record<string, string>>;
  at: Timestamp;
  state: Generated<'pending' | 'sent' | 'logged' | 'abandoned'>;
  deadline: Timestamp | null;
  guid: string | null;
}

export interface LedgerTable {
  at: DatedByDefault;
  link_id: number;
  cycle: number;
  side: Side;
  decisions: Json<unknown>;
}

export interface FieldNoticesTable {
  kind: Kind;
  field: string;
  code: string;
  message: string;
  since: DatedByDefault;
}

export interface GuardStopsTable {
  id: Generated<number>;
  first_cycle: number;
  last_cycle: number;
  reasons: Json<readonly GuardReason[]>;
  raised_at: DatedByDefault;
  decision: 'go-on' | 'discard' | null;
  decided_at: Timestamp | null;
  note: string | null;
  through_cycle: number | null;
  outcome: 'went-on' | 'discarded' | 'passed' | 'outgrown' | 'switched-off' | null;
  closed_at: Timestamp | null;
}

export interface RequestsTable {
  id: string;
  marketo_id: number;
  campaign_id: string | null;
  sync_as: Kind;
  requested_at: Timestamp;
  outcome: string | null;
  kind: Kind | null;
  dynamics_id: string | null;
  reason: string | null;
  completed_at: Timestamp | null;
}

export interface ErasuresTable {
  id: Generated<number>;
  at: DatedByDefault;
  marketo_id: number | null;
  dynamics_id: string | null;
  counts: Json<Readonly<Record<string, number>>>;
}

export interface SelectedFieldsTable {
  kind: Kind;
  field: string;
  dynamics_column: string;
}

export interface ReconciliationsTable {
  id: Generated<number>;
  reason: 'schedule' | 'request' | 'outage';
  asked_at: Timestamp;
  started_at: Timestamp | null;
  completed_at: Timestamp | null;
  stage: ColumnType<PassStage, PassStage | undefined, PassStage>;
  after_link: Generated<number>;
  merges_read: Generated<boolean>;
  counts: ColumnType<Record<string, number>, string | undefined, string>;
}

/** What a pass is at: Marketo's side by link, then each table of Dynamics. */
export type PassStage = 'persons' | 'lead' | 'contact' | 'done';

export interface Schema {
  installations: InstallationsTable;
  catalogs: CatalogsTable;
  cycles: CyclesTable;
  cursors: CursorsTable;
  handled_entries: HandledEntriesTable;
  links: LinksTable;
  held_persons: HeldPersonsTable;
  loaded_rows: LoadedRowsTable;
  email_claims: EmailClaimsTable;
  rejections: RejectionsTable;
  probes: ProbesTable;
  activity_entries: ActivityEntriesTable;
  ledger: LedgerTable;
  field_notices: FieldNoticesTable;
  requests: RequestsTable;
  guard_stops: GuardStopsTable;
  erasures: ErasuresTable;
  budgets: BudgetsTable;
  call_slots: CallSlotsTable;
  selected_fields: SelectedFieldsTable;
  reconciliations: ReconciliationsTable;
  chunks: ChunksTable;
  chunk_persons: ChunkPersonsTable;
}
