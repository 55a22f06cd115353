import type { Row } from '../dynamics/index.js';
import type { PersonRecord } from '../marketo/index.js';
import { apartOf, type UnknownHolders } from '../rules/ambiguity.js';
import { emailKey } from '../rules/email.js';
import type { Link } from '../rules/link.js';
import type { FreePerson, UnmatchedRow } from '../rules/matching.js';
import { isInScope, withFlag } from '../rules/scope.js';
import { KINDS, type Kind } from '../rules/terms.js';
import { linksByPerson, linksByRow } from '../store/links.js';
import { rowFlag } from './flags.js';
import { busy, type Request } from './request.js';
import { unknownHolders } from './persons-of-rows.js';
import { isGuid, lineageOf, rowEmailKey, selectionOf, takesNoPart, textOf } from './rows.js';
import type { Ports } from './settings.js';

/** A row that no person holds. */
export interface FoundRow {
  readonly row: UnmatchedRow;
  readonly link: Link | undefined;
  /** As Dynamics has it now. */
  readonly read: Row;
  /** Left out by its own flag or a hold: it takes no part in matching. */
  readonly outOfScope: boolean;
}

/** A row as Dynamics has it now. */
export interface ReadRow {
  readonly kind: Kind;
  readonly row: Row;
}

/** Rows without a person that this one may belong to, as Dynamics has them now. */
export const freeRowsOf = async (request: Request): Promise<readonly FoundRow[]> => {
  const read = await Promise.all(
    KINDS.map(async (kind) => (await readRowsOf(request, kind)).map((row): ReadRow => ({ kind, row }))),
  );
  const { free, awaited } = await freeAmong(request, read.flat());
  const [first] = awaited;
  if (first !== undefined) throw busy(`the row ${first.dynamicsId}`);
  return free;
};

/** Those among the rows that no person holds, and those that a person is on its way to. */
export const freeAmong = async (
  { ports, mapping }: Pick<Request, 'ports' | 'mapping'>,
  read: readonly ReadRow[],
): Promise<{ readonly free: readonly FoundRow[]; readonly awaited: readonly UnmatchedRow[] }> => {
  const links = await linksByRow(
    ports.db,
    read.map(({ row }) => row.id),
  );
  const byRow = new Map(links.map((link) => [link.dynamicsId, link]));
  const free: FoundRow[] = [];
  const awaited: UnmatchedRow[] = [];
  for (const { kind, row } of read) {
    const link = byRow.get(row.id);
    const found = unmatched(link, kind, row.id, rowEmailKey(row));
    // Whether a person is on its way to the row comes first: it may be this one, also where the row was closed since.
    if (isAwaited(link)) awaited.push(found);
    if (!isFree(link) || takesNoPart(row, kind)) continue;
    const flag = rowFlag(mapping.scope[kind], row);
    const known = { outOfScope: link?.outOfScope ?? null, dirty: false };
    const outOfScope = !isInScope(withFlag(known, flag, link === undefined));
    free.push({ link, read: row, outOfScope, row: found });
  }
  return { free: await withoutHeirs(ports, free), awaited };
};

/** A contact that was made of a lead with a person gets that one: it is nobody else's. */
const withoutHeirs = async ({ db }: Ports, found: readonly FoundRow[]): Promise<FoundRow[]> => {
  const leadOf = ({ read, row }: FoundRow): string | null => lineageOf(read, row.kind).predecessor;
  const leads = await linksByRow(
    db,
    found.flatMap((each) => leadOf(each) ?? []),
  );
  const promised = new Set(leads.filter(hasPerson).map(({ dynamicsId }) => dynamicsId));
  return found.filter((each) => !promised.has(leadOf(each)));
};

const hasPerson = ({ status, marketoId, creation }: Link): boolean =>
  status !== 'ended' && (marketoId !== null || creation?.sentAt != null);

/** A person is being created for the row: it may be the very one that is asked for, or its twin. */
const isAwaited = (link: Link | undefined): boolean => hasRoom(link) && link?.creation?.sentAt != null;

const isFree = (link: Link | undefined): boolean => hasRoom(link) && !isAwaited(link);

const hasRoom = (link: Link | undefined): boolean =>
  link === undefined ||
  (link.marketoId === null && (link.status === 'unmatched' || link.status === 'ambiguous'));

const readRowsOf = async (
  { ports: { dynamics }, mapping, attempt: { signal }, person }: Request,
  kind: Kind,
): Promise<Row[]> => {
  const select = selectionOf(mapping, kind);
  const email = textOf(person.values['email']);
  const crmKey = textOf(person.values['dynamicsId']);
  const [byEmail, byKey] = await Promise.all([
    email === null ? [] : dynamics.findByEmail(kind, [email], select, signal),
    crmKey === null || !isGuid(crmKey) ? undefined : dynamics.readRow(kind, crmKey, select, signal),
  ]);
  return [...byEmail.filter(({ id }) => id !== byKey?.id), ...(byKey === undefined ? [] : [byKey])];
};

const unmatched = (
  link: Link | undefined,
  kind: Kind,
  dynamicsId: string,
  key: string | null,
): UnmatchedRow => ({
  linkId: link?.id ?? 0,
  apart: apartOf(link?.decision ?? null),
  kind,
  dynamicsId,
  emailKey: key,
});

/** These persons, and others with an e-mail of the contested ones that no row holds, as far as Marketo can name them. */
export const freePersonsLike = async (
  { db, marketo }: Ports,
  persons: readonly PersonRecord[],
  contested: readonly PersonRecord[],
  signal: AbortSignal,
): Promise<{ readonly persons: readonly FreePerson[]; readonly unknown: UnknownHolders }> => {
  const own = persons.map(freePerson);
  const emails = [...new Set(contested.flatMap((person) => freePerson(person).emailKey ?? []))];
  if (emails.length === 0) return { persons: own, unknown: new Map() };
  const query = { by: 'email' as const, values: emails, fields: ['id', 'email', 'dynamicsId'] };
  const found = await marketo.readPersons(query, signal);
  const known = new Set(persons.map(({ id }) => id));
  const like = found.persons.filter(({ id }) => !known.has(id));
  const linked = await linksByPerson(
    db,
    like.map(({ id }) => id),
  );
  const taken = new Set(linked.map(({ marketoId }) => marketoId));
  const others = like.filter(({ id }) => !taken.has(id)).map(freePerson);
  return { persons: [...own, ...others], unknown: unknownHolders(found.unaskable) };
};

const freePerson = ({ id, values }: PersonRecord): FreePerson => ({
  marketoId: id,
  emailKey: emailKey(textOf(values['email'])),
  crmKey: textOf(values['dynamicsId']),
});
