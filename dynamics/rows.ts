import * as z from 'zod';

import { storable } from '../rules/storable.js';
import type { FieldValue, Kind } from '../rules/terms.js';
import { propertiesOf } from './lookup-names.js';
import { guid, TABLES } from './tables.js';
import type { Row } from './types.js';

type Entry = Readonly<Record<string, unknown>>;

/** Not a schema of members: rows come by the hundred thousand, and each member that is used is looked at below. */
const entry = z.custom<Entry>((json) => typeof json === 'object' && json !== null && !Array.isArray(json));

/** A collection answer; links only where the server gives them. */
export const collection = z.object({
  value: z.array(entry),
  '@odata.nextLink': z.string().min(1).optional(),
  '@odata.deltaLink': z.string().min(1).optional(),
});

/**
 * A row of an answer: annotations and columns that were not asked for fall away (Dataverse adds the key, currencies,
 * composites), and so does a value that is no single one.
 * @param select `undefined` keeps every column
 * @returns `undefined` if there is no key or etag in it
 */
export function parseRow(
  kind: Kind,
  json: unknown,
  select: ReadonlySet<string> | undefined,
): Row | undefined {
  const { data } = entry.safeParse(json);
  if (data === undefined) return undefined;
  const id = guid(data[TABLES[kind].key]);
  const etag = data['@odata.etag'];
  if (id === undefined || typeof etag !== 'string' || etag === '') return undefined;
  const values: Record<string, FieldValue> = {};
  for (const [name, member] of Object.entries(data)) {
    if (select === undefined ? name.includes('@') : !select.has(name)) continue;
    const value = storable(member);
    if (value !== undefined) values[name] = value;
  }
  return { id, etag, values };
}

/** The id of a deleted entry of a delta: `{ "@odata.context": "…/$deletedEntity", "id", "reason" }`. */
export function parseDeleted(json: Readonly<Record<string, unknown>>): string | undefined {
  const context = json['@odata.context'];
  const deleted =
    json['reason'] === 'deleted' || (typeof context === 'string' && context.endsWith('/$deletedEntity'));
  return deleted ? guid(json['id']) : undefined;
}

/** `$select` of these columns; never empty, because without it Dataverse answers every column. */
export const selection = (kind: Kind, select: readonly string[]): string =>
  `$select=${select.length === 0 ? TABLES[kind].key : propertiesOf(select).map(encodeURIComponent).join(',')}`;
