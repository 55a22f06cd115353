import type { Row } from '../../dynamics/index.js';
import { emailKey } from '../../rules/email.js';
import { RemoteFailure } from '../../rules/failures.js';
import type { Link } from '../../rules/link.js';
import type { FreePerson } from '../../rules/matching.js';
import { KINDS, type Kind } from '../../rules/terms.js';
import { linksByPerson, linksByRow, unmatchedByEmail } from '../../store/links.js';
import { isFree, unmatched, withoutHeirs, type FoundRow } from '../free-records.js';
import { isGuid, rowEmailKey, selectionOf, takesNoPart, textOf } from '../rows.js';
import type { Group, Member } from './group.js';

/** Records of both sides that some persons may belong to. */
export interface Candidates {
  readonly rows: readonly FoundRow[];
  readonly persons: readonly FreePerson[];
  /** E-mails whose records somebody is at work on, and those that cannot be judged because too many hold them. */
  readonly busy: ReadonlySet<string>;
  readonly crowded: ReadonlySet<string>;
}

/** Looks for the rows and the other persons of many persons at once, with as few calls as the remotes allow. */
export const findCandidates = async (group: Group, members: readonly Member[]): Promise<Candidates> => {
  const busy = new Set<string>();
  const [rows, others] = await Promise.all([findRows(group, members, busy), findOthers(group, members)]);
  return { rows, busy, ...others };
};

const emailsOf = (members: readonly Member[]): string[] => [
  ...new Set(members.flatMap(({ request }) => emailKey(textOf(request.person.values['email'])) ?? [])),
];

const crmKeyOf = ({ request }: Member): string | null => textOf(request.person.values['dynamicsId']);

const findRows = async (group: Group, members: readonly Member[], busy: Set<string>): Promise<FoundRow[]> => {
  const { db } = group.ports;
  const emails = emailsOf(members);
  const read = await Promise.all(KINDS.map((kind) => readRows(group, members, emails, kind)));
  const all = KINDS.flatMap((kind, index) => (read[index] ?? []).map((row) => ({ kind, row })));
  const links = new Map(
    (
      await linksByRow(
        db,
        all.map(({ row }) => row.id),
      )
    ).map((link) => [link.dynamicsId, link]),
  );
  const found = all.flatMap(({ kind, row }): FoundRow[] => {
    const link = links.get(row.id);
    if (takesNoPart(row, kind) || !isFreeNow(group, link, rowEmailKey(row), busy)) return [];
    return [{ link, read: row, row: unmatched(link?.id ?? 0, kind, row.id, rowEmailKey(row)) }];
  });
  const met = new Set(all.map(({ row }) => row.id));
  const stored = (await unmatchedByEmail(db, emails)).flatMap((link): FoundRow[] => {
    const { id, kind, dynamicsId, emailKey: key } = link;
    if (dynamicsId === null || met.has(dynamicsId) || !isFreeNow(group, link, key, busy)) return [];
    return [{ link, read: undefined, row: unmatched(id, kind, dynamicsId, key) }];
  });
  return withoutHeirs(group, [...found, ...stored]);
};

const readRows = async (
  { ports: { dynamics }, mapping, attempt: { signal } }: Group,
  members: readonly Member[],
  emails: readonly string[],
  kind: Kind,
): Promise<Row[]> => {
  const select = selectionOf(mapping, kind);
  const keys = members.flatMap((member) => crmKeyOf(member) ?? []).filter(isGuid);
  const [byEmail, byKey] = await Promise.all([
    emails.length === 0 ? [] : dynamics.findByEmail(kind, emails, select, signal),
    keys.length === 0 ? [] : dynamics.readRows(kind, keys, select, signal),
  ]);
  return [...new Map([...byEmail, ...byKey].map((row) => [row.id, row])).values()];
};

/** A row for which a person is being made holds up the persons of its e-mail alone. */
const isFreeNow = (
  group: Group,
  link: Link | undefined,
  email: string | null,
  busy: Set<string>,
): boolean => {
  try {
    return isFree(link);
  } catch (error) {
    if (!(error instanceof RemoteFailure) || error.type !== 'Busy') throw error;
    group.hindrances.push(error);
    if (email !== null) busy.add(email);
    return false;
  }
};

/** The persons themselves, and others of their e-mails that no row holds. */
const findOthers = async (
  { ports, attempt: { signal } }: Group,
  members: readonly Member[],
): Promise<Pick<Candidates, 'persons' | 'crowded'>> => {
  const own = members.map((member) => ({
    marketoId: member.asked.marketoId,
    emailKey: emailKey(textOf(member.request.person.values['email'])),
    crmKey: crmKeyOf(member),
  }));
  const emails = emailsOf(members);
  if (emails.length === 0) return { persons: own, crowded: new Set() };
  const query = { by: 'email' as const, values: emails, fields: ['id', 'email', 'dynamicsId'] };
  const { persons, unaskable } = await ports.marketo.readPersons(query, signal);
  const known = new Set(own.map(({ marketoId }) => marketoId));
  const others = persons.filter(({ id }) => !known.has(id));
  const linked = await linksByPerson(
    ports.db,
    others.map(({ id }) => id),
  );
  const taken = new Set(linked.map(({ marketoId }) => marketoId));
  const free = others
    .filter(({ id }) => !taken.has(id))
    .map(({ id, values }) => ({
      marketoId: id,
      emailKey: emailKey(textOf(values['email'])),
      crmKey: textOf(values['dynamicsId']),
    }));
  const crowded = unaskable.filter(({ because }) => because === 'tooMany').map(({ value }) => value);
  return { persons: [...own, ...free], crowded: new Set(crowded) };
};
