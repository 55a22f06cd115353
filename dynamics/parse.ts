import type * as z from 'zod';

import type { Kind } from '../rules/terms.js';
import { brokenAnswer, type CallContext } from './answers.js';
import { guid, TABLES } from './tables.js';

/**
 * What an answer must hold, read by its schema; members that the schema does not name are welcome.
 * @throws RemoteFailure that names the member which is missing or of another type, and never a value
 */
export function parsed<T>(schema: z.ZodType<T>, json: unknown, call: CallContext): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw brokenAnswer(call, `JSON ${withoutUsable(result.error.issues[0]?.path ?? [])}`);
}

/** What keeps an entry of a list from being a row, as `parsed` says it. */
export function rowLacks(kind: Kind, entry: unknown, path: readonly (string | number)[] = []): string {
  if (typeof entry !== 'object' || entry === null) return `JSON ${withoutUsable(path)}`;
  const row = entry as Readonly<Record<string, unknown>>;
  const deleted = row['reason'] === 'deleted' || 'reason' in row;
  const key = deleted ? 'id' : TABLES[kind].key;
  return `JSON ${withoutUsable([...path, guid(row[key]) === undefined ? key : '@odata.etag'])}`;
}

/** `value[3].contactid` */
const withoutUsable = (path: readonly PropertyKey[]): string => {
  const member = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return member === '' ? 'of another form' : `without a usable ${member.replace(/^\./, '')}`;
};
