import { omit, type Draft } from './draft.js';
import { heldValues } from './link.js';
import type { MappedField } from './mapping.js';
import { standFromParked } from './settle.js';
import { forgetSwings, keepOnTrial, standingOf } from './swing.js';

/**
 * Takes fields up again that swung, as far as what both sides hold by now allows it. Neither side is written while it
 * lasts. A third value is an edit against what each side kept: the other side's value is what a system had made of ours,
 * and no edit to defend.
 */
export const releaseSwinging = (draft: Draft, fields: readonly MappedField[], cycle: number): void => {
  for (const { name, codec } of fields) {
    const parked = draft.parked[name];
    if (parked?.because !== 'swinging') continue;
    const held = heldValues(draft, name);
    const isCovered = draft.overtaken[name] !== undefined;
    const standing = isCovered ? 'over' : standingOf(codec, parked, held);
    if (standing === 'stays') continue;
    omit(draft.parked, name);
    if (standing === 'trial') {
      keepOnTrial(draft, name, cycle);
      continue;
    }
    forgetSwings(draft, name);
    if (!isCovered) standFromParked(draft, codec, name, parked, held);
  }
};
