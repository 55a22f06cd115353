import type { PersonRecord } from '../marketo/index.js';
import type { Link } from '../rules/link.js';
import type { MappedField } from '../rules/mapping.js';
import type { FieldValues } from '../rules/terms.js';
import { withFlag } from '../rules/scope.js';
import type { Database } from '../store/database.js';
import { forgetFormer, insertLinks, saveLinks, type NewLink } from '../store/links.js';
import type { CreatePersonResult } from './contract.js';
import { personFlag } from './flags.js';
import { answer, busy, type Request } from './request.js';
import type { FoundRow } from './free-records.js';
import { takeOverHolds } from './holds.js';
import { keyOf } from './keys.js';
import type { Ports } from './settings.js';

/** Joins a row that is there: the next cycle reads and merges the pair; a request writes no field of an existing row. */
export const linkRow = async (request: Request, found: FoundRow): Promise<CreatePersonResult> => {
  const base = found.link ?? (await insertLinks(request.ports.db, [newLinkOf(found)]))[0];
  if (base === undefined) throw busy(`the row ${found.row.dynamicsId}`);
  return joinTo(request, base);
};

/** A row that the store does not know yet. */
export const newLinkOf = ({ row, read }: FoundRow): NewLink => ({
  kind: row.kind,
  status: 'unmatched',
  marketoId: null,
  dynamicsId: row.dynamicsId,
  emailKey: row.emailKey,
  etag: read.etag,
  seen: { marketo: {}, dynamics: {} },
});

/** A person that was taken for deleted is there again: its old pair goes on. */
export const linkAgain = (request: Request, own: Link): Promise<CreatePersonResult> => joinTo(request, own);

const joinTo = async (request: Request, link: Link): Promise<CreatePersonResult> => {
  const saved = (await joinAll(request.ports, [{ request, link }])).get(link.id);
  if (saved === undefined) throw busy(`the row ${link.dynamicsId ?? ''}`);
  return answer('linked', saved);
};

/** A person with the link of the row that it is to be joined with. */
export interface Joining {
  readonly request: Request;
  readonly link: Link;
}

/**
 * Joins persons with rows, in one transaction. `whileSaving` is told the links that were saved.
 *
 * @returns the saved links by id; one that somebody else changed meanwhile is missing.
 */
export const joinAll = (
  { db, timing }: Ports,
  joining: readonly Joining[],
  whileSaving?: (tx: Database, saved: ReadonlyMap<number, Link>) => Promise<void>,
): Promise<Map<number, Link>> =>
  db.transaction().execute(async (tx) => {
    const links = await takeOverHolds(tx, joining.map(joined));
    const saved = await saveLinks(tx, links, timing.overlapMs);
    const kept = joining.filter(({ link }) => saved.has(link.id));
    const persons = kept.map(({ request }) => request.person.id);
    await forgetFormer(tx, persons);
    await whileSaving?.(tx, saved);
    return saved;
  });

/** The pair is complete: born dirty, so that the next cycle reads both sides and merges them. */
const joined = ({ request: { person, mapping }, link }: Joining): Link => {
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
  return withFlag(there, personFlag(mapping.scope.person, person.values), true);
};

/** What a person holds, by field. */
export const heldBy = (person: PersonRecord, fields: readonly MappedField[]): FieldValues =>
  Object.fromEntries(fields.map(({ name }) => [name, person.values[name] ?? null]));
