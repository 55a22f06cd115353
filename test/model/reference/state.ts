import { FIELD_NAMES, type FieldName, type Kind, type Side, type Value } from '../fields.js';

/** What the two systems hold, and what the sync knows, as the rules have it: nothing of how it is kept or done. */

export type Values = Record<FieldName, Value>;

export interface Person {
  readonly id: string;
  readonly values: Values;
  /** The row that it carries as its key. */
  key: string | null;
  /** Told that its row was deleted. */
  flagged: boolean;
  gone: boolean;
}

export interface Row {
  readonly id: string;
  readonly kind: Kind;
  readonly values: Values;
  state: 'open' | 'qualified' | 'merged' | 'gone';
  /** The contact that it was qualified into, or the row that it was merged into. */
  into: string | null;
  /** The lead that it was made of. */
  madeOf: string | null;
}

export interface Parked {
  readonly marketo: Value;
  readonly dynamics: Value;
  /** Fields that one refusal parked, because it named none. */
  readonly group: number;
}

/** Undefined: nothing is agreed. More than one where it is not known how far the sync had come when it was disturbed. */
export type Bases = readonly (Value | undefined)[];

/**
 * - `waiting`: a row without a person, new or in an ambiguous group
 * - `linked`: a pair
 * - `ended`: the row was deleted
 * - `tombstone`: the person was deleted
 * - `excluded`: takes no part
 * - `merged-away`: with a person: it waits, its row was merged into one of another person; without one: the row waits
 * - `aside`: a person whose lead was qualified into a contact of another person
 */
export type Status = 'waiting' | 'linked' | 'ended' | 'tombstone' | 'excluded' | 'merged-away' | 'aside';

export interface Link {
  /** In the order in which the sync met the rows. */
  readonly seq: number;
  row: string;
  person: string | null;
  status: Status;
  /** What both sides may have agreed on, by field. One that is missing has nothing agreed, for certain. */
  base: Partial<Record<FieldName, Bases>>;
  parked: Partial<Record<FieldName, Parked>>;
  /** The person that a row waits for. */
  awaits: string | null;
  /** What the person is still to be told: its key, or the loss of its row. */
  stamp: 'key' | 'flag' | null;
  /**
   * It came together in this very cycle (`new`), or goes on after it was set aside (`again`): what was not read of either
   * side by then is merged in the next one.
   */
  born: 'new' | 'again' | null;
}

export type PersonEvent =
  | { readonly is: 'deleted'; readonly person: string }
  | { readonly is: 'merged'; readonly winner: string; readonly loser: string };

/** What an administrator turned. */
export interface Conditions {
  /** The customer's rule on titles. */
  rule: boolean;
  /** Marketo blocks updates of titles. */
  blocked: boolean;
}

export interface World {
  readonly persons: Record<string, Person>;
  readonly rows: Record<string, Row>;
  links: Link[];
  /** What Marketo's log tells of persons, and the sync has not read. */
  events: PersonEvent[];
  readonly conditions: Conditions;
  /** Rises with each link, group and record. */
  counter: number;
}

export const emptyWorld = (): World => ({
  ...{ persons: {}, rows: {}, links: [], events: [], counter: 0 },
  conditions: { rule: false, blocked: false },
});

export const copyOf = (world: World): World => ({
  ...world,
  persons: mapped(world.persons, (person) => ({ ...person, values: { ...person.values } })),
  rows: mapped(world.rows, (row) => ({ ...row, values: { ...row.values } })),
  links: world.links.map((link) => ({ ...link, base: { ...link.base }, parked: { ...link.parked } })),
  events: [...world.events],
  conditions: { ...world.conditions },
});

const mapped = <T>(records: Readonly<Record<string, T>>, copy: (record: T) => T): Record<string, T> => {
  const copies: Record<string, T> = {};
  for (const [id, record] of Object.entries(records)) copies[id] = copy(record);
  return copies;
};

export const blankValues = (): Values =>
  Object.fromEntries(FIELD_NAMES.map((name) => [name, name === 'unsubscribed' ? false : null])) as Values;

export const next = (world: World): number => {
  world.counter += 1;
  return world.counter;
};

export const personOf = (world: World, id: string): Person => required(world.persons[id], `person ${id}`);
export const rowOf = (world: World, id: string): Row => required(world.rows[id], `row ${id}`);

const required = <T>(found: T | undefined, what: string): T => {
  if (found === undefined) throw new Unknown(what);
  return found;
};

/** This world has no such record: it is not the one that we live in. */
export class Unknown extends Error {
  override readonly name = 'Unknown';
}

/** The link that holds the person now; one that ended holds nobody. */
export const linkOfPerson = (world: World, person: string): Link | undefined =>
  world.links.find((link) => link.person === person && link.status !== 'ended');

export const linkOfRow = (world: World, row: string): Link | undefined =>
  world.links.find((link) => link.row === row);

/** A pair whose row another person's pair stands on. */
export const isHeldBack = ({ status, person }: Link): boolean =>
  (status === 'merged-away' || status === 'aside') && person !== null;

export const valueOf = (world: World, side: Side, id: string, field: FieldName): Value =>
  side === 'marketo' ? personOf(world, id).values[field] : rowOf(world, id).values[field];
