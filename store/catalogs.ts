import { sql } from 'kysely';
import type { Catalog } from '../rules/catalog.js';
import type { FieldNotice } from '../rules/mapping.js';
import type { MappingMarks } from '../rules/mapping-marks.js';
import type { Kind } from '../rules/terms.js';
import type { Database } from './database.js';

export interface StoredCatalog {
  readonly catalog: Catalog;
  readonly readAt: Date;
}

const NAME = 'current';
const MARKS = 'mapping';

export const loadCatalog = async (db: Database): Promise<StoredCatalog | undefined> => {
  const row = await db.selectFrom('catalogs').selectAll().where('name', '=', NAME).executeTakeFirst();
  return row && { catalog: row.content as Catalog, readAt: row.read_at };
};

export const saveCatalog = async (db: Database, catalog: Catalog, readAt: Date): Promise<void> => {
  const values = { content: JSON.stringify(catalog), read_at: readAt };
  await db
    .insertInto('catalogs')
    .values({ name: NAME, ...values })
    .onConflict((oc) => oc.column('name').doUpdateSet(values))
    .execute();
};

/** What the mapping was when refusals were last compared with it. */
export const loadMarks = async (db: Database): Promise<MappingMarks | undefined> => {
  const row = await db.selectFrom('catalogs').select('content').where('name', '=', MARKS).executeTakeFirst();
  return row?.content as MappingMarks | undefined;
};

export const saveMarks = async (db: Database, marks: MappingMarks): Promise<void> => {
  const content = JSON.stringify(marks);
  await sql`
    insert into catalogs (name, content, read_at) values (${MARKS}, ${content}::jsonb, clock_timestamp())
    on conflict (name) do update set content = excluded.content, read_at = excluded.read_at
      where catalogs.content <> excluded.content`.execute(db);
};

/** Replaces what is known of one table's columns; the other table may be read by another worker meanwhile. */
export const saveColumns = async (
  db: Database,
  kind: Kind,
  columns: Catalog['dynamics'][Kind],
): Promise<void> => {
  await sql`update catalogs set content = jsonb_set(content, array['dynamics', ${kind}], ${JSON.stringify(columns)}::jsonb)
    where name = ${NAME}`.execute(db);
};

/** Replaces what people are told about fields that are set aside; a notice that stays keeps its `since`. */
export const saveNotices = (db: Database, notices: readonly FieldNotice[]): Promise<void> =>
  db.transaction().execute(async (tx) => {
    const current = await tx.selectFrom('field_notices').select(['kind', 'field', 'code']).execute();
    const stays = ({ kind, field, code }: { kind: string; field: string; code: string }) =>
      notices.some((notice) => notice.kind === kind && notice.field === field && notice.code === code);
    for (const { kind, field } of current.filter((notice) => !stays(notice))) {
      await tx.deleteFrom('field_notices').where('kind', '=', kind).where('field', '=', field).execute();
    }
    if (notices.length === 0) return;
    const values = notices.map(({ kind, field, code, message }) => ({ kind, field, code, message }));
    await tx
      .insertInto('field_notices')
      .values(values)
      .onConflict((oc) => oc.doNothing())
      .execute();
  });

/** Has the catalog read again by the next cycle. */
export const ageCatalog = async (db: Database): Promise<void> => {
  await db
    .updateTable('catalogs')
    .set({ read_at: new Date(0) })
    .where('name', '=', NAME)
    .execute();
};
