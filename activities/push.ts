import type { Link } from '../rules/link.js';
import type { Mapping } from '../rules/mapping.js';
import type { Database } from '../store/database.js';
import type { PushResult } from './contract.js';
import type { FieldSearches } from './field-searches.js';
import { saveWithRefusals, type Refused } from './refusals.js';
import type { Attempt, Ports } from './settings.js';

/** One attempt to push a chunk to one side. */
export interface Push {
  readonly ports: Ports;
  readonly cycle: number;
  readonly attempt: Attempt;
  /** For fields that refusals do not name; shared by all batches of the push. */
  readonly searches: FieldSearches;
  /** Narrowed while the push runs, once a refusal shows that rights or schema are not what the store has. */
  mapping: Mapping;
  /** Links whose write went once more, because a refusal of a column is explained by neither rights nor schema. */
  readonly repeated: Set<number>;
  /** The catalog is read again at most once in a push. */
  refreshed?: Promise<Mapping>;
}

export const beginPush = (push: Omit<Push, 'repeated' | 'refreshed'>): Push => ({
  ...push,
  repeated: new Set(),
});

export const NOTHING_PUSHED: PushResult = { records: 0, created: 0, refused: 0, deferred: 0 };

/** Clean once nothing is planned any more, for either side. */
export const atRest = (link: Link): Link => ({
  ...link,
  dirty: link.stamp !== null || link.writes.some(({ state }) => state === 'planned'),
});

/** What became of one link in a call, with the refusal that it met. */
export interface Outcome {
  readonly link: Link;
  readonly refused?: readonly Refused[];
}

/**
 * Saves what became of links together with their refusals, in one transaction; a link that somebody else changed
 * meanwhile is left as it is, and its refusal is not kept.
 *
 * @returns the saved links, by id.
 */
export const saveOutcomes = (
  ports: Ports,
  outcomes: readonly Outcome[],
  whileSaving?: (tx: Database, saved: readonly Link[]) => Promise<void>,
): Promise<Map<number, Link>> =>
  saveWithRefusals(
    ports,
    outcomes.map(({ link }) => link),
    outcomes.flatMap((outcome) => outcome.refused ?? []),
    whileSaving,
  );
