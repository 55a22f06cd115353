import type { FieldValue } from './field.js';

const PLACE = /\{(\w+)\}/g;

/** The fields that a formula shows. */
export const fieldsIn = (formula: string): string[] =>
  [...formula.matchAll(PLACE)].flatMap(([, name]) => (name === undefined ? [] : [name]));

/** What a formula shows, with blanks drawn together; null when all the fields in it are empty. */
export function computed(formula: string, read: (name: string) => FieldValue): string | null {
  const values = new Map(fieldsIn(formula).map((name) => [name, read(name)]));
  if ([...values.values()].every((value) => value === null)) return null;
  const text = formula.replace(PLACE, (_place, name: string) => String(values.get(name) ?? ''));
  return text.replace(/\s+/g, ' ').trim();
}
