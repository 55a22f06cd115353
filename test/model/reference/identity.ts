import { fieldsOf } from '../fields.js';
import type { Pick } from './choices.js';
import { newLink } from './matching.js';
import {
  isHeldBack,
  linkOfPerson,
  linkOfRow,
  personOf,
  rowOf,
  type Link,
  type PersonEvent,
  type Row,
  type World,
} from './state.js';

/** A row that takes no part any more, and has no person. */
const close = (link: Link): void => {
  Object.assign(link, { person: null, status: 'excluded', stamp: null, awaits: null, parked: {} });
};

/** The row goes on with another person, with whom nothing is agreed. */
const join = (link: Link, person: string): void => {
  Object.assign(link, { person, status: 'linked', stamp: 'key', awaits: null, base: {}, parked: {} });
  link.born = 'new';
};

/**
 * Entries of a person that is merged away are the winner's from then on, also that of an earlier merge into it: whoever
 * reads both reads one winner.
 */
const asTold = (told: readonly PersonEvent[]): PersonEvent[] =>
  told.map((event, at) => {
    if (event.is !== 'merged') return event;
    const later = told.slice(at + 1);
    const winner = later.reduce(
      (name, next) => (next.is === 'merged' && next.loser === name ? next.winner : name),
      event.winner,
    );
    return { ...event, winner };
  });

/** Persons that were deleted and merged, as Marketo tells it: deletions first, and merges are stronger. */
export const seePersons = (world: World): void => {
  const told = asTold(world.events);
  world.events = [];
  for (const event of told) if (event.is === 'deleted') bury(world, event.person);
  for (const event of told) if (event.is === 'merged') followMerge(world, event);
  // A pair may have come to somebody who was deleted soon after the merge.
  for (const { person } of world.links)
    if (person !== null && personOf(world, person).gone) bury(world, person);
};

const bury = (world: World, person: string): void => {
  const link = linkOfPerson(world, person);
  if (link === undefined || link.status === 'tombstone') return;
  if (isHeldBack(link)) close(link);
  else Object.assign(link, { status: 'tombstone', stamp: null, parked: {} });
};

/** docs/rules.md, "Merges", in Marketo. */
const followMerge = (world: World, { winner, loser }: Extract<PersonEvent, { is: 'merged' }>): void => {
  for (const link of world.links) if (link.awaits === loser) link.awaits = winner;
  const [lost, kept] = [linkOfPerson(world, loser), linkOfPerson(world, winner)];
  if (lost === undefined) return;
  if (isHeldBack(lost)) {
    if (kept === undefined) lost.person = winner;
    else close(lost);
    return;
  }
  if (kept !== undefined && !isHeldBack(kept)) {
    Object.assign(lost, { status: 'merged-away', person: null, awaits: winner, stamp: null, parked: {} });
    return;
  }
  if (kept !== undefined) close(kept);
  join(lost, winner);
};

/** Rows that are new, closed, or gone. */
export const seeRows = (world: World): void => {
  for (const row of Object.values(world.rows)) {
    const link = linkOfRow(world, row.id);
    if (link === undefined && row.state !== 'gone')
      newLink(world, row.id, row.state === 'open' ? 'waiting' : 'excluded');
    if (link === undefined) continue;
    if (row.state === 'gone') end(link);
    else if (
      row.state !== 'open' &&
      link.person === null &&
      link.status !== 'excluded' &&
      link.status !== 'ended'
    )
      close(link);
  }
};

/** The row is gone: a person that was paired with it is told so. */
const end = (link: Link): void => {
  if (link.status === 'ended') return;
  const told = link.person !== null && (link.status === 'linked' || isHeldBack(link));
  Object.assign(link, { status: 'ended', stamp: told ? 'flag' : null, awaits: null, parked: {} });
};

/** Pairs follow the rows that took their rows' places. docs/rules.md, "Qualification" and "Merges". */
export const follow = (world: World, pick: Pick): void => {
  for (const person of new Set(world.links.flatMap(({ awaits }) => awaits ?? []))) {
    const [first, ...others] = world.links.filter(
      ({ status, awaits }) => status === 'merged-away' && awaits === person,
    );
    // Which of several rows gets the person, the rules leave open.
    if (first !== undefined && isAlone(world, person)) join(pick([first, ...others]), person);
  }
  for (const link of inTurn(world, pick)) {
    if (isFollower(world, link)) followRow(world, link);
  }
};

