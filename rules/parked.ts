import { heldValues, type BySide, type Link, type Parked } from './link.js';
import type { MappedField } from './mapping.js';
import type { FieldValue } from './terms.js';

/** True if both sides hold what they held when the field was parked. */
const holdsStill = ({ codec }: MappedField, parked: Parked, values: BySide<FieldValue>): boolean =>
  codec.canonical('marketo', parked.marketo) === codec.canonical('marketo', values.marketo) &&
  codec.canonical('dynamics', parked.dynamics) === codec.canonical('dynamics', values.dynamics);

/** True if the field is parked and one of its values has moved since. */
export const hasMoved = (link: Link, field: MappedField): boolean => {
  const parked = link.parked[field.name];
  return parked !== undefined && !holdsStill(field, parked, heldValues(link, field.name));
};

/**
 * True if a value of a parked field has moved: the link is to be planned, also where it moved back to what was agreed and
 * nothing else is open.
 */
export const hasMovedParked = (link: Link, fields: readonly MappedField[]): boolean =>
  fields.some((field) => hasMoved(link, field));

/** Ids of the rejections that the link parks fields for. */
export const rejectionsOf = ({ parked }: Link): string[] =>
  Object.values(parked).flatMap(({ rejectionId }) => rejectionId ?? []);

/** Set aside for rights or schema, not for its values: whether that is so still is asked of the catalog of now. */
export const waitsForRight = ({ reason, because }: Parked): boolean =>
  reason === 'quarantined' && because === undefined;
