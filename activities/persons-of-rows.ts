import type { Unaskable } from '../marketo/index.js';
import type { UnknownHolders } from '../rules/ambiguity.js';
import { emailKey } from '../rules/email.js';
import type { Link } from '../rules/link.js';
import type { Mapping } from '../rules/mapping.js';
import type { FreePerson } from '../rules/matching.js';
import type { FieldValues } from '../rules/terms.js';
import type { Database } from '../store/database.js';
import { linksByPerson, linksByRow } from '../store/links.js';
import { personFields } from './person-fields.js';
import { isGuid, textOf } from './rows.js';
import type { Ports } from './settings.js';

/** A person that no link holds, with its values. */
export interface Found extends FreePerson {
  readonly values: FieldValues;
}

/** A person of another link. */
export interface Taken extends Found {
  /** It is still to be given the key of its own row. */
  readonly awaitsKey: boolean;
}

/** Persons that rows may belong to. */
export interface Persons {
  readonly free: readonly Found[];
  readonly taken: readonly Taken[];
  readonly unknown: UnknownHolders;
}

/** Persons that these rows may belong to, by key and by e-mail, and those among them that belong to other rows. */
export const personsOfRows = async (
  { db, marketo }: Ports,
  mapping: Mapping,
  links: readonly Link[],
  signal: AbortSignal,
): Promise<Persons> => {
  const fields = [...new Set(['id', 'email', 'dynamicsId', 'dynamicsDeleted', ...personFields(mapping)])];
  const ids = links.flatMap(({ dynamicsId }) => dynamicsId ?? []);
  const emails = [...new Set(links.flatMap(({ emailKey: key }) => key ?? []))];
  const byKey = await marketo.readPersons({ by: 'dynamicsId', values: ids, fields }, signal);
  const byEmail =
    emails.length === 0
      ? undefined
      : await marketo.readPersons({ by: 'email', values: emails, fields }, signal);
  const persons = new Map(
    [...byKey.persons, ...(byEmail?.persons ?? [])].map((person) => [person.id, person]),
  );
  const linked = new Map(
    (await linksByPerson(db, [...persons.keys()])).map((link) => [link.marketoId, link]),
  );
  const found = [...persons.values()].map(({ id, values }) => ({
    marketoId: id,
    emailKey: emailKey(textOf(values['email'])),
    crmKey: textOf(values['dynamicsId'])?.toLowerCase() ?? null,
    values,
  }));
  const promised = await rowsPromisedTo(db, found, ids);
  return {
    free: found.filter(({ marketoId, crmKey }) => !linked.has(marketoId) && !promised.has(crmKey)),
    taken: found.flatMap((person) => {
      const link = linked.get(person.marketoId);
      return link === undefined ? [] : [{ ...person, awaitsKey: link.stamp !== null }];
    }),
    unknown: unknownHolders(byEmail?.unaskable ?? []),
  };
};

/** E-mails that Marketo could not be asked for: nobody knows who has them. */
export const unknownHolders = (unaskable: readonly Unaskable[]): UnknownHolders =>
  new Map(
    unaskable.flatMap(({ value, because }) => {
      const key = emailKey(value);
      if (key === null || because === 'blank') return [];
      return [[key, because === 'comma' ? ('comma' as const) : ('too-many' as const)] as const];
    }),
  );

/**
 * Keys of persons that name a living row outside this group: the key comes before the e-mail, so they wait for it. A row
 * that takes no part promises nothing.
 */
const rowsPromisedTo = async (
  db: Database,
  found: readonly Found[],
  ids: readonly string[],
): Promise<Set<string | null>> => {
  const elsewhere = found.flatMap(({ crmKey }) =>
    crmKey !== null && isGuid(crmKey) && !ids.includes(crmKey) ? crmKey : [],
  );
  const rows = await linksByRow(db, elsewhere);
  return new Set(
    rows
      .filter(({ status }) => status !== 'ended' && status !== 'excluded')
      .map(({ dynamicsId }) => dynamicsId),
  );
};
