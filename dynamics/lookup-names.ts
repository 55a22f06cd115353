import type { FieldValue } from '../rules/terms.js';
import type { Connection } from './connection.js';
import { guid, lookupColumn } from './tables.js';
import type { Row } from './types.js';

/** The annotation that carries the name of what a lookup points at (Microsoft: "Select columns", formatted values). */
const FORMATTED = 'OData.Community.Display.V1.FormattedValue';

/** How long a name is believed. A renamed account does not touch the rows that point at it. */
const BELIEVED_MS = 10 * 60 * 1000;
/** Names kept; the oldest go first. */
const MOST_NAMES = 20_000;

const SUFFIX = '@name';

/**
 * How a lookup is selected where its *name* is wanted; the row carries it under the column's own name:
 * `lookupName('ownerid')` gives `values['ownerid'] = 'Jane Roe'`. A column is blank (`null`) where it points at nothing,
 * and absent where the name of what it points at cannot be read.
 */
export const lookupName = (column: string): string => `${column}${SUFFIX}`;

/** The lookups of a selection whose names are wanted. */
export const lookupsIn = (select: readonly string[]): string[] =>
  select.filter((entry) => entry.endsWith(SUFFIX)).map((entry) => entry.slice(0, -SUFFIX.length));

/** The properties that `$select` names for a selection. */
export const propertiesOf = (select: readonly string[]): string[] => [
  ...new Set(
    select.map((entry) => (entry.endsWith(SUFFIX) ? lookupColumn(entry.slice(0, -SUFFIX.length)) : entry)),
  ),
];

/** What `parseRow` keeps of an untracked answer to a selection: its properties, and the names beside them. */
export const keptOf = (select: readonly string[]): ReadonlySet<string> =>
  new Set([...propertiesOf(select), ...lookupsIn(select).map(annotated)]);

/** The preferences of an untracked read, with the one for names where they are wanted. Empty: none. */
export const preferring = (select: readonly string[], others: readonly string[] = []): string =>
  [...others, ...(lookupsIn(select).length > 0 ? [`odata.include-annotations="${FORMATTED}"`] : [])].join(
    ',',
  );

const annotated = (column: string): string => `${lookupColumn(column)}@${FORMATTED}`;

/** Names by column and id; `null` for one that the sync user may not read. */
interface Known {
  readonly name: string | null;
  readonly until: number;
}

/** What each connection has learnt; lanes share it. */
const learnt = new WeakMap<Connection, Map<string, Known>>();

const namesOf = (connection: Connection): Map<string, Known> => {
  const names = learnt.get(connection) ?? new Map<string, Known>();
  learnt.set(connection, names);
  return names;
};

const keyOf = (column: string, id: string): string => `${column}/${id}`;

function learn(names: Map<string, Known>, key: string, name: string | null): void {
  names.delete(key);
  names.set(key, { name, until: Date.now() + BELIEVED_MS });
  for (const oldest of names.keys()) {
    if (names.size <= MOST_NAMES) return;
    names.delete(oldest);
  }
}

/** A row of an untracked answer with its lookups' names, which are remembered. */
export function readNames(connection: Connection, row: Row, select: readonly string[]): Row {
  const found = new Map<string, string | null>();
  for (const column of lookupsIn(select)) {
    const id = guid(row.values[lookupColumn(column)]);
    if (id === undefined) continue;
    const name = row.values[annotated(column)];
    const readable = typeof name === 'string' && name !== '' ? name : null;
    found.set(keyOf(column, id), readable);
    learn(namesOf(connection), keyOf(column, id), readable);
  }
  return withNames(row, select, found);
}

/** Names that are known for these rows, and the fewest rows whose reading tells the rest. */
export function knownNames(
  connection: Connection,
  rows: readonly Row[],
  lookups: readonly string[],
): { readonly names: Map<string, string | null>; readonly ask: readonly string[] } {
  const names = new Map<string, string | null>();
  const asked = new Set<string>();
  const ask = rows.filter((row) => {
    const unknown = lookups.flatMap((column) => {
      const id = guid(row.values[lookupColumn(column)]);
      const key = keyOf(column, id ?? '');
      if (id === undefined || names.has(key)) return [];
      const known = namesOf(connection).get(key);
      if (known === undefined || known.until < Date.now()) return [key];
      names.set(key, known.name);
      return [];
    });
    const news = unknown.some((key) => !asked.has(key));
    for (const key of unknown) asked.add(key);
    return news;
  });
  return { names, ask: ask.map(({ id }) => id) };
}

/** The names that rows read with their ids (`_name_value`) and names beside each other tell. */
export const namesIn = (rows: readonly Row[], lookups: readonly string[]): [string, string | null][] =>
  rows.flatMap((row) =>
    lookups.flatMap((column): [string, string | null][] => {
      const id = guid(row.values[lookupColumn(column)]);
      if (id === undefined) return [];
      const name = row.values[column];
      return [[keyOf(column, id), typeof name === 'string' ? name : null]];
    }),
  );

/** The row with a name in the place of each id. A name that is not known is left out: it is not a blank. */
export function withNames(
  row: Row,
  select: readonly string[],
  names: ReadonlyMap<string, string | null>,
): Row {
  const values: Record<string, FieldValue> = { ...row.values };
  for (const column of lookupsIn(select)) {
    const property = lookupColumn(column);
    const value = values[property];
    const name = names.get(keyOf(column, guid(value) ?? ''));
    Reflect.deleteProperty(values, annotated(column));
    if (!select.includes(property)) Reflect.deleteProperty(values, property);
    if (value === null) values[column] = null;
    else if (typeof name === 'string') values[column] = name;
  }
  return { ...row, values };
}
