import type { FieldValue } from './terms.js';

/**
 * A text as the store can keep it: PostgreSQL takes neither U+0000 nor half a surrogate pair, and either can come from a
 * remote. Replaced where values are read, on both sides alike, so that what we compare is what we keep.
 */
export const storableText = (text: string): string =>
  SUSPECT.test(text) ? text.replaceAll('\0', '\uFFFD').replace(/\p{Cs}/gu, '\uFFFD') : text;

/** U+0000, and any half of a pair: nearly no text has one, and looking for it is quick. */
const SUSPECT = /[\0\uD800-\uDFFF]/;

/** A single value of an answer, as the store can keep it; `undefined` for an object or a list. */
export const storable = (value: unknown): FieldValue | undefined => {
  if (typeof value === 'string') return storableText(value);
  return value === null || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
};
