import type { Field, FieldValue } from '../fields/field.js';
import { isoSeconds, parseInstant, shortened, storable } from '../fields/values.js';
import type { ServiceType } from './definition.js';

const MOST_BYTES: Partial<Record<ServiceType, number>> = { string: 255, url: 255, text: 2000, email: 255 };
const LEAST_INTEGER = -2_147_483_648;
const MOST_INTEGER = 2_147_483_647;

/** A text cut to so many bytes, at a whole character. */
export function cutToBytes(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  let bytes = 0;
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > most) return kept;
    kept += character;
  }
  return kept;
}

/** A value as an attribute of a type holds it, or undefined when it cannot. Long texts are cut. */
export function serviceValue(type: ServiceType, value: unknown): string | number | boolean | undefined {
  switch (type) {
    case 'boolean':
      if (value === null) return false;
      if (typeof value === 'boolean') return value;
      return value === 'true' || value === 'false' ? value === 'true' : undefined;
    case 'integer': {
      const number = numberOf(value);
      const whole = number !== undefined && Number.isInteger(number);
      return whole && number >= LEAST_INTEGER && number <= MOST_INTEGER ? number : undefined;
    }
    case 'float':
      return numberOf(value);
    case 'score':
      return typeof value === 'string' && /^[+-]\d+$/.test(value) ? value : serviceValue('integer', value);
    case 'date': {
      const instant = typeof value === 'string' ? parseInstant(value) : undefined;
      return instant === undefined ? undefined : String(value).slice(0, 10);
    }
    case 'datetime': {
      const instant = typeof value === 'string' ? parseInstant(value) : undefined;
      return instant === undefined ? undefined : isoSeconds(instant);
    }
    case 'string':
    case 'text':
    case 'url':
    case 'email':
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
        return undefined;
      return cutToBytes(String(value), MOST_BYTES[type] ?? 255);
  }
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' && /^[+-]?\d+(\.\d+)?$/.test(value) ? Number(value) : undefined;
}

/**
 * What a returned value makes of a person's field, or undefined when it changes nothing: the text `null` clears, a JSON
 * null does not, but for a boolean (it is false). A relative score is added to the present one.
 */
export function returnedValue(
  field: Field,
  type: ServiceType | null,
  value: unknown,
  present: FieldValue,
): FieldValue | undefined {
  if (value === 'null') return storable(field, null);
  if (value === null && field.dataType !== 'boolean') return undefined;
  const accepted = serviceValue(type ?? typeFor(field), value);
  if (accepted === undefined) return undefined;
  if (field.dataType === 'score' && typeof accepted === 'string')
    return storable(field, Number(present ?? 0) + Number(accepted));
  const text = TEXTS.has(field.dataType) ? String(accepted) : accepted;
  return storable(field, shortened(field, text));
}

const TEXTS: ReadonlySet<string> = new Set(['string', 'text', 'email', 'phone', 'url']);

const typeFor = ({ dataType }: Field): ServiceType => {
  switch (dataType) {
    case 'boolean':
    case 'integer':
    case 'score':
    case 'float':
    case 'date':
    case 'datetime':
    case 'text':
      return dataType;
    case 'percent':
      return 'integer';
    case 'currency':
      return 'float';
    default:
      return 'string';
  }
};
