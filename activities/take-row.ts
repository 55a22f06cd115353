import type { Row } from '../dynamics/index.js';
import { actual, type Link } from '../rules/link.js';
import type { MappedField } from '../rules/mapping.js';
import type { Kind } from '../rules/terms.js';
import type { NewLink } from '../store/links.js';
import { keyOf } from './keys.js';
import { agreedAtBirth } from './new-person.js';
import { observeRow } from './reread.js';
import { rowEmailKey, takesNoPart, valuesOf } from './rows.js';
import type { Ports } from './settings.js';

/** What a row that was read makes of its link; nothing where the link does not care any more. */
export const takeRow = (ports: Ports, link: Link, row: Row, fields: readonly MappedField[]): Link[] => {
  switch (link.status) {
    case 'linked':
      return [observeRow(ports, link, { values: valuesOf(row, fields), etag: row.etag, fields })];
    case 'unmatched':
      return [link.marketoId === null ? waiting(link, row, fields) : joined(link, row, fields)];
    case 'ambiguous':
    case 'excluded':
      return [waiting(link, row, fields)];
    case 'tombstone':
      return ports.onMarketoDelete === 'recreate' && wasEdited(link, row, fields)
        ? [reborn(link, row, fields)]
        : [];
    case 'ended':
      return [];
  }
};

/** A row without a person: what it holds is kept for the match. */
const waiting = (link: Link, row: Row, fields: readonly MappedField[]): Link => {
  const status = takesNoPart(row, link.kind)
    ? 'excluded'
    : link.status === 'excluded'
      ? 'unmatched'
      : link.status;
  return {
    ...link,
    status,
    emailKey: rowEmailKey(row),
    etag: row.etag,
    dirty: status !== 'excluded',
    seen: { ...link.seen, dynamics: valuesOf(row, fields) },
    // A refused creation is tried again with what the row holds now.
    parked: {},
  };
};

/** The row that a request reserved is there: the pair is complete, whatever became of the request. */
const joined = (link: Link, row: Row, fields: readonly MappedField[]): Link => ({
  ...waiting(link, row, fields),
  status: 'linked',
  stamp: keyOf(link),
  agreed: agreedAtBirth(link, fields),
  creation: null,
  rereadMarketo: true,
});

/** A row's version also moves by what is no edit: our own writes, workflows, columns that are not synced. */
const wasEdited = (link: Link, row: Row, fields: readonly MappedField[]): boolean => {
  const values = valuesOf(row, fields);
  return fields.some(({ name, codec }) => {
    const known = actual(link, 'dynamics', name);
    const value = values[name];
    return (
      value !== undefined &&
      known !== undefined &&
      codec.canonical('dynamics', value) !== codec.canonical('dynamics', known)
    );
  });
};

/** `onMarketoDelete: recreate`: an edit in Dynamics brings the person back. */
const reborn = (link: Link, row: Row, fields: readonly MappedField[]): Link =>
  waiting(
    {
      ...link,
      status: 'unmatched',
      marketoId: null,
      agreed: { marketo: {}, dynamics: {} },
      seen: { marketo: {}, dynamics: {} },
    },
    row,
    fields,
  );

/** A row that the store does not know yet. */
export const newLink = (kind: Kind, row: Row, fields: readonly MappedField[]): NewLink => ({
  kind,
  status: takesNoPart(row, kind) ? 'excluded' : 'unmatched',
  marketoId: null,
  dynamicsId: row.id,
  emailKey: rowEmailKey(row),
  etag: row.etag,
  seen: { marketo: {}, dynamics: valuesOf(row, fields) },
});
