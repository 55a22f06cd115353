import type { Link } from './link.js';

/**
 * A record counts for nothing of what it had agreed on, or had under way, with a person that it has no more: what another
 * one holds is no edit of that, and one that comes back is met as on a first link.
 */
export const STRANGERS = {
  agreed: { marketo: {}, dynamics: {} },
  writes: [],
  overtaken: {},
  parked: {},
} as const satisfies Partial<Link>;
