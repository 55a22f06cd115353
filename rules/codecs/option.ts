import type { DynamicsColumn, MarketoField } from '../catalog.js';
import { across } from '../terms.js';
import {
  encoded,
  notRead,
  refused,
  shown,
  typed,
  type Canonical,
  type Codec,
  type Encoded,
} from './codec.js';
import { encodeText } from './text.js';

/** The most options that a multi-select column keeps at once (Microsoft: "Multi-select choices"). */
const MOST_SELECTED = 150;

const folded = (label: string): string => label.trim().toLowerCase();

/** Labels and values of one option column, with labels that options had before they were renamed or removed. */
interface OptionSet {
  /** The value for a label, or null for a label that no option has or had. */
  readonly valueOf: (label: string) => number | null;
  /** The label for a value, or null for a value without an option or an option without a label. */
  readonly labelOf: (value: number) => string | null;
  /** What people called the option last, for a sentence: its label, a former one, or the bare value. */
  readonly wordFor: (value: number) => string;
  /** One value for all options that share a label, so that going over the label comes back to it. */
  readonly representative: (value: number) => number;
}

function optionSet({ options = [], formerOptions: history = [] }: DynamicsColumn): OptionSet {
  const byLabel = new Map<string, number>();
  const byValue = new Map<number, string>();
  for (const { value, label } of options) {
    if (folded(label) === '') continue;
    if (!byLabel.has(folded(label))) byLabel.set(folded(label), value);
    byValue.set(value, label);
  }
  for (const { value, label } of history) {
    if (folded(label) !== '' && !byLabel.has(folded(label))) byLabel.set(folded(label), value);
  }
  const valueOf = (label: string): number | null => byLabel.get(folded(label)) ?? null;
  const labelOf = (value: number): string | null => byValue.get(value) ?? null;
  const wordFor = (value: number): string =>
    labelOf(value) ?? history.find((former) => former.value === value)?.label ?? String(value);
  return { valueOf, labelOf, wordFor, representative: (value) => valueOf(labelOf(value) ?? '') ?? value };
}

/**
 * A label in Marketo, an option's value in Dynamics. Canonical is the value; labels match without letter case and outer
 * spaces. A label that no option has is `label:…`, equal to no option and refused by name.
 */
export function optionCodec(field: MarketoField, column: DynamicsColumn): Codec {
  const set = optionSet(column);
  const canonical: Codec['canonical'] = (side, value) => {
    const text = String(value ?? '').trim();
    if (text === '') return null;
    if (side === 'marketo') return set.valueOf(text) ?? notRead('label', text);
    return Number.isInteger(Number(text)) ? set.representative(Number(text)) : notRead('value', text);
  };
  const encode: Codec['encode'] = (side, value) => {
    if (value === null) return encoded(null);
    const label = typeof value === 'number' ? set.labelOf(value) : null;
    if (label === null) return unknownOption(column, typeof value === 'number' ? set.wordFor(value) : value);
    return side === 'dynamics' ? encoded(value) : encodeText(label.trim(), side, field, column);
  };
  return {
    blank: null,
    canonical,
    encode,
    convert: (from, value) => encode(across(from), canonical(from, value)),
  };
}

/**
 * Labels joined by ";" in Marketo, values joined by "," in Dynamics; order and repetition mean nothing. Canonical is the
 * list of values in rising order, or `label:…` with the labels that no option has.
 */
export function multiselectCodec(field: MarketoField, column: DynamicsColumn): Codec {
  const set = optionSet(column);
  const fromMarketo = (text: string): Canonical => {
    const labels = parts(text, ';');
    const unknown = labels.filter((label) => set.valueOf(label) === null);
    return unknown.length > 0
      ? notRead('label', unknown.join(';'))
      : joined(labels.map((label) => set.valueOf(label) ?? 0));
  };
  const fromDynamics = (text: string): Canonical => {
    const values = parts(text, ',').map(Number);
    return values.every(Number.isInteger) ? joined(values.map(set.representative)) : notRead('value', text);
  };
  const canonical: Codec['canonical'] = (side, value) =>
    side === 'marketo' ? fromMarketo(String(value ?? '')) : fromDynamics(String(value ?? ''));
  const encode: Codec['encode'] = (side, value) => {
    if (value === null) return encoded(null);
    const values = String(value).split(',').map(Number);
    const unknown = values.find((each) => set.labelOf(each) === null);
    if (unknown !== undefined)
      return unknownOption(column, Number.isNaN(unknown) ? value : set.wordFor(unknown));
    if (side === 'dynamics') return encodeSelection(values, column);
    return encodeLabels(
      values.map((each) => set.labelOf(each)?.trim() ?? ''),
      field,
      column,
    );
  };
  return {
    blank: null,
    canonical,
    encode,
    convert: (from, value) => encode(across(from), canonical(from, value)),
  };
}

const parts = (text: string, separator: string): string[] =>
  text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '');

const joined = (values: readonly number[]): string | null =>
  values.length === 0 ? null : [...new Set(values)].sort((a, b) => a - b).join(',');

function encodeSelection(values: readonly number[], column: DynamicsColumn): Encoded {
  return values.length > MOST_SELECTED
    ? refused(
        'too-long',
        `${column.name} keeps ${MOST_SELECTED} options at most; the value has ${values.length}.`,
      )
    : encoded(values.join(','));
}

function encodeLabels(labels: readonly string[], field: MarketoField, column: DynamicsColumn): Encoded {
  const split = labels.find((label) => label.includes(';'));
  return split === undefined
    ? encodeText(labels.join(';'), 'marketo', field, column)
    : refused(
        'ambiguous-option',
        `The option ${shown(split)} of ${column.name} has a ";", which separates options.`,
      );
}

function unknownOption(column: DynamicsColumn, canonical: Canonical): Encoded {
  if (column.options?.some(({ value }) => String(value) === String(canonical)) === true) {
    return refused('unknown-option', `The option ${String(canonical)} of ${column.name} has no label.`);
  }
  return refused('unknown-option', `${column.name} has no option ${shown(typed(canonical))}.`);
}
