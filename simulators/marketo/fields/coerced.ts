import type { ValueType } from './values.js';

/** A text as the value that a field of its type would take: what comes out of tokens and answers is text. */
export function coerced({ dataType }: ValueType, value: unknown): unknown {
  if (typeof value !== 'string' || value === '') return value;
  switch (dataType) {
    case 'boolean':
      return { true: true, false: false }[value.toLowerCase()] ?? value;
    case 'integer':
    case 'score':
    case 'percent':
    case 'float':
    case 'currency':
      return Number.isNaN(Number(value)) ? value : Number(value);
    default:
      return value;
  }
}
