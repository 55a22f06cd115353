import type { Row } from '../dynamics/index.js';
import { emailKey } from '../rules/email.js';
import type { Link } from '../rules/link.js';
import type { FreePerson, UnmatchedRow } from '../rules/matching.js';
import { KINDS, type Kind } from '../rules/terms.js';
import { linksByPerson, linksByRow, unmatchedByEmail } from '../store/links.js';
import { busy, type Request } from './request.js';
import { isGuid, lineageOf, rowEmailKey, selectionOf, takesNoPart, textOf } from './rows.js';

/** A row that no person holds. */
export interface FoundRow {
  readonly row: UnmatchedRow;
  readonly link: Link | undefined;
  /** As Dynamics has it now; undefined for one that only the store knows. */
  readonly read: Row | undefined;
}

/** Rows without a person that this one may belong to: those the store knows, and those that Dynamics has by now. */
export const freeRowsOf = async (request: Request): Promise<FoundRow[]> => {
  const found: FoundRow[] = [];
  for (const kind of KINDS) {
    const rows = await readRowsOf(request, kind);
    const links = await linksByRow(
      request.ports.db,
      rows.map(({ id }) => id),
    );
    for (const row of rows) {
      const link = links.find(({ dynamicsId }) => dynamicsId === row.id);
      if (takesNoPart(row, kind) || !isFree(link)) continue;
      found.push({ link, read: row, row: unmatched(link?.id ?? 0, kind, row.id, rowEmailKey(row)) });
    }
  }
  const met = new Set(found.map(({ row }) => row.dynamicsId));
  const stored = (await unmatchedByEmail(request.ports.db, [request.key])).filter(
    (link) => link.dynamicsId !== null && !met.has(link.dynamicsId) && isFree(link),
  );
  return withoutHeirs(request, [
    ...found,
    ...stored.map((link) => ({
      link,
      read: undefined,
      row: unmatched(link.id, link.kind, link.dynamicsId ?? '', link.emailKey),
    })),
  ]);
};

/** A contact that was made of a lead with a person gets that one: it is nobody else's. */
export const withoutHeirs = async (
  { ports }: Pick<Request, 'ports'>,
  found: readonly FoundRow[],
): Promise<FoundRow[]> => {
  const leadOf = ({ read, link, row }: FoundRow): string | null =>
    read === undefined ? (link?.predecessor ?? null) : lineageOf(read, row.kind).predecessor;
  const leads = await linksByRow(
    ports.db,
    found.flatMap((each) => leadOf(each) ?? []),
  );
  const promised = new Set(leads.filter(hasPerson).map(({ dynamicsId }) => dynamicsId));
  return found.filter((each) => !promised.has(leadOf(each)));
};

const hasPerson = ({ status, marketoId, creation }: Link): boolean =>
  status !== 'ended' && (marketoId !== null || creation?.sentAt != null);

/** @throws RemoteFailure `Busy` while a person is being created for the row: it may be this very one's twin. */
export const isFree = (link: Link | undefined): boolean => {
  if (link === undefined) return true;
  if (link.marketoId !== null || (link.status !== 'unmatched' && link.status !== 'ambiguous')) return false;
  if (link.creation?.sentAt != null) throw busy(`the row ${link.dynamicsId ?? ''}`);
  return true;
};

const readRowsOf = async (
  { ports: { dynamics }, mapping, attempt: { signal }, person }: Request,
  kind: Kind,
): Promise<Row[]> => {
  const select = selectionOf(mapping, kind);
  const email = textOf(person.values['email']);
  const crmKey = textOf(person.values['dynamicsId']);
  const byEmail = email === null ? [] : await dynamics.findByEmail(kind, [email], select, signal);
  const byKey =
    crmKey === null || !isGuid(crmKey) ? undefined : await dynamics.readRow(kind, crmKey, select, signal);
  return [...byEmail.filter(({ id }) => id !== byKey?.id), ...(byKey === undefined ? [] : [byKey])];
};

export const unmatched = (
  linkId: number,
  kind: Kind,
  dynamicsId: string,
  key: string | null,
): UnmatchedRow => ({
  linkId,
  kind,
  dynamicsId,
  emailKey: key,
});

/** This person, and others of its e-mail that no row holds. */
export const freePersonsLike = async ({ ports, person, attempt, key }: Request): Promise<FreePerson[]> => {
  const own = {
    marketoId: person.id,
    emailKey: emailKey(textOf(person.values['email'])),
    crmKey: textOf(person.values['dynamicsId']),
  };
  if (own.emailKey === null) return [own];
  const query = { by: 'email' as const, values: [key], fields: ['id', 'email', 'dynamicsId'] };
  const { persons } = await ports.marketo.readPersons(query, attempt.signal);
  const others = persons.filter(({ id }) => id !== person.id);
  const linked = await linksByPerson(
    ports.db,
    others.map(({ id }) => id),
  );
  const free = others.filter(({ id }) => !linked.some(({ marketoId }) => marketoId === id));
  return [
    own,
    ...free.map(({ id, values }) => ({ marketoId: id, emailKey: key, crmKey: textOf(values['dynamicsId']) })),
  ];
};
