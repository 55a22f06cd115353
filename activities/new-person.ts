import { actual, type Link } from '../rules/link.js';
import type { MappedField } from '../rules/mapping.js';
import type { FieldValue, FieldValues, Side } from '../rules/terms.js';
import { isHeld } from '../rules/trials.js';

/**
 * What a new person gets from its row: every value that Marketo can take and that is not blank. A value that it cannot
 * take is left out and refused by the plan, once the person is there to be told.
 */
export const newPersonValues = (link: Link, fields: readonly MappedField[]): FieldValues => {
  const values: Record<string, FieldValue> = {};
  for (const { name, codec, direction } of fields) {
    if (direction === 'toDynamics' || isHeld(link.parked[name])) continue;
    const value = actual(link, 'dynamics', name) ?? null;
    if (codec.canonical('dynamics', value) === codec.blank) continue;
    const encoded = codec.convert('dynamics', value);
    if (encoded.ok) values[name] = encoded.value;
  }
  return values;
};

/**
 * What both sides agreed on when a person was made of its row: the values that the call carried. What either side holds by
 * now, before an answer was known, may already be an edit.
 */
export const agreedAtBirth = (
  { creation }: Pick<Link, 'creation'>,
  fields: readonly MappedField[],
): Link['agreed'] => {
  const agreed: Record<Side, Record<string, FieldValue>> = { marketo: {}, dynamics: {} };
  for (const { name, codec } of fields) {
    const value = creation?.values[name];
    if (value === undefined) continue;
    const back = codec.convert('marketo', value);
    if (!back.ok) continue;
    agreed.marketo[name] = value;
    agreed.dynamics[name] = back.value;
  }
  return agreed;
};
