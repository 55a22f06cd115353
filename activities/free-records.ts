import type { Row } from '../dynamics/index.js';
import { apartOf, type UnknownHolders } from '../rules/ambiguity.js';
import { emailKey } from '../rules/email.js';
import type { Link } from '../rules/link.js';
import type { FreePerson, UnmatchedRow } from '../rules/matching.js';
import { isInScope, withFlag } from '../rules/scope.js';
import { KINDS, type Kind } from '../rules/terms.js';
import { linksByPerson, linksByRow } from '../store/links.js';
import { busy, type Request } from './request.js';
import { unknownHolders } from './persons-of-rows.js';
import { flagOf, lineageOf, rowEmailKey, selectionOf, takesNoPart, textOf } from './rows.js';

/** A row that no person holds. */
export interface FoundRow {
  readonly row: UnmatchedRow;
  readonly link: Link | undefined;
  /** As Dynamics has it now. */
  readonly read: Row;
  /** Left out by its own flag or a hold: it takes no part in matching. */
  readonly outOfScope: boolean;
}

/** Rows without a person that this one may belong to, as Dynamics has them now. */
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
      // Whether a person is on its way to the row comes first: it may be this one, also where the row was closed since.
      if (!isFree(link) || takesNoPart(row, kind)) continue;
      const flag = flagOf(row, request.mapping.scope[kind]);
      const known = { outOfScope: link?.outOfScope ?? null, dirty: false };
      found.push({
        ...{ link, read: row, outOfScope: !isInScope(withFlag(known, flag, link === undefined)) },
        row: unmatched(link, kind, row.id, rowEmailKey(row)),
      });
    }
  }
  return withoutHeirs(request, found);
};

/** A contact that was made of a lead with a person gets that one: it is nobody else's. */
const withoutHeirs = async ({ ports }: Request, found: readonly FoundRow[]): Promise<FoundRow[]> => {
  const leadOf = ({ read, row }: FoundRow): string | null => lineageOf(read, row.kind).predecessor;
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
const isFree = (link: Link | undefined): boolean => {
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
  const byKey = crmKey === null ? undefined : await dynamics.readRow(kind, crmKey, select, signal);
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

/** This person, and others of its e-mail that no row holds, as far as Marketo can name them. */
export const freePersonsLike = async ({
  ports,
  person,
  attempt,
  key,
}: Request): Promise<{ readonly persons: readonly FreePerson[]; readonly unknown: UnknownHolders }> => {
  const own = {
    marketoId: person.id,
    emailKey: emailKey(textOf(person.values['email'])),
    crmKey: textOf(person.values['dynamicsId']),
  };
  if (own.emailKey === null) return { persons: [own], unknown: new Map() };
  const query = { by: 'email' as const, values: [key], fields: ['id', 'email', 'dynamicsId'] };
  const { persons, unaskable } = await ports.marketo.readPersons(query, attempt.signal);
  const like = persons.filter(({ id }) => id !== person.id);
  const linked = await linksByPerson(
    ports.db,
    like.map(({ id }) => id),
  );
  const free = like.filter(({ id }) => !linked.some(({ marketoId }) => marketoId === id));
  const others = free.map(({ id, values }) => ({
    ...{ marketoId: id, emailKey: key, crmKey: textOf(values['dynamicsId']) },
  }));
  return { persons: [own, ...others], unknown: unknownHolders(unaskable) };
};