const isFollower = (world: World, link: Link): boolean =>
  link.person !== null &&
  link.status !== 'ended' &&
  link.status !== 'excluded' &&
  rowOf(world, link.row).state !== 'open';

/** Of several that lead to one contact the lead it was made of is first, then whichever was known first. */
const inTurn = (world: World, pick: Pick): Link[] => {
  const turn: Link[] = [];
  let rest = world.links.filter((link) => isFollower(world, link)).sort((a, b) => a.seq - b.seq);
  while (rest.length > 0) {
    const [oldest, ...others] = rest as [Link, ...Link[]];
    const heir = heirOf(world, rowOf(world, oldest.row)).row;
    const rivals = others.filter(({ row }) => heirOf(world, rowOf(world, row)).row === heir);
    const first =
      [oldest, ...rivals].find(({ row }) => row === heir.madeOf) ??
      // Rows that were first seen in one cycle have no order that people could tell.
      (rivals.length === 0 ? oldest : pick([oldest, ...rivals]));
    turn.push(first);
    rest = rest.filter((link) => link !== first);
  }
  return turn;
};

const isAlone = (world: World, person: string): boolean => linkOfPerson(world, person) === undefined;

interface Heir {
  readonly row: Row;
  readonly by: 'qualified' | 'merged';
}

/** The row at the end of the chain; `by` is the last step. */
const heirOf = (world: World, { id }: Row): Heir => {
  const row = rowOf(world, id);
  const by = row.state === 'merged' ? 'merged' : 'qualified';
  const heir = row.into === null ? row : rowOf(world, row.into);
  return heir.state === 'open' || heir.state === 'gone' || heir.into === null
    ? { row: heir, by }
    : heirOf(world, heir);
};

const followRow = (world: World, link: Link): void => {
  const row = rowOf(world, link.row);
  if (row.into === null) return;
  const heir = heirOf(world, row);
  const rival = linkOfRow(world, heir.row.id);
  if (isHeldBack(link) && rival?.status === 'linked') return;
  const isTaken = rival?.status === 'linked' || (rival?.status === 'aside' && rival.person !== null);
  const isNobodys = link.status === 'tombstone' && (isTaken || rival?.status === 'tombstone');
  if (heir.row.state === 'gone') withoutHeir(link, row);
  else if (isNobodys) close(link);
  else if (isTaken) setAside(link, heir);
  else move(world, link, row, heir);
};

const setAside = (link: Link, { by }: Heir): void => {
  Object.assign(link, { status: by === 'merged' ? 'merged-away' : 'aside', stamp: null, parked: {} });
};

/** What took the row's place is gone too. */
const withoutHeir = (link: Link, row: Row): void => {
  if (link.status === 'tombstone') return;
  if (row.state === 'merged') end(link);
  // What was typed while it was set aside may be read in the next cycle only.
  else if (link.status !== 'linked') Object.assign(link, { status: 'linked', stamp: null, born: 'again' });
};

const move = (world: World, link: Link, from: Row, { row, by }: Heir): void => {
  const rival = linkOfRow(world, row.id);
  const base = by === 'merged' ? {} : baseOnContact(link, from, row);
  world.links = world.links.filter((each) => each !== rival);
  newLink(world, from.id, 'excluded');
  const status = link.status === 'tombstone' ? 'tombstone' : 'linked';
  Object.assign(link, { row: row.id, base, parked: {}, status, awaits: null });
  link.stamp = status === 'linked' ? 'key' : null;
};

/** What counts as agreed on the contact: the table in docs/rules.md, "Qualification". */
const baseOnContact = (link: Link, lead: Row, contact: Row): Link['base'] => {
  const base: Link['base'] = {};
  for (const { name, columns, consent, initial } of fieldsOf(contact.kind)) {
    const agreed = link.base[name];
    if (consent || columns[lead.kind] === undefined || agreed === undefined) continue;
    const held = contact.values[name];
    const isBlank = held === null || held === (initial ?? null);
    const isCarried = !isBlank || lead.values[name] === held;
    base[name] = agreed.map((each) => (each === undefined || isCarried ? each : held));
  }
  return base;
};

/** Persons learn their keys, and the loss of their rows. */
export const tellPersons = (world: World): void => {
  for (const link of world.links) {
    if (link.stamp === null || link.person === null) continue;
    const person = personOf(world, link.person);
    if (link.stamp === 'key') Object.assign(person, { key: link.row, flagged: false });
    else if (isAlone(world, person.id)) person.flagged = true;
    link.stamp = null;
  }
};
