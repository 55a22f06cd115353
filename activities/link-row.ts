import type { PersonRecord } from '../marketo/index.js';
import type { Link } from '../rules/link.js';
import type { MappedField } from '../rules/mapping.js';
import type { FieldValues } from '../rules/terms.js';
import { withFlag } from '../rules/scope.js';
import { wakeAmbiguous } from '../store/ambiguous.js';
import { forgetFormer, insertLinks, saveLinks } from '../store/links.js';
import type { CreatePersonResult } from './contract.js';
import { answer, busy, type Request } from './request.js';
import type { FoundRow } from './free-records.js';
import { takeOverHolds } from './holds.js';
import { keyOf } from './keys.js';
import { personFlag } from './reread.js';

/** Joins a row that is there: the next cycle reads and merges the pair; a request writes no field of an existing row. */
export const linkRow = async (
  request: Request,
  { row, read, link }: FoundRow,
): Promise<CreatePersonResult> => {
  const { db } = request.ports;
  const fresh = {
    kind: row.kind,
    status: 'unmatched' as const,
    marketoId: null,
    dynamicsId: row.dynamicsId,
    emailKey: row.emailKey,
    etag: read.etag,
    seen: { marketo: {}, dynamics: {} },
  };
  const base = link ?? (await insertLinks(db, [fresh]))[0];
  if (base === undefined) throw busy(`the row ${row.dynamicsId}`);
  return joinTo(request, base);
};

/** A person that was taken for deleted is there again: its old pair goes on. */
export const linkAgain = (request: Request, own: Link): Promise<CreatePersonResult> => joinTo(request, own);

const joinTo = async ({ ports, person, mapping }: Request, link: Link): Promise<CreatePersonResult> => {
  const there: Link = {
    ...link,
    status: 'linked',
    marketoId: person.id,
    stamp: keyOf(link),
    seen: { ...link.seen, marketo: heldBy(person, mapping.fields[link.kind]) },
    creation: null,
    candidates: null,
    dirty: true,
    rereadMarketo: true,
    rereadDynamics: true,
  };
  const flagged = withFlag(there, personFlag(mapping.scope.person, person.values), true);
  const saved = await ports.db.transaction().execute(async (tx) => {
    const kept = await saveLinks(tx, await takeOverHolds(tx, [flagged]), ports.timing.overlapMs);
    // Groups that had this person, or this row, for a candidate.
    const emailKeys = link.emailKey === null ? [] : [link.emailKey];
    if (kept.size > 0) await wakeAmbiguous(tx, { emailKeys, persons: [person.id] });
    if (kept.size > 0) await forgetFormer(tx, [person.id]);
    return kept.get(link.id);
  });
  if (saved === undefined) throw busy(`the row ${link.dynamicsId ?? ''}`);
  return answer('linked', saved);
};

/** What a person holds, by field. */
export const heldBy = (person: PersonRecord, fields: readonly MappedField[]): FieldValues =>
  Object.fromEntries(fields.map(({ name }) => [name, person.values[name] ?? null]));
