import { mergeInto, qualifyInto, stepTo } from '../rules/follow.js';
import type { Link } from '../rules/link.js';
import { endedWith } from '../rules/lost-edits.js';
import type { Mapping } from '../rules/mapping.js';
import { withFlag, withHold, without } from '../rules/scope.js';
import { observe } from '../rules/observe.js';
import { rejectionsOf, waitsForRight } from '../rules/parked.js';
import type { FieldValues } from '../rules/terms.js';
import type { Database } from '../store/database.js';
import { insertLinks, linksByRow, saveLinks } from '../store/links.js';
import { closeRejections } from '../store/rejections.js';
import { markSuccessors, pendingSuccessions, waitingInVain, type FollowedTo } from '../store/succession.js';
import { currentMapping } from './catalog.js';
import { atRest, closeLink, endLink, isMakingPerson } from './endings.js';
import { personFields } from './person-fields.js';
import { closePairs, takeOverHolds } from './holds.js';
import { keyOf } from './keys.js';
import { joinedBy } from './merged-persons.js';
import { busy } from './request.js';
import { contextOf } from './reread.js';
import type { Attempt, Ports } from './settings.js';
import { readSuccessors, type SuccessorRow } from './successors.js';

/** Pairs that follow together: their persons fit into one call. */
const AT_ONCE = 300;

/**
 * Lets pairs follow the rows that took their rows' places, a qualified lead's to its contact and a merged row's to its
 * master: after both tables were read, so that either may have told of it, and before a row is matched or a field decided.
 * Costs no call where nothing was qualified or merged.
 */
export const followSuccessors = async (ports: Ports, attempt: Attempt): Promise<void> => {
  await markSuccessors(ports.db);
  await releaseRows(ports);
  for (let after: FollowedTo | null = null; ;) {
    const pending = await pendingSuccessions(ports.db, after, AT_ONCE);
    const last = pending.at(-1);
    if (last === undefined) return;
    const links = pending.map(({ link }) => link);
    await followSome(ports, links, attempt);
    after = last.at;
    attempt.progress();
  }
};

/** The person that a row waited for lost its own row: two such rows for one person would be a third case, so one at a time. */
const releaseRows = async (ports: Ports): Promise<void> => {
  const freed = new Map((await waitingInVain(ports.db)).map(({ link, marketoId }) => [marketoId, link]));
  const links = [...freed].map(([marketoId, link]) => joinedBy(link, marketoId));
  await ports.db.transaction().execute(async (tx) => saveAll(ports, tx, await takeOverHolds(tx, links)));
};

const followSome = async (ports: Ports, links: readonly Link[], { signal }: Attempt): Promise<void> => {
  const rows = await readSuccessors(ports, links, signal);
  const mapping = await currentMapping(ports);
  const persons = await personsOf(
    ports,
    links.filter(({ id }) => rows.has(id)),
    mapping,
    signal,
  );
  for (const link of links) {
    const found = rows.get(link.id);
    const person = persons.get(link.marketoId ?? 0) ?? {};
    await ports.db
      .transaction()
      .execute((tx) =>
        found === undefined
          ? saveAll(ports, tx, [withoutSuccessor(link)])
          : follow({ ports, tx, mapping }, link, person, found),
      );
  }
};

/** Every mapped field of these persons, as it is now: what we wrote is settled by it, or was not there yet. */
const personsOf = async (
  { marketo }: Ports,
  links: readonly Link[],
  mapping: Mapping,
  signal: AbortSignal,
): Promise<Map<number, FieldValues>> => {
  const values = links.flatMap(({ marketoId, status }) => (status === 'tombstone' ? [] : (marketoId ?? [])));
  if (values.length === 0) return new Map();
  const { persons } = await marketo.readPersons({ by: 'id', values, fields: personFields(mapping) }, signal);
  return new Map(persons.map(({ id, values: held }) => [id, held]));
};

interface Move {
  readonly ports: Ports;
  readonly tx: Database;
  readonly mapping: Mapping;
}

const follow = async (move: Move, link: Link, person: FieldValues, found: SuccessorRow): Promise<void> => {
  const { ports, tx } = move;
  const [other] = await linksByRow(tx, [found.row.dynamicsId]);
  switch (stepTo(link, other)) {
    case 'move':
      await changePlaces(
        move,
        { link, there: inScopeOf(moved(move, link, person, found), found, other), other },
        found,
      );
      return;
    case 'set-aside':
      await closeRejections(tx, rejectionsOf(link));
      return saveAll(ports, tx, [setAside(link, found, other)]);
    case 'close':
      return saveAll(ports, tx, isMakingPerson(link) ? [endLink(link)] : await closePairs(tx, [link]));
    case 'wait':
      // Clean until then, so that nothing is decided on a row that is history.
      return saveAll(ports, tx, [{ ...link, dirty: false }]);
  }
};

