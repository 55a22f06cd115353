import type { Kind } from '../rules/terms.js';
import type { Database } from './database.js';

/** A field that links of a table are held for, and the column that it meets there. */
export interface SelectedField {
  readonly kind: Kind;
  readonly field: string;
  readonly column: string;
}

export const selectedFields = async (db: Database): Promise<SelectedField[]> => {
  const rows = await db.selectFrom('selected_fields').selectAll().execute();
  return rows.map(({ kind, field, dynamics_column: column }) => ({ kind, field, column }));
};

/** Replaces the whole selection. */
export const saveSelectedFields = (db: Database, fields: readonly SelectedField[]): Promise<void> =>
  db.transaction().execute(async (tx) => {
    await tx.deleteFrom('selected_fields').execute();
    if (fields.length === 0) return;
    await tx
      .insertInto('selected_fields')
      .values(fields.map(({ kind, field, column }) => ({ kind, field, dynamics_column: column })))
      .execute();
  });
