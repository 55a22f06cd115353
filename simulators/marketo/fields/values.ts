import type { Field, FieldValue } from './field.js';

const EMAIL = /^[\x21-\x3f\x41-\x7e]+@[\x21-\x3f\x41-\x7e]+\.[\x21-\x3f\x41-\x7e]+$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DATETIME = /^(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/;
const TEXT_BYTES = 30_000;
const MAX_INTEGER = 2_147_483_647;

/** What decides which values a field can hold. */
export type ValueType = Pick<Field, 'dataType' | 'length'>;

/** An instant as the API writes it: UTC, whole seconds. */
export const isoSeconds = (ms: number): string => new Date(ms).toISOString().slice(0, 19) + 'Z';

/**
 * `value` as `field` would store it, or undefined when Marketo refuses it with 1003 (Adobe REST docs, "Field types";
 * refusals as recorded from the live API). Null and the empty string clear; a cleared boolean is false.
 */
export function storable(field: ValueType, value: unknown): FieldValue | undefined {
  if (field.dataType === 'formula') return undefined;
  if (value === null || value === '') return field.dataType === 'boolean' ? false : null;
  switch (field.dataType) {
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'integer':
    case 'score':
    case 'percent':
      return isInteger(value) ? value : undefined;
    case 'float':
    case 'currency':
      return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
    case 'date':
      return typeof value === 'string' && isCalendarDate(value) ? value : undefined;
    case 'datetime':
      return typeof value === 'string' ? toInstant(value) : undefined;
    case 'reference':
      return typeof value === 'number' || typeof value === 'string' ? value : undefined;
    case 'string':
    case 'text':
    case 'email':
    case 'phone':
    case 'url':
      return storableText(field, value);
  }
}

function storableText(field: ValueType, value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined;
  const text = String(value);
  if (field.dataType === 'email' && !EMAIL.test(text)) return undefined;
  if (field.dataType === 'text') return Buffer.byteLength(text) <= TEXT_BYTES ? text : undefined;
  return field.length === undefined || Array.from(text).length <= field.length ? text : undefined;
}

/** `value` without what a field of this length cannot hold: whole code points. */
export function shortened(field: ValueType, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (field.dataType === 'text') {
    let bytes = 0;
    const kept = Array.from(value).filter(
      (character) => (bytes += Buffer.byteLength(character)) <= TEXT_BYTES,
    );
    return kept.join('');
  }
  return field.length === undefined ? value : Array.from(value).slice(0, field.length).join('');
}

const isInteger = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= MAX_INTEGER;

/** True for a `YYYY-MM-DD` that stands in the calendar. */
function isCalendarDate(text: string): boolean {
  if (!DATE.test(text)) return false;
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
}

/** Marketo keeps whole seconds, in UTC. */
function toInstant(text: string): string | undefined {
  const instant = parseInstant(text);
  return instant === undefined ? undefined : isoSeconds(instant);
}

/** An ISO 8601 instant as epoch ms, or undefined. Without an offset it is read as UTC; a plain date is its midnight. */
export function parseInstant(text: string): number | undefined {
  if (isCalendarDate(text)) return Date.parse(`${text}T00:00:00Z`);
  const match = DATETIME.exec(text);
  if (!match?.[1] || !isCalendarDate(match[1])) return undefined;
  const parsed = Date.parse(text.replace(' ', 'T') + (match[4] === undefined ? 'Z' : ''));
  return Number.isNaN(parsed) ? undefined : parsed;
}
