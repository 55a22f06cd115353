import type { Thresholds } from '../rules/guard.js';
import type { Link } from '../rules/link.js';
import type { Mapping } from '../rules/mapping.js';
import { plan, type Planned } from '../rules/plan.js';
import { isInScope } from '../rules/scope.js';
import { dirtyPairs } from '../store/guard-counts.js';
import { forgetOld, type Attempt, type Ports } from './settings.js';

/** One look of the guard, with what it needs. */
export interface Guarding {
  readonly ports: Ports;
  readonly mapping: Mapping;
  readonly thresholds: Thresholds;
  readonly cycle: number;
  readonly attempt: Attempt;
}

/** What the cycle would do with a pair; nothing of it is kept. */
export const planOf = ({ ports, mapping, cycle }: Guarding, link: Link): Planned =>
  plan(forgetOld(ports, link), {
    fields: mapping.fields[link.kind],
    cycle,
    at: new Date().toISOString(),
  });

/** As many as a heartbeat can wait for. */
const AT_ONCE = 1_000;

/** Goes through the pairs that the cycle would decide, in order of id. */
export const forPairs = async (
  { ports, attempt }: Guarding,
  work: (links: readonly Link[]) => Promise<void>,
): Promise<void> => {
  for (let after = 0; ;) {
    attempt.signal.throwIfAborted();
    const links = await dirtyPairs(ports.db, after, AT_ONCE);
    const last = links.at(-1);
    if (last === undefined) return;
    // Nothing is written for what is out of scope.
    await work(links.filter(isInScope));
    after = last.id;
    attempt.progress();
  }
};
