import type { ColumnType, Generated } from 'kysely';
import type { Kind } from '../rules/terms.js';

type Moment = ColumnType<Date, Date | string, Date | string>;

export interface ChunksTable {
  key: string;
  source: 'flow-step' | 'webhook';
  campaign_id: string | null;
  real_time: boolean;
  munchkin_id: string | null;
  secrets: string | null;
  received_at: ColumnType<Date, Date | string | undefined, Date | string>;
  started_at: Moment | null;
  due_at: Moment | null;
  last_at: Moment;
  callback: 'none' | 'open' | 'accepted' | 'refused' | 'expired';
  callback_code: string | null;
  callback_attempts: Generated<number>;
  callback_deadline: Moment | null;
  callback_in_doubt: Generated<boolean>;
  closed_at: Moment | null;
}

export interface ChunkPersonsTable {
  chunk_key: string;
  marketo_id: number;
  request_id: string;
  sync_as: Kind;
  owner_id: string | null;
  owner_type: 'systemuser' | 'team' | null;
  outcome: string | null;
  kind: Kind | null;
  dynamics_id: string | null;
  code: string | null;
  recorded: Generated<boolean>;
}
