import { sql } from 'kysely';
import type { FieldValue, IsoInstant, Side } from '../rules/terms.js';
import type { Database } from './database.js';

/** A write that the target refused for good. */
export interface Rejection {
  readonly id: string;
  readonly linkId: number;
  readonly cycle: number;
  readonly side: Side;
  /** Null: the record as a whole. */
  readonly field: string | null;
  readonly code: string;
  readonly message: string;
  readonly value: FieldValue;
}

/** Rejections with one cause are counted together and mended together. */
const causeOf = ({ side, field, code }: Rejection): string => [side, field ?? '*', code].join(' ');

export const recordRejections = async (db: Database, rejections: readonly Rejection[]): Promise<void> => {
  if (rejections.length === 0) return;
  await db
    .insertInto('rejections')
    .values(
      rejections.map((rejection) => ({
        id: rejection.id,
        link_id: rejection.linkId,
        cycle: rejection.cycle,
        side: rejection.side,
        field: rejection.field,
        code: rejection.code,
        message: rejection.message,
        cause: causeOf(rejection),
        value: JSON.stringify(rejection.value),
      })),
    )
    .onConflict((oc) => oc.doNothing())
    .execute();
};

/** Open rejections of these links that no entry for a person's log was made of, for want of a person. */
export const untoldRejections = async (db: Database, linkIds: readonly number[]): Promise<Rejection[]> => {
  if (linkIds.length === 0) return [];
  const rows = await db
    .selectFrom('rejections')
    .selectAll()
    .where('link_id', 'in', linkIds)
    .where('closed_at', 'is', null)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('activity_entries')
            .select('id')
            .whereRef('activity_entries.id', '=', 'rejections.id'),
        ),
      ),
    )
    .execute();
  return rows.map(({ link_id, id, cycle, side, field, code, message, value }) => ({
    ...{ id, cycle, side, field, code, message, value },
    linkId: link_id,
  }));
};

/** What is still refused for these links. */
export const openRejections = async (
  db: Database,
  linkIds: readonly number[],
): Promise<(Rejection & { readonly at: IsoInstant })[]> => {
  if (linkIds.length === 0) return [];
  const rows = await db
    .selectFrom('rejections')
    .selectAll()
    .where('link_id', 'in', linkIds)
    .where('closed_at', 'is', null)
    .execute();
  return rows.map(({ link_id, id, cycle, side, field, code, message, value, at }) => ({
    ...{ id, cycle, side, field, code, message, value },
    linkId: link_id,
    at: at.toISOString(),
  }));
};

/** A value moved, so these refusals no longer hold. */
export const closeRejections = async (db: Database, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return;
  await db
    .updateTable('rejections')
    .set({ closed_at: sql`clock_timestamp()` })
    .where('id', 'in', ids)
    .where('closed_at', 'is', null)
    .execute();
};

/** An entry for a person's activity log in Marketo. */
export interface ActivityEntry {
  readonly id: string;
  readonly linkId: number | null;
  readonly marketoId: number;
  readonly type: 'refused' | 'syncPerson';
  readonly primaryValue: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly at: IsoInstant;
}

export const enqueueActivityEntries = async (
  db: Database,
  entries: readonly ActivityEntry[],
): Promise<void> => {
  if (entries.length === 0) return;
  await db
    .insertInto('activity_entries')
    .values(
      entries.map((entry) => ({
        id: entry.id,
        link_id: entry.linkId,
        marketo_id: entry.marketoId,
        type: entry.type,
        primary_value: entry.primaryValue,
        attributes: JSON.stringify(entry.attributes),
        at: entry.at,
      })),
    )
    .onConflict((oc) => oc.doNothing())
    .execute();
};

/** Dynamics' own words when it last refused to create a row for these persons, by person. */
export const lastRefusedCreations = async (
  db: Database,
  marketoIds: readonly number[],
): Promise<Map<number, string>> => {
  if (marketoIds.length === 0) return new Map();
  const { rows } = await sql<{ marketo_id: number; message: string }>`
    select distinct on (links.marketo_id) links.marketo_id, rejections.message
    from rejections join links on links.id = rejections.link_id
    where links.marketo_id in (${sql.join(marketoIds)}) and links.status = 'ended'
      and rejections.side = 'dynamics' and rejections.field is null
    order by links.marketo_id, rejections.at desc`.execute(db);
  return new Map(rows.map(({ marketo_id, message }) => [marketo_id, message]));
};
