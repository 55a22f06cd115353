import type { FieldValue } from '../rules/terms.js';
import { guid, lookupColumn } from './tables.js';
import type { Row } from './types.js';

/** The annotation that carries the name of what a lookup points at (Microsoft: "Select columns", formatted values). */
const FORMATTED = 'OData.Community.Display.V1.FormattedValue';

/** How many more rows are asked for a name, each time that those asked before had moved on. */
const MORE = 8;

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
export type Names = Map<string, string | null>;

const keyOf = (column: string, id: string): string => `${column}/${id}`;

/** A row of an untracked answer with its lookups' names. */
export function readNames(row: Row, select: readonly string[]): Row {
  const names: Names = new Map();
  for (const column of lookupsIn(select)) {
    const id = guid(row.values[lookupColumn(column)]);
    if (id === undefined) continue;
    const name = row.values[annotated(column)];
    names.set(keyOf(column, id), typeof name === 'string' && name !== '' ? name : null);
  }
  return withNames(row, select, names);
}

/**
 * The names of what the rows of a page point at, from as few rows as tell them all. They are read after the page, so a
 * row that changed comes with the name of that moment or a later one; nothing is kept for the next page.
 *
 * A row that was asked may have moved on or gone meanwhile. Then other rows of the page that point there are asked, each
 * row once. A name that is not found so is one that no row points at any more: all these rows come again with the next
 * changes.
 *
 * @param read reads rows by id, with ids and names of their lookups beside each other
 */
export async function namesFor(
  rows: readonly Row[],
  lookups: readonly string[],
  read: (ids: readonly string[]) => Promise<readonly Row[]>,
): Promise<Names> {
  const pointing = pointingAt(rows, lookups);
  const names: Names = new Map();
  const asked = new Set<string>();
  for (let most = 1; ; most *= MORE) {
    const ask = rowsToAsk(pointing, names, asked, most);
    if (ask.length === 0) return names;
    for (const id of ask) asked.add(id);
    for (const [key, name] of namesIn(await read(ask), lookups)) names.set(key, name);
  }
}

/** The ids of the rows that point at each thing. */
function pointingAt(rows: readonly Row[], lookups: readonly string[]): ReadonlyMap<string, string[]> {
  const pointing = new Map<string, string[]>();
  for (const row of rows) {
    for (const column of lookups) {
      const id = guid(row.values[lookupColumn(column)]);
      if (id === undefined) continue;
      const key = keyOf(column, id);
      const others = pointing.get(key);
      if (others === undefined) pointing.set(key, [row.id]);
      else others.push(row.id);
    }
  }
  return pointing;
}

/** Up to so many rows for each name that is missing; a row that is asked for one tells its others too. */
function rowsToAsk(
  pointing: ReadonlyMap<string, readonly string[]>,
  names: Names,
  asked: ReadonlySet<string>,
  most: number,
): string[] {
  const ask = new Set<string>();
  for (const [key, rows] of pointing) {
    if (names.has(key)) continue;
    const already = rows.filter((row) => ask.has(row)).length;
    const others = rows.filter((row) => !asked.has(row) && !ask.has(row));
    for (const row of others.slice(0, Math.max(0, most - already))) ask.add(row);
  }
  return [...ask];
}

/** The names that rows read with their ids (`_name_value`) and names beside each other tell. */
const namesIn = (rows: readonly Row[], lookups: readonly string[]): [string, string | null][] =>
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
