import * as z from 'zod';

import { storable } from '../rules/storable.js';
import type { FieldValue, Kind } from '../rules/terms.js';
import { propertiesOf } from './lookup-names.js';
import { guid, TABLES } from './tables.js';
import type { Row } from './types.js';

const entry = z.record(z.string(), z.unknown());

/** A collection answer; links only where the server gives them. */
export const collection = z.object({
  value: z.array(entry),
  '@odata.nextLink': z.string().min(1).optional(),
  '@odata.deltaLink': z.string().min(1).optional(),
});

const fieldValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);

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
  const parsed = entry.safeParse(json);
  if (!parsed.success) return undefined;
  const id = guid(parsed.data[TABLES[kind].key]);
  const etag = parsed.data['@odata.etag'];
  if (id === undefined || typeof etag !== 'string' || etag === '') return undefined;
  const values: Record<string, FieldValue> = {};
  for (const [name, value] of Object.entries(parsed.data)) {
    if (select === undefined ? name.includes('@') : !select.has(name)) continue;
    const scalar = fieldValue.safeParse(value);
    if (scalar.success) values[name] = storable(scalar.data);
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
