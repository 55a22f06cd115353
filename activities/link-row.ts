import type { PersonRecord } from '../marketo/index.js';
import type { Link } from '../rules/link.js';
import type { MappedField } from '../rules/mapping.js';
import type { FieldValues } from '../rules/terms.js';
import { insertLinks, type NewLink } from '../store/links.js';
import { save } from './claimed.js';
import type { CreatePersonResult } from './contract.js';
import { answer, busy, type Request } from './request.js';
import type { FoundRow } from './free-records.js';
import { keyOf } from './keys.js';

/** Joins a row that is there: the next cycle reads and merges the pair; a request writes no field of an existing row. */
export const linkRow = async (
  request: Request,
  { row, read, link }: FoundRow,
): Promise<CreatePersonResult> => {
  const base = link ?? (await insertLinks(request.ports.db, [newLinkOf({ row, read, link })]))[0];
  if (base === undefined) throw busy(`the row ${row.dynamicsId}`);
  return joinTo(request, base);
};

/** A row that the store does not know yet. */
export const newLinkOf = ({ row, read }: FoundRow): NewLink => ({
  kind: row.kind,
  status: 'unmatched',
  marketoId: null,
  dynamicsId: row.dynamicsId,
  emailKey: row.emailKey,
  etag: read?.etag ?? null,
  seen: { marketo: {}, dynamics: {} },
});

/** A person that was taken for deleted is there again: its old pair goes on. */
export const linkAgain = (request: Request, own: Link): Promise<CreatePersonResult> => joinTo(request, own);

/** The pair is complete: born dirty, so that the next cycle reads both sides and merges them. */
export const joinedTo = ({ person, mapping }: Request, link: Link): Link => ({
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
});

const joinTo = async (request: Request, link: Link): Promise<CreatePersonResult> => {
  const [saved] = await save(request.ports, [joinedTo(request, link)]);
  if (saved === undefined) throw busy(`the row ${link.dynamicsId ?? ''}`);
  return answer('linked', saved);
};

/** What a person holds, by field. */
export const heldBy = (person: PersonRecord, fields: readonly MappedField[]): FieldValues =>
  Object.fromEntries(fields.map(({ name }) => [name, person.values[name] ?? null]));
