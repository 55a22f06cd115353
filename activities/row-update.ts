import type { RowUpdate } from '../dynamics/index.js';
import type { Link } from '../rules/link.js';
import type { MappedField } from '../rules/mapping.js';
import type { FieldValue } from '../rules/terms.js';

/** The call that carries what of a link is under way to its row. */
export const updateOf = (link: Link, fields: readonly MappedField[]): RowUpdate => {
  const values: Record<string, FieldValue> = {};
  for (const write of link.writes) {
    if (write.side !== 'dynamics' || write.state !== 'sent') continue;
    const field = fields.find(({ name }) => name === write.field);
    if (field !== undefined) values[field.column] = write.to;
  }
  return {
    type: 'update',
    kind: link.kind,
    id: link.dynamicsId ?? '',
    etag: link.etag ?? '*',
    values,
    returnEtag: true,
  };
};
