import type { Link } from '../rules/link.js';
import type { Mapping } from '../rules/mapping.js';
import type { PushResult } from './contract.js';
import type { Attempt, Ports } from './settings.js';

/** One attempt to push a chunk to one side. */
export interface Push {
  readonly ports: Ports;
  readonly cycle: number;
  readonly attempt: Attempt;
  /** Narrowed while the push runs, once a refusal shows that rights or schema are not what the store has. */
  mapping: Mapping;
  /** The catalog is read again at most once in a push. */
  refreshed?: Promise<Mapping>;
}

export const NOTHING_PUSHED: PushResult = { records: 0, created: 0, refused: 0, deferred: 0 };

/** Clean once nothing is planned any more, for either side. */
export const atRest = (link: Link): Link => ({
  ...link,
  dirty: link.stamp !== null || link.writes.some(({ state }) => state === 'planned'),
});
