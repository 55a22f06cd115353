import { expect, it } from 'vitest';
import type { Catalog, Option } from '../../rules/catalog.js';
import { rememberLabels } from '../../rules/former-options.js';
import { column } from './schema.js';

const catalog = (...labels: readonly string[]): Catalog => {
  const options = labels
    .map((label, value): Option => ({ value, label }))
    .filter(({ label }) => label !== '-');
  return {
    marketo: {},
    dynamics: { lead: { rating: column('picklist', { name: 'rating', options }) }, contact: {} },
  };
};
const former = (...readings: readonly Catalog[]): readonly string[] =>
  (
    readings.reduce<Catalog | undefined>(rememberLabels, undefined)?.dynamics.lead['rating']?.formerOptions ??
    []
  ).map(({ value, label }) => `${value} ${label}`);

it('nothing is remembered while nothing is renamed', () => {
  expect(former(catalog('Hot', 'Cold'), catalog('Hot', 'Cold'))).toEqual([]);
});

it('a renamed option keeps every label that it had, the newest first and each once', () => {
  expect(former(catalog('Hot'), catalog('Warm'), catalog('Hot'), catalog('Tepid'))).toEqual([
    '0 Hot',
    '0 Warm',
  ]);
});

it('a label that an option has again is no former one', () => {
  expect(former(catalog('Hot'), catalog('Warm'), catalog('Hot'))).toEqual(['0 Warm']);
});

it('a removed option is remembered, also while the options cannot be read', () => {
  expect(former(catalog('Hot', 'Cold'), catalog('Hot', '-'))).toEqual(['1 Cold']);
  expect(former(catalog('Hot', 'Cold'), catalog(), catalog('Hot', '-'))).toEqual(['1 Cold']);
});

it('options that change places keep to what they are called now', () => {
  expect(former(catalog('Hot', 'Cold'), catalog('Cold', 'Hot'))).toEqual(['0 Hot', '1 Cold']);
});

it('a column keeps its newest thousand former labels', () => {
  const readings = Array.from({ length: 1100 }, (_reading, at) => catalog(`Label ${at}`));
  const kept = former(...readings);
  expect(kept).toHaveLength(1000);
  expect(kept[0]).toBe('0 Label 1098');
});

it('a column that is new has no past', () => {
  const empty: Catalog = { marketo: {}, dynamics: { lead: {}, contact: {} } };
  expect(former(empty, catalog('Hot'))).toEqual([]);
});
