import { inParts } from '../rules/in-parts.js';

/** `filterValues` takes this many at once (Adobe REST docs, "Query leads"). */
export const MOST_FILTER_VALUES = 300;

/** Why a value cannot be asked for. */
export interface Unaskable {
  readonly value: string;
  /**
   * `comma`: the list is separated by commas, and none can be escaped. `blank`: matches nothing by design.
   * `tooMany`: more than 1,000 persons hold this value (1003).
   */
  readonly because: 'comma' | 'blank' | 'tooMany';
}

export interface AskedValues {
  /** Each value once, at most 300 to a batch. */
  readonly batches: readonly (readonly string[])[];
  readonly unaskable: readonly Unaskable[];
}

/**
 * Parts values into batches that one call can ask for. Marketo compares filter values without regard to case, so that
 * spellings of one value are asked for once, in the first spelling.
 */
export function batchFilterValues(values: readonly (string | number)[]): AskedValues {
  const distinct = new Map<string, string>();
  for (const value of values) {
    const text = String(value);
    const key = text.toLowerCase();
    if (!distinct.has(key)) distinct.set(key, text);
  }
  const askable: string[] = [];
  const unaskable: Unaskable[] = [];
  for (const value of distinct.values()) {
    if (value.trim() === '') unaskable.push({ value, because: 'blank' });
    else if (value.includes(',')) unaskable.push({ value, because: 'comma' });
    else askable.push(value);
  }
  return { batches: inParts(askable, MOST_FILTER_VALUES), unaskable };
}
