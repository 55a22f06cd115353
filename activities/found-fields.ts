import { WHOLE_RECORD, type Link } from '../rules/link.js';
import { plannedWrites } from '../rules/outcome.js';
import type { Side } from '../rules/terms.js';
import type { Concluded } from './field-searches.js';
import { refuse, type Refused } from './refusals.js';

type Answer = Readonly<Record<'code' | 'message', string>>;

/** Parks what a search has found: each guilty field for itself, or the record as a whole. */
export const parkFound = (
  link: Link,
  side: Side,
  found: Concluded,
  cycle: number,
): { readonly link: Link; readonly refused: readonly Refused[] } => {
  const refused: Refused[] = [];
  let current = link;
  const take = (names: readonly string[], named: boolean, { code, message }: Answer): void => {
    const planned = plannedWrites(current, side).filter(({ field }) => names.includes(field));
    const stamp = side === 'marketo' && current.stamp !== null && names.includes(WHOLE_RECORD);
    const fields = [...planned.map(({ field }) => field), ...(stamp ? [WHOLE_RECORD] : [])];
    if (fields.length === 0) return;
    const value = named ? (planned[0]?.to ?? null) : null;
    const taken = refuse(current, { side, fields, named: named && !stamp, code, message, value }, cycle);
    refused.push(taken);
    current = stamp ? { ...taken.link, stamp: null } : taken.link;
  };
  for (const { field, ...answer } of found.guilty) take([field], true, answer);
  if (found.whole !== undefined) take(found.whole.fields, false, found.whole.answer);
  if (found.unresolvedAnswer !== undefined) take(found.unresolved, false, found.unresolvedAnswer);
  return { link: current, refused };
};
