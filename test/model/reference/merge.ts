import { CITY_LENGTH, FIELDS, type Field, type Kind, type Side, type Value } from '../fields.js';
import type { Conditions } from './state.js';

/** Who wins where both edited: the rule of the product's name, as README states it. */
const AUTHORITY: Readonly<Record<Kind, Side>> = { lead: 'marketo', contact: 'dynamics' };

/** Whose value goes to the other side; null where both hold the same. docs/rules.md, "Which value wins". */
export const winnerOf = (
  field: Field,
  kind: Kind,
  held: Readonly<Record<Side, Value>>,
  base: Value | undefined,
): Side | null => {
  const { marketo, dynamics } = held;
  if (marketo === dynamics) return null;
  if (field.direction === 'toMarketo') return 'dynamics';
  if (field.direction === 'toDynamics') return 'marketo';
  if (base === undefined) {
    if (field.consent) return marketo === true ? 'marketo' : 'dynamics';
    if (marketo === null) return 'dynamics';
    if (dynamics === null) return 'marketo';
    return AUTHORITY[kind];
  }
  if (marketo === base) return 'dynamics';
  if (dynamics === base) return 'marketo';
  return AUTHORITY[kind];
};

export const FORBIDDEN = '!';

/** The customer's rule looks at titles that are sent. */
export const breaksRule = ({ rule }: Conditions, field: Field, value: Value): boolean =>
  rule && field.name === 'title' && typeof value === 'string' && value.includes(FORBIDDEN);

/** The column is too short, as its metadata tells. */
export const isTooLong = ({ name }: Field, value: Value): boolean =>
  typeof value === 'string' && value.length > (FIELDS[name].longest ?? Infinity);

/** Marketo answers `updated` and keeps the value; a blank one takes its first. */
export const isBlocked = ({ blocked }: Conditions, { name }: Field, held: Value): boolean =>
  blocked && name === 'title' && held !== null;

export const LONG = 'x'.repeat(CITY_LENGTH);
