import { sql } from 'kysely';
import type { ScopeCause } from '../rules/scope.js';
import type { IsoInstant } from '../rules/terms.js';
import type { Database } from './database.js';

/** Has every linked person read again; whom an older flag left out is judged by the new one. */
export const rereadAllPersons = async (db: Database): Promise<void> => {
  await sql`update links set reread_marketo = true, version = version + 1
    where status = 'linked' and not reread_marketo`.execute(db);
};

/** No flag leaves persons out any more; links that no other cause holds are dirty, but tombstones: nothing is left to do. */
export const forgetPersonFlags = async (db: Database): Promise<void> => {
  await sql`update links set
      out_of_scope = nullif(out_of_scope - 'person', '{}'), version = version + 1,
      dirty = dirty or (out_of_scope - 'person' = '{}' and status <> 'tombstone')
    where out_of_scope is not null and out_of_scope ? 'person'`.execute(db);
};

/** The flags of persons whose row is gone, so that their own mark is not written while they are out of scope. */
export const flagEnded = async (
  db: Database,
  persons: readonly { readonly marketoId: number; readonly out: boolean }[],
  at: IsoInstant,
): Promise<void> => {
  if (persons.length === 0) return;
  const left = JSON.stringify({ person: { since: at } });
  await sql`
    update links set version = version + 1,
      dirty = dirty or (not x.out and out_of_scope - 'person' = '{}'),
      out_of_scope = case when x.out then ${left}::jsonb || coalesce(out_of_scope, '{}')
        else nullif(out_of_scope - 'person', '{}') end
    from jsonb_to_recordset(${JSON.stringify(persons)}::jsonb) as x ("marketoId" bigint, out boolean)
    where links.marketo_id = x."marketoId" and status = 'ended' and stamp is not null
      and x.out <> coalesce(out_of_scope ? 'person', false)`.execute(db);
};

/** How many links each cause leaves out, and how many persons without a record are on hold. */
export const countOutOfScope = async (
  db: Database,
): Promise<Readonly<Record<ScopeCause, number>> & { readonly links: number }> => {
  const { rows } = await sql<Record<ScopeCause | 'links' | 'persons', number>>`
    select count(*) as links,
      count(*) filter (where out_of_scope ? 'row') as row,
      count(*) filter (where out_of_scope ? 'person') as person,
      count(*) filter (where out_of_scope ? 'hold') as hold,
      (select count(*) from held_persons) as persons
    from links where out_of_scope is not null and status not in ('excluded', 'tombstone')`.execute(db);
  const { links = 0, row = 0, person = 0, hold = 0, persons = 0 } = rows[0] ?? {};
  return { links, row, person, hold: hold + persons };
};
