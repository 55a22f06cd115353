import type { Row } from '../dynamics/index.js';
import { actual, type Link } from '../rules/link.js';
import type { MappedField, Mapping } from '../rules/mapping.js';
import { isInScope, withFlag, without } from '../rules/scope.js';
import { STRANGERS } from '../rules/strangers.js';
import type { Kind } from '../rules/terms.js';
import type { NewLink } from '../store/links.js';
import { rowFlag } from './flags.js';
import { keyOf } from './keys.js';
import { agreedAtBirth } from './new-person.js';
import { observeRow } from './reread.js';
import { lineageOf, rowEmailKey, rowStampOf, takesNoPart, valuesOf } from './rows.js';
import type { Ports } from './settings.js';

/**
 * What a row that was read makes of its link; nothing where the link does not care any more. What the row says of a
 * successor is kept with it: the pair follows before anything is decided.
 */
export const takeRow = (ports: Ports, link: Link, row: Row, mapping: Mapping): Link[] => {
  const fields = mapping.fields[link.kind];
  const lineage = lineageOf(row, link.kind);
  const flag = rowFlag(mapping.scope[link.kind], row);
  const known = withFlag({ ...link, ...lineage }, flag);
  switch (link.status) {
    case 'linked': {
      const rowStamp = rowStampOf(row, mapping, link.kind);
      const values = valuesOf(row, fields);
      return [observeRow(ports, link, { values, etag: row.etag, rowStamp, fields, lineage, flag })];
    }
    case 'unmatched':
      return [link.marketoId === null ? waiting(known, row, fields) : joined(known, row, fields)];
    case 'ambiguous':
      return [link.marketoId === null ? waiting(known, row, fields) : setAside(known, row)];
    case 'merged-away':
      return [link.marketoId === null ? waiting(known, row, fields) : setAside(known, row)];
    case 'excluded':
      return [waiting(known, row, fields)];
    case 'tombstone':
      return ports.onMarketoDelete === 'recreate' && wasEdited(link, row, fields)
        ? [anew(known, row, fields)]
        : // The guard counts dirty ones as deleted just now: a flag is no news of one.
          [{ ...known, dirty: link.dirty }];
    case 'ended':
      return [anew(known, row, fields)];
  }
};

/** A row without a person: what it holds is kept for the match, and nothing of a person that it had. */
const waiting = (link: Link, row: Row, fields: readonly MappedField[]): Link => {
  const status = waitingAs(link, row);
  const seen = { marketo: {}, dynamics: valuesOf(row, fields) };
  if (status === 'unmatched' && isRefusedStill(link, row, fields)) return { ...link, etag: row.etag, seen };
  return {
    ...link,
    // So that a refused creation, too, is tried again with what the row holds now.
    ...STRANGERS,
    status,
    emailKey: rowEmailKey(row),
    etag: row.etag,
    dirty: status === 'unmatched' || status === 'ambiguous',
    seen,
    ...(status === 'excluded' && { candidates: null, creation: null }),
    ...(status === 'unmatched' && { candidates: null }),
  };
};

/** Its creation was refused for exactly the values that the row still holds. */
const isRefusedStill = (link: Link, row: Row, fields: readonly MappedField[]): boolean =>
  link.status === 'unmatched' &&
  link.creation === null &&
  Object.keys(link.parked).length > 0 &&
  link.emailKey === rowEmailKey(row) &&
  !wasEdited(link, row, fields);

const waitingAs = (link: Link, row: Row): Link['status'] => {
  if (!takesNoPart(row, link.kind)) {
    // A row out of scope is of no group.
    const leftGroup = link.status === 'ambiguous' && !isInScope(link);
    return link.status === 'excluded' || leftGroup ? 'unmatched' : link.status;
  }
  // A person may be on its way to this row: then that one follows, like any other.
  const expectsPerson = link.status === 'unmatched' && link.creation?.sentAt != null;
  return expectsPerson && link.successor !== null ? 'unmatched' : 'excluded';
};

/** A pair that cannot follow its row, because another pair stands there; it goes on if the row is open again. */
const setAside = (link: Link, row: Row): Link =>
  takesNoPart(row, link.kind)
    ? { ...link, etag: row.etag }
    : { ...link, status: 'linked', candidates: null, dirty: true, rereadMarketo: true, rereadDynamics: true };

/** The row that a request reserved is there: the pair is complete, whatever became of the request. */
const joined = (link: Link, row: Row, fields: readonly MappedField[]): Link => ({
  ...waiting(link, row, fields),
  status: 'linked',
  dirty: true,
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

const WITHOUT_PERSON = {
  ...STRANGERS,
  status: 'unmatched',
  marketoId: null,
  stamp: null,
  seen: { marketo: {}, dynamics: {} },
} as const satisfies Partial<Link>;

/**
 * Matched like a new row: one whose edit brings its person back (`onMarketoDelete: recreate`), and a deleted one that is
 * there again, whose person carries its key still.
 */
const anew = (link: Link, row: Row, fields: readonly MappedField[]): Link =>
  waiting(without({ ...link, ...WITHOUT_PERSON }, 'person'), row, fields);

/** A row that the store does not know yet. */
export const newLink = (kind: Kind, row: Row, { fields, scope }: Mapping): NewLink => ({
  kind,
  status: takesNoPart(row, kind) ? 'excluded' : 'unmatched',
  marketoId: null,
  dynamicsId: row.id,
  emailKey: rowEmailKey(row),
  etag: row.etag,
  seen: { marketo: {}, dynamics: valuesOf(row, fields[kind]) },
  outOfScope: withFlag({ outOfScope: null, dirty: true }, rowFlag(scope[kind], row), true).outOfScope,
  ...lineageOf(row, kind),
});
