import { fieldsOf, FIELDS, type FieldName } from '../fields.js';
import type { Link, Person, Row, World } from './state.js';
import { blankValues, linkOfPerson, linkOfRow, next, rowOf } from './state.js';

/** Rows without a person find theirs, or get one. docs/rules.md, "Who is created where". */
export const matchRows = (world: World): void => {
  const waiting = world.links.filter((link) => link.status === 'waiting' && !isStolen(world, link));
  const free = Object.values(world.persons).filter((person) => isFree(world, person));
  const open = new Set(waiting);
  const left = new Set(free);
  for (const link of waiting) {
    const carriers = free.filter(({ key }) => key === link.row);
    if (carriers.length === 0) continue;
    open.delete(link);
    for (const person of carriers) left.delete(person);
    const [only] = carriers;
    if (carriers.length === 1 && only !== undefined) pair(link, only);
  }
  for (const [email, links] of byEmail(world, [...open])) {
    const persons = [...left].filter(
      (person) => person.values.email === email && !isPromised(world, person, waiting),
    );
    const [link] = links;
    const [person] = persons;
    if (email === null || person === undefined) for (const each of links) giveBirth(world, each);
    else if (links.length === 1 && persons.length === 1 && link !== undefined) pair(link, person);
  }
};

const byEmail = (world: World, links: readonly Link[]): Map<unknown, Link[]> => {
  const groups = new Map<unknown, Link[]>();
  for (const link of links) {
    const email = rowOf(world, link.row).values.email;
    groups.set(email, [...(groups.get(email) ?? []), link]);
  }
  return groups;
};

export const isFree = (world: World, { id, gone }: Person): boolean =>
  !gone && linkOfPerson(world, id) === undefined;

/** A linked person carries this row's key: people have to sort that out. */
const isStolen = (world: World, { row }: Link): boolean =>
  world.links.some(
    ({ person, status }) => status !== 'ended' && person !== null && world.persons[person]?.key === row,
  );

/** The key comes before the e-mail: the person belongs to a living row elsewhere. */
const isPromised = (world: World, { key }: Person, waiting: readonly Link[]): boolean => {
  if (key === null || waiting.some(({ row }) => row === key)) return false;
  const link = linkOfRow(world, key);
  return link !== undefined && link.status !== 'ended' && link.status !== 'excluded';
};

/** Both are known now: nothing is agreed between them yet. */
export const pair = (link: Link, person: Person): void => {
  Object.assign(link, { person: person.id, status: 'linked', base: {}, parked: {}, awaits: null });
  link.stamp = person.key === link.row && !person.flagged ? null : 'key';
};

/** The row gets a person of its own, which holds what the row holds. */
const giveBirth = (world: World, link: Link): void => {
  const row = rowOf(world, link.row);
  const person: Person = {
    id: bornOf(world, row),
    ...{ values: blankValues(), key: row.id, flagged: false, gone: false },
  };
  world.persons[person.id] = person;
  pair(link, person);
  link.born = 'new';
  for (const { name, direction } of fieldsOf(row.kind)) {
    if (direction === 'toDynamics' || row.values[name] === null || row.values[name] === false) continue;
    person.values[name] = row.values[name];
    link.base[name] = [row.values[name]];
  }
};

/** Persons that the sync makes are named after their rows, one after the other. */
const bornOf = (world: World, { id }: Row): string => {
  const before = Object.keys(world.persons).filter((other) => other.startsWith(`${id}+`));
  return `${id}+${String(before.length + 1)}`;
};

/** What a row holds that is made with these values. */
export const rowValues = (row: Pick<Row, 'kind'>, given: Partial<Row['values']>): Row['values'] => {
  const values = blankValues();
  for (const { name, initial } of fieldsOf(row.kind)) if (initial !== undefined) values[name] = initial;
  for (const name of Object.keys(given) as FieldName[]) {
    if (FIELDS[name].columns[row.kind] !== undefined) values[name] = given[name] ?? null;
  }
  return values;
};

export const newLink = (world: World, row: string, status: Link['status']): Link => {
  const link: Link = {
    ...{ seq: next(world), row, person: null, status, base: {}, parked: {} },
    ...{ awaits: null, stamp: null, born: null },
  };
  world.links.push(link);
  return link;
};
