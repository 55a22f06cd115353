import { apartOf, type UnknownHolders } from '../rules/ambiguity.js';
import { emailKey } from '../rules/email.js';
import type { Candidate, Link } from '../rules/link.js';
import type { Mapping } from '../rules/mapping.js';
import {
  match,
  type AmbiguousGroup,
  type FreePerson,
  type Matching,
  type UnmatchedRow,
} from '../rules/matching.js';
import type { Unaskable } from '../marketo/index.js';
import { isInScope, withFlag } from '../rules/scope.js';
import type { FieldValues } from '../rules/terms.js';
import { wakeAmbiguous } from '../store/ambiguous.js';
import { claimEmails, releaseEmails } from '../store/claims.js';
import type { Database } from '../store/database.js';
import { linksById, linksByPerson, linksByRow, saveLinks, unmatchedByEmail } from '../store/links.js';
import { claimMs } from './claimed.js';
import { takeOverHolds } from './holds.js';
import { keyHeldBy, keyOf } from './keys.js';
import { agreedAtBirth, newPersonValues } from './new-person.js';
import { personFields } from './fetch-marketo.js';
import { tellNewborn } from './refusals.js';
import { personFlag } from './reread.js';
import { textOf } from './rows.js';
import type { Attempt, Ports } from './settings.js';

export interface Matched {
  /** Links that have both records now; they are saved, and dirty. */
  readonly linked: readonly Link[];
  /** Rows for which a person is to be created. */
  readonly created: number;
  readonly quarantined: number;
}

/** A person that no link holds, with its values. */
interface Found extends FreePerson {
  readonly values: FieldValues;
}

/** A person of another link. */
interface Taken extends Found {
  /** It is still to be given the key of its own row. */
  readonly awaitsKey: boolean;
}

interface Persons {
  readonly free: readonly Found[];
  readonly taken: readonly Taken[];
  readonly unknown: UnknownHolders;
}

/**
 * Finds the persons of rows that have none, whole e-mail groups at a time, and holds their e-mails meanwhile, so that a
 * request for one of these persons waits instead of making a second record.
 */
export const matchRows = async (
  ports: Ports,
  mapping: Mapping,
  waiting: readonly Link[],
  attempt: Attempt,
): Promise<Matched> => {
  const open = waiting.filter(takesPart);
  if (open.length === 0) return { linked: [], created: 0, quarantined: 0 };
  const keys = open.flatMap(({ emailKey: key }) => key ?? []);
  const held = await claimEmails(ports.db, keys, attempt.holder, claimMs(ports.timing));
  try {
    const nameless = open.filter((link) => link.emailKey === null);
    const group = await unmatchedByEmail(ports.db, [...held]);
    const links = [
      ...(await linksById(
        ports.db,
        nameless.map(({ id }) => id),
      )),
      ...group,
    ].filter(takesPart);
    const { free, taken, unknown } = await personsOf(ports, mapping, links, attempt.signal);
    const stolen = links.flatMap((link) => {
      const holder = taken.find(({ crmKey }) => crmKey === link.dynamicsId);
      return holder === undefined ? [] : [waitForKey(link, holder)];
    });
    const due = links.filter(
      (link) => !isInDoubt(link, free, ports) && !stolen.some(({ id }) => id === link.id),
    );
    const matching = match(due.map(rowOf), free, unknown);
    return await keep(ports, mapping, { links: due, stolen, matching });
  } finally {
    await releaseEmails(ports.db, attempt.holder);
  }
};

/** A row that has no person and may get one. */
const takesPart = (link: Link): boolean =>
  (link.status === 'unmatched' || link.status === 'ambiguous') &&
  link.dynamicsId !== null &&
  link.marketoId === null &&
  isInScope(link);

const rowOf = ({ id, kind, dynamicsId, emailKey: key, decision }: Link): UnmatchedRow => ({
  linkId: id,
  kind,
  dynamicsId: dynamicsId ?? '',
  emailKey: key,
  apart: apartOf(decision),
});

/**
 * The person that carries the row's key belongs to another one. Where it was decided not to be this row's, it is about to
 * be given its own key again: until then a creation by this key would find it.
 */
const waitForKey = (link: Link, { marketoId, awaitsKey }: Taken): Link => {
  const isDecided = apartOf(link.decision)?.persons.includes(marketoId) === true;
  return isDecided && awaitsKey ? { ...link, dirty: true } : keyHeldBy(link, marketoId);
};

/**
 * A creation whose call got no answer may still make its person: it is not repeated, nor matched otherwise, until its
 * time is over or the person is found by our key.
 */
