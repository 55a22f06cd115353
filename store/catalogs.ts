import type { Catalog } from '../rules/catalog.js';
import type { FieldNotice } from '../rules/mapping.js';
import type { Database } from './database.js';

export interface StoredCatalog {
  readonly catalog: Catalog;
  readonly readAt: Date;
}

const NAME = 'current';

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
