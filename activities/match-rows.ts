import { apartOf } from '../rules/ambiguity.js';
import type { Candidate, Link } from '../rules/link.js';
import type { Mapping } from '../rules/mapping.js';
import { match, type AmbiguousGroup, type Matching, type UnmatchedRow } from '../rules/matching.js';
import { isInScope, withFlag } from '../rules/scope.js';
import { KINDS, type Kind } from '../rules/terms.js';
import { isCreationRefused } from '../rules/trials.js';
import { loadCatalog } from '../store/catalogs.js';
import { claimEmails, releaseEmails } from '../store/claims.js';
import { cursor } from '../store/cursors.js';
import { forgetFormer, linksById, saveLinks, unmatchedByEmail } from '../store/links.js';
import { claimMs } from './claimed.js';
import { personFlag } from './flags.js';
import { takeOverHolds } from './holds.js';
import { keyHeldBy, keyOf } from './keys.js';
import { agreedAtBirth, newPersonValues } from './new-person.js';
import { personsOfRows, type Found, type Taken } from './persons-of-rows.js';
import { tellNewborn } from './refusals.js';
import { withTheirRows } from './reread.js';
import { EMAIL_COLUMN } from './rows.js';
import type { Attempt, Ports } from './settings.js';

export interface Matched {
  /** Links that have both records now; they are saved, and dirty. */
  readonly linked: readonly Link[];
  /** Rows for which a person is to be created. */
  readonly created: number;
  readonly quarantined: number;
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
  const open = await withKnownEmail(ports, waiting.filter(takesPart));
  if (open.length === 0) return { linked: [], created: 0, quarantined: 0 };
  const keys = open.flatMap(({ emailKey: key }) => key ?? []);
  const held = await claimEmails(ports.db, keys, attempt.holder, claimMs(ports.timing));
  try {
    const nameless = open.filter((link) => link.emailKey === null);
    const group = await unmatchedByEmail(ports.db, [...held]);
    const ids = nameless.map(({ id }) => id);
    const there = [...(await linksById(ports.db, ids)), ...group].filter(takesPart);
    const links = await readWaiting(ports, there, attempt.signal);
    const { free, taken, unknown } = await personsOfRows(ports, mapping, links, attempt.signal);
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

/** Rows that wait for the backfill lane, which reads pairs alone, are read now: nothing is paired with what is out of date. */
const readWaiting = async (ports: Ports, links: readonly Link[], signal: AbortSignal): Promise<Link[]> => {
  const current = new Map<number, Link>();
  for (const kind of KINDS) {
    const due = links.filter((link) => link.kind === kind && link.backfillDynamics);
    if (due.length === 0) continue;
    for (const link of await withTheirRows(ports, kind, due, (same) => same, signal))
      current.set(link.id, link);
  }
  return links.map((link) => current.get(link.id) ?? link);
};

/**
 * Without rows whose address cannot be read, or was not read since it can be again: the person may be there, so they wait.
 */
const withKnownEmail = async ({ db }: Ports, links: readonly Link[]): Promise<Link[]> => {
  const known = new Set<Kind>(KINDS);
  if (links.some(({ emailKey }) => emailKey === null)) {
    const columns = (await loadCatalog(db))?.catalog.dynamics;
    for (const kind of KINDS) {
      const selection = (await cursor(db, `dynamics/${kind}`))?.selection ?? '';
      const isRead = selection === '' || selection.split(',').includes(EMAIL_COLUMN);
      if (!isRead || columns?.[kind][EMAIL_COLUMN]?.readable === false) known.delete(kind);
    }
  }
  return links.filter(({ emailKey, kind }) => emailKey !== null || known.has(kind));
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
  const rows = alone.flatMap(linkOf);
  const lonely = rows.filter((link) => !isCreationRefused(link)).map((link) => awaitingPerson(link, mapping));
  const refused = rows.filter(isCreationRefused).map((link) => ({ ...link, dirty: false }));
  const unclear = ambiguous.flatMap((group) =>
    group.rows.flatMap(linkOf).map((link) => setAside(link, group)),
  );
  const saved = await ports.db.transaction().execute(async (tx) => {
    const done = await saveLinks(
      tx,
      [...(await takeOverHolds(tx, paired)), ...lonely, ...refused, ...unclear, ...stolen],
      ports.timing.overlapMs,
    );
    const together = [...done.values()].filter(({ status }) => status === 'linked');
    await tellNewborn(tx, together);
    const persons = together.flatMap(({ marketoId }) => marketoId ?? []);
    await forgetFormer(tx, persons);
    const torn = ambiguous.flatMap((group) => leftBehind(group.rows.flatMap(linkOf), done));
    for (const [id, link] of await saveLinks(tx, torn, ports.timing.overlapMs)) done.set(id, link);
    return done;
  });
  const kept = (some: readonly Link[]): Link[] => some.flatMap(({ id }) => saved.get(id) ?? []);
  return {
    linked: kept(paired),
    created: kept(lonely).length,
    quarantined: kept(unclear).length + kept(stolen).length,
  };
};

/** Rows of a group that somebody else moved another row of while it was judged: it is looked at again. */
const leftBehind = (group: readonly Link[], saved: ReadonlyMap<number, Link>): Link[] =>
  group.every(({ id }) => saved.has(id))
    ? []
    : group.flatMap(({ id }) => saved.get(id) ?? []).map((link) => ({ ...link, dirty: true }));

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
  creation: {
    values: newPersonValues(link, mapping.fields[link.kind]),
    sentAt: null,
    deadline: null,
    doubts: (link.creation?.doubts ?? 0) + (link.creation?.sentAt == null ? 0 : 1),
  },
  dirty: true,
});

const setAside = (link: Link, { why, rows, persons }: AmbiguousGroup): Link => {
  const others = rows.filter(({ linkId }) => linkId !== link.id);
  const candidates: Candidate[] = [
    ...persons.map(({ marketoId }) => ({ side: 'marketo' as const, id: String(marketoId) })),
    ...others.map(({ kind, dynamicsId }) => ({ side: 'dynamics' as const, kind, id: dynamicsId })),
  ];
  const aside = { status: 'ambiguous', ambiguity: why, candidates } as const;
  return { ...link, ...aside, creation: null, parked: {}, dirty: false };
};
