import type { RowUpdate } from '../dynamics/index.js';
import type { Link } from '../rules/link.js';
import type { Mapping } from '../rules/mapping.js';
import type { FieldValue } from '../rules/terms.js';

/** The call that carries what of a link is under way to its row. */
export const updateOf = (link: Link, { fields, stampColumns }: Mapping): RowUpdate => {
  const stampColumn = stampColumns[link.kind];
  const values: Record<string, FieldValue> = {};
  for (const write of link.writes) {
    if (write.side !== 'dynamics' || write.state !== 'sent') continue;
    const field = fields[link.kind].find(({ name }) => name === write.field);
    if (field === undefined) continue;
    values[field.column] = write.to;
    if (stampColumn !== null && write.rowStamp !== undefined) values[stampColumn] = write.rowStamp;
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