/** The pair on its new row: whatever was known of both sides counts, as the kind of succession says. */
const moved = ({ ports, mapping }: Move, link: Link, person: FieldValues, found: SuccessorRow): Link => {
  const before = mapping.fields[link.kind];
  const { by, row, fields } = found;
  const current = observe(link, { side: 'marketo', values: person }, contextOf(ports, before)).link;
  const there =
    by === 'qualified'
      ? qualifyInto(current, person, row, { before, after: fields })
      : mergeInto(current, person, row, fields);
  switch (link.status) {
    case 'tombstone':
      return { ...there, ...ASLEEP, dirty: false };
    case 'unmatched':
      return { ...there, ...ASLEEP };
    default: {
      const ending = { side: 'dynamics', rule: by, kept: row.values } as const;
      return endedWith(link, { ...there, status: 'linked', stamp: keyOf(row) }, ending);
    }
  }
};

const ASLEEP = { rereadMarketo: false, rereadDynamics: false } as const;

/** The new row's own flag counts from now on, and a hold on either stays. */
const inScopeOf = (there: Link, { flag }: SuccessorRow, other: Link | undefined): Link => {
  const hold = other?.outOfScope?.hold;
  const flagged = withFlag(without(there, 'row'), flag, true);
  return { ...(hold === undefined ? flagged : withHold(flagged, hold)), dirty: there.dirty };
};

/** The pair takes the new row's link's place, and that one keeps the old row, which takes no part any more. */
const changePlaces = async (
  { ports, tx }: Move,
  { link, there, other }: { readonly link: Link; readonly there: Link; readonly other: Link | undefined },
  found: SuccessorRow,
): Promise<void> => {
  const { kind, dynamicsId, emailKey, etag, predecessor } = link;
  const nothing = { marketo: {}, dynamics: {} };
  const old = {
    kind,
    dynamicsId,
    emailKey,
    etag,
    predecessor,
    seen: nothing,
    successor: nameOf(found),
    outOfScope: null,
  };
  await closeRejections(tx, [link, ...(other === undefined ? [] : [other])].flatMap(rejectionsOf));
  if (other === undefined) {
    await saveAll(ports, tx, [there]);
    await insertLinks(tx, [{ ...old, status: 'excluded', marketoId: null }]);
    return;
  }
  const emptied = { ...closeLink(other), ...old, agreed: nothing, causes: {} };
  // A row has one link at every moment.
  await saveAll(ports, tx, [{ ...emptied, dynamicsId: null }], [there.id]);
  await saveAll(ports, tx, [there]);
  await saveAll(ports, tx, [{ ...emptied, version: emptied.version + 1 }]);
};

const nameOf = ({ by, row }: SuccessorRow): Link['successor'] => ({ by, kind: row.kind, id: row.dynamicsId });

/** Two pairs for one row: nothing is written until one of them is gone. */
const setAside = (link: Link, found: SuccessorRow, other: Link | undefined): Link => {
  const { by, row } = found;
  const still: Link = { ...asItWaits(link), stamp: null, successor: nameOf(found) };
  const candidates = [
    { side: 'dynamics' as const, kind: row.kind, id: row.dynamicsId },
    ...(other?.marketoId == null ? [] : [{ side: 'marketo' as const, id: String(other.marketoId) }]),
  ];
  const aside: Link =
    by === 'merged'
      ? { ...still, status: 'merged-away' }
      : { ...still, status: 'ambiguous', ambiguity: 'qualified', candidates };
  return endedWith(link, aside, { side: 'dynamics', rule: by, kept: row.values });
};

/** As it is while it is set aside: it may go on, with edits that were covered and what people gave up. */
const asItWaits = (link: Link): Link => {
  const still = atRest(link);
  const parked = Object.entries(still.parked).filter(
    ([, each]) => each.rejectionId === null && !waitsForRight(each),
  );
  return {
    ...still,
    // Nobody looks for what becomes of them.
    writes: still.writes.map((write) =>
      write.state === 'settled' ? write : { ...write, state: 'superseded' },
    ),
    parked: Object.fromEntries(parked),
  };
};

/** Nothing took the row's place after all, or it is gone by now. */
const withoutSuccessor = (link: Link): Link => {
  const alone = { ...link, successor: null };
  if (link.status === 'unmatched') return closeLink(alone);
  if (link.status === 'tombstone' || (link.status === 'linked' && link.successor?.by === 'qualified'))
    return alone;
  // A merged row is no record any more, and its master is gone.
  if (link.successor?.by === 'merged') return endLink(alone);
  return {
    ...{ ...alone, status: 'linked', candidates: null },
    ...{ dirty: true, rereadMarketo: true, rereadDynamics: true },
  };
};

/** @throws RemoteFailure `Busy` when somebody else changed one of them: the step begins again. */
const saveAll = async (
  { timing }: Ports,
  tx: Database,
  links: readonly Link[],
  savedNext?: readonly number[],
): Promise<void> => {
  const saved = await saveLinks(tx, links, timing.overlapMs, savedNext);
  if (saved.size < links.length) throw busy('a pair whose row has a successor');
};
