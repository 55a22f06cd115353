import type { ColumnType, Generated, JSONColumnType } from 'kysely';
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
  check_at: Timestamp | null;
  claim_holder: string | null;
  claim_until: Timestamp | null;
  created_at: DatedByDefault;
  updated_at: DatedByDefault;
}

export interface LoadedRowsTable {
  kind: Kind;
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

export interface Schema {
  installations: InstallationsTable;
  catalogs: CatalogsTable;
  cycles: CyclesTable;
  cursors: CursorsTable;
  handled_entries: HandledEntriesTable;
  links: LinksTable;
  loaded_rows: LoadedRowsTable;
  email_claims: EmailClaimsTable;
  rejections: RejectionsTable;
  activity_entries: ActivityEntriesTable;
  ledger: LedgerTable;
  field_notices: FieldNoticesTable;
  requests: RequestsTable;
  budgets: BudgetsTable;
  call_slots: CallSlotsTable;
  chunks: ChunksTable;
  chunk_persons: ChunkPersonsTable;
}
