import type { FieldValue } from './terms.js';

/**
 * The canonical form of an e-mail address, by which records of both sides are matched: without outer spaces, in lower
 * case. Null where there is none.
 */
export function emailKey(value: FieldValue | undefined): string | null {
  const key = String(value ?? '')
    .trim()
    .toLowerCase();
  return key === '' ? null : key;
}
