import { actual, type BySide, type Link, type Parked } from './link.js';
import type { MappedField } from './mapping.js';
import type { FieldValue } from './terms.js';

/** True if both sides hold what they held when the field was parked. */
export const holdsStill = ({ codec }: MappedField, parked: Parked, values: BySide<FieldValue>): boolean =>
  codec.canonical('marketo', parked.marketo) === codec.canonical('marketo', values.marketo) &&
  codec.canonical('dynamics', parked.dynamics) === codec.canonical('dynamics', values.dynamics);

/**
 * True if a value of a parked field has moved: the link is to be planned, also where it moved back to what was agreed and
 * nothing else is open.
 */
export const hasMovedParked = (link: Link, fields: readonly MappedField[]): boolean =>
  fields.some((field) => {
    const parked = link.parked[field.name];
    if (parked === undefined) return false;
    const [marketo, dynamics] = [actual(link, 'marketo', field.name), actual(link, 'dynamics', field.name)];
    return !holdsStill(field, parked, { marketo: marketo ?? null, dynamics: dynamics ?? null });
  });
