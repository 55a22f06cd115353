import { fieldsOf, type FieldName, type Kind } from '../fields.js';
import { breaksRule, isTooLong } from './merge.js';
import { isFree, newLink, pair, rowValues } from './matching.js';
import {
  copyOf,
  linkOfPerson,
  linkOfRow,
  next,
  personOf,
  Unknown,
  type Person,
  type Row,
  type Values,
  type World,
} from './state.js';

/** What the action "Sync Person to Dynamics" answers. */
export type Outcome =
  | 'created'
  | 'linked'
  | 'already-there'
  | 'refused'
  | 'ambiguous'
  | 'merged-away'
  | 'out-of-scope'
  | 'not-found';

/** The world after a request; undefined where the person is none of it. docs/rules.md, "Who is created where". */
export const requested = (
  before: World,
  id: string,
  as: Kind,
): { readonly world: World; readonly outcome: Outcome } | undefined => {
  const world = copyOf(before);
  try {
    return { world, outcome: request(world, personOf(world, id), as) };
  } catch (error) {
    if (error instanceof Unknown) return undefined;
    throw error;
  }
};

const request = (world: World, person: Person, as: Kind): Outcome => {
  const own = linkOfPerson(world, person.id);
  if (own?.status === 'linked') return 'already-there';
  if (own?.status === 'merged-away') return 'merged-away';
  if (person.gone) return 'not-found';
  if (own?.status === 'aside') return 'ambiguous';
  if (isTwin(world, person)) return 'ambiguous';
  const rows = freeRowsOf(world, person);
  const persons = Object.values(world.persons).filter(
    (each) => isFree(world, each) && (each === person || isOfEmail(each.values, person.values.email)),
  );
  const found = matchOf(person, rows, persons);
  if (found === 'ambiguous') return found;
  if (found === 'none') return create(world, person, as);
  const row = found;
  const link = linkOfRow(world, row.id) ?? newLink(world, row.id, 'waiting');
  pair(link, person);
  tell(person, row.id);
  link.stamp = null;
  return 'linked';
};

/** The key first, then the e-mail, among the rows and persons that nobody's key takes out. */
const matchOf = (
  person: Person,
  rows: readonly Row[],
  persons: readonly Person[],
): Row | 'ambiguous' | 'none' => {
  const carriersOf = (row: Row): Person[] => persons.filter(({ key }) => key === row.id);
  const own = rows.find(({ id }) => id === person.key);
  if (own !== undefined) return carriersOf(own).length === 1 ? own : 'ambiguous';
  const open = rows.filter((row) => carriersOf(row).length === 0);
  const others = persons.filter(({ key }) => !rows.some(({ id }) => id === key));
  const [row] = open;
  if (row === undefined) return 'none';
  return open.length === 1 && others.length === 1 ? row : 'ambiguous';
};

const isOfEmail = (values: Values, email: unknown): boolean => email !== null && values.email === email;

/** It carries the key of a row that is another person's. */
const isTwin = (world: World, { id, key }: Person): boolean => {
  const link = key === null ? undefined : linkOfRow(world, key);
  return link?.status === 'linked' && link.person !== id;
};

const freeRowsOf = (world: World, { values, key }: Person): Row[] =>
  Object.values(world.rows).filter((row) => {
    const link = linkOfRow(world, row.id);
    const isMeant = isOfEmail(row.values, values.email) || row.id === key;
    const isOpen = row.state === 'open' && (link === undefined || link.status === 'waiting');
    return isMeant && isOpen && !isPromised(world, row);
  });

/** A contact that was made of a lead with a person is nobody else's. */
const isPromised = (world: World, { madeOf }: Row): boolean => {
  const link = madeOf === null ? undefined : linkOfRow(world, madeOf);
  return link !== undefined && link.person !== null && link.status !== 'ended';
};

const tell = (person: Person, key: string): void => {
  Object.assign(person, { key, flagged: false });
};

const create = (world: World, person: Person, kind: Kind): Outcome => {
  const sent: Partial<Values> = {};
  const tooLong: (keyof Values)[] = [];
  for (const field of fieldsOf(kind)) {
    const value = person.values[field.name];
    if (field.direction === 'toMarketo' || value === null || value === false) continue;
    if (breaksRule(world.conditions, field, value)) return 'refused';
    if (isTooLong(field, value)) tooLong.push(field.name);
    else sent[field.name] = value;
  }
  const id = rowNameOf(world, person);
  const row: Row = {
    ...{ id, kind, values: rowValues({ kind }, sent) },
    ...{ state: 'open', into: null, madeOf: null },
  };
  world.rows[id] = row;
  const link = newLink(world, id, 'linked');
  link.person = person.id;
  for (const name of Object.keys(sent) as FieldName[]) link.base[name] = [sent[name]];
  for (const name of tooLong) {
    link.parked[name] = { marketo: person.values[name], dynamics: row.values[name], group: next(world) };
  }
  tell(person, id);
  return 'created';
};

/** Rows that a request makes are named after their persons, one after the other. */
const rowNameOf = ({ rows }: World, { id }: Person): string => {
  const before = Object.keys(rows).filter((other) => other.startsWith(`${id}*`));
  return `${id}*${String(before.length + 1)}`;
};