const isInDoubt = (link: Link, persons: readonly Found[], { timing }: Ports): boolean => {
  const deadline = link.creation?.deadline ?? null;
  if (deadline === null || persons.some(({ crmKey }) => crmKey === link.dynamicsId)) return false;
  return Date.now() < Date.parse(deadline) + timing.doubtMs;
};

/** Persons that these rows may belong to, by key and by e-mail, and those among them that belong to other rows. */
const personsOf = async (
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

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

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
    crmKey !== null && GUID.test(crmKey) && !ids.includes(crmKey) ? crmKey : [],
  );
  const rows = await linksByRow(db, elsewhere);
  return new Set(
    rows
      .filter(({ status }) => status !== 'ended' && status !== 'excluded')
      .map(({ dynamicsId }) => dynamicsId),
  );
};

interface Sorted {
  readonly links: readonly Link[];
  /** Links whose key another row's person carries. */
  readonly stolen: readonly Link[];
  readonly matching: Matching;
}

const keep = async (
  ports: Ports,
  mapping: Mapping,
  { links, stolen, matching: { pairs, alone, ambiguous } }: Sorted,
): Promise<Matched> => {
  const byId = new Map(links.map((link) => [link.id, link]));
  const linkOf = ({ linkId }: UnmatchedRow): Link[] => {
    const link = byId.get(linkId);
    return link === undefined ? [] : [link];
  };
  const paired = pairs.flatMap(({ row, person }) =>
    linkOf(row).map((link) => joined(link, person as Found, mapping)),
  );
  const lonely = alone.flatMap((row) => linkOf(row).map((link) => awaitingPerson(link, mapping)));
  const unclear = ambiguous.flatMap((group) =>
    group.rows.flatMap(linkOf).map((link) => setAside(link, group)),
  );
  const saved = await ports.db.transaction().execute(async (tx) => {
    const done = await saveLinks(
      tx,
      [...(await takeOverHolds(tx, paired)), ...lonely, ...unclear, ...stolen],
      ports.timing.overlapMs,
    );
    const together = [...done.values()].filter(({ status }) => status === 'linked');
    await tellNewborn(tx, together);
    // Other groups that had one of these persons for a candidate.
    await wakeAmbiguous(tx, { emailKeys: [], persons: together.flatMap(({ marketoId }) => marketoId ?? []) });
    return done;
  });
  const kept = (some: readonly Link[]): Link[] => some.flatMap(({ id }) => saved.get(id) ?? []);
  return {
    linked: kept(paired),
    created: kept(lonely).length,
    quarantined: kept(unclear).length + kept(stolen).length,
  };
};

/** The pair is complete: born dirty, read again on both sides by the next cycle, so that no edit made meanwhile is lost. */
const joined = (link: Link, person: Found, mapping: Mapping): Link => {
  const known = mapping.fields[link.kind].filter(({ name }) => Object.hasOwn(person.values, name));
  const marketo = Object.fromEntries(known.map(({ name }) => [name, person.values[name] ?? null]));
  const there: Link = {
    ...link,
    status: 'linked',
    marketoId: person.marketoId,
    stamp: person.crmKey === link.dynamicsId && !isFlagged(person) ? null : keyOf(link),
    agreed: isOurs(link, person) ? agreedAtBirth(link, mapping.fields[link.kind]) : link.agreed,
    seen: { ...link.seen, marketo },
    creation: null,
    candidates: null,
    dirty: true,
    rereadMarketo: true,
    rereadDynamics: true,
  };
  return withFlag(there, personFlag(mapping.scope.person, person.values), true);
};

/** Told of the loss of its row, which is there again. */
const isFlagged = ({ values }: Found): boolean => values['dynamicsDeleted'] === true;

/** The person is the one that a call without an answer made. */
const isOurs = ({ creation, dynamicsId }: Link, { crmKey }: Found): boolean =>
  creation?.sentAt != null && crmKey === dynamicsId;

const awaitingPerson = (link: Link, mapping: Mapping): Link => ({
  ...link,
  status: 'unmatched',
  candidates: null,
  creation: { values: newPersonValues(link, mapping.fields[link.kind]), sentAt: null, deadline: null },
  dirty: true,
});

const setAside = (link: Link, { why, rows, persons }: AmbiguousGroup): Link => {
  const others = rows.filter(({ linkId }) => linkId !== link.id);
  const candidates: Candidate[] = [
    ...persons.map(({ marketoId }) => ({ side: 'marketo' as const, id: String(marketoId) })),
    ...others.map(({ kind, dynamicsId }) => ({ side: 'dynamics' as const, kind, id: dynamicsId })),
  ];
  return { ...link, status: 'ambiguous', ambiguity: why, candidates, creation: null, dirty: false };
};
