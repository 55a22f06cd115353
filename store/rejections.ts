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
  /** Metadata refused it, without a call. */
  readonly local?: boolean;
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
  const causes = new Set(rejections.filter(({ local }) => local !== true).map(causeOf));
  if (causes.size === 0) return;
  await db
    .insertInto('probes')
    // In one order, so that two who refuse at the same moment do not wait for each other.
    .values([...causes].sort().map((cause) => ({ cause })))
    .onConflict((oc) => oc.doNothing())
    .execute();
};

/** These were tried again and refused as before: they stand as they stood. */
export const returnTried = async (db: Database, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return;
  await db.updateTable('rejections').set({ on_trial: false }).where('id', 'in', ids).execute();
};

/** What these links had on trial and no more was replaced by other refusals: it did not pass. */
export const replaceTried = async (db: Database, linkIds: readonly number[]): Promise<void> => {
  if (linkIds.length === 0) return;
  await db
    .updateTable('rejections')
    .set({ passed: false })
    .where('link_id', 'in', linkIds)
    .where('passed', '=', true)
    // Closed in this transaction.
    .where('closed_at', '>=', sql<Date>`now()`)
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

/**
 * These refusals no longer hold, because a value moved or the record is another one. The store closes by itself whatever
 * is parked no more (migration 0006); this says besides that no trial has passed.
 */
export const closeRejections = async (db: Database, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return;
  await db
    .updateTable('rejections')
    .set({ closed_at: sql`coalesce(closed_at, clock_timestamp())`, on_trial: false, passed: false })
    .where('id', 'in', ids)
    .where((eb) => eb.or([eb('closed_at', 'is', null), eb('passed', '=', true)]))
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
