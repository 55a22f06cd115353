import type { Link } from './link.js';
import type { Side } from './terms.js';

/**
 * Marks a link whose fields one side was never read for. A side that the next cycle reads anyway needs no mark, and its
 * link stays dirty until then; otherwise the backfill lane reads it, and the cycle is done with the link meanwhile.
 *
 * @param unread fields as the plan names them.
 */
export const markUnread = (link: Link, unread: readonly string[]): Link => {
  const lacks = (side: Side): boolean => unread.some((field) => !holds(link, side, field));
  const marketo = lacks('marketo');
  const dynamics = lacks('dynamics');
  if (!marketo && !dynamics) return link;
  return {
    ...link,
    backfillMarketo: link.backfillMarketo || (marketo && !link.rereadMarketo),
    backfillDynamics: link.backfillDynamics || (dynamics && !link.rereadDynamics),
    dirty: link.dirty || (marketo && link.rereadMarketo) || (dynamics && link.rereadDynamics),
  };
};

const holds = (link: Link, side: Side, field: string): boolean =>
  Object.hasOwn(link.seen[side], field) || Object.hasOwn(link.agreed[side], field);
