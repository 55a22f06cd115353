import type { FieldValue } from './terms.js';

/**
 * A text as the store can keep it: PostgreSQL takes neither U+0000 nor half a surrogate pair, and either can come from a
 * remote. Replaced where values are read, on both sides alike, so that what we compare is what we keep.
 */
export const storableText = (text: string): string =>
  text.replaceAll('\0', '\uFFFD').replace(/\p{Cs}/gu, '\uFFFD');

export const storable = (value: FieldValue): FieldValue =>
  typeof value === 'string' ? storableText(value) : value;
