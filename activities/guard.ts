import {
  beyond,
  changesOf,
  countChanges,
  judgeMass,
  newTally,
  withoutValues,
  type GuardReason,
  type Tally,
} from '../rules/guard.js';
import { countDirty, countMissing, countPairs } from '../store/guard-counts.js';
import {
  closeStop,
  letThrough,
  openStop,
  raiseStop,
  renewStop,
  type GuardStop,
} from '../store/guard-stops.js';
import { currentMapping } from './catalog.js';
import type { CycleRef, Stopped } from './contract.js';
import { discard } from './guard-discard.js';
import { forPairs, planOf, type Guarding } from './guarding.js';
import { busy } from './request.js';
import type { Attempt, Ports } from './settings.js';
import { takeUpAgain } from './take-up.js';

/**
 * Stops a cycle that would clear, write or flag too much, before anything of it is decided or pushed, and carries out
 * what people decided on an earlier stop. What was fetched stays in the store, so a stopped cycle loses nothing.
 *
 * @returns undefined if the cycle may go on.
 */
export const guard = async (
  ports: Ports,
  { cycle }: CycleRef,
  attempt: Attempt,
): Promise<Stopped | undefined> => {
  const { db, guard: thresholds } = ports;
  const stop = await openStop(db);
  if (thresholds === null) {
    if (stop !== undefined) await closeStop(db, stop, 'switched-off');
    return undefined;
  }
  if (stop === undefined && (await countDirty(db)) < thresholds.atLeast) return undefined;
  const guarding = { ports, mapping: await currentMapping(ports), thresholds, cycle, attempt };
  return stop === undefined ? first(guarding) : again(guarding, stop);
};

const first = async (guarding: Guarding): Promise<Stopped | undefined> => {
  const reasons = await judge(guarding);
  return reasons.length === 0 ? undefined : raise(guarding, reasons);
};

const raise = async ({ ports, cycle }: Guarding, reasons: readonly GuardReason[]): Promise<Stopped> => {
  await raiseStop(ports.db, cycle, reasons);
  return stoppedSince(cycle, reasons);
};

const stoppedSince = (since: number, reasons: readonly GuardReason[]): Stopped => ({
  since,
  reasons: reasons.map(withoutValues),
});

/** Cycles were stopped before: by what people decided, and by what is left of the change. */
const again = async (guarding: Guarding, stop: GuardStop): Promise<Stopped | undefined> => {
  const { db } = guarding.ports;
  if (stop.decision === 'discard') {
    await discard(guarding, stop);
    await closed(guarding, stop, 'discarded');
    return first(guarding);
  }
  // Rows or persons that were only out of sight are found again.
  await takeUpAgain(guarding, stop);
  const reasons = await judge(guarding);
  if (stop.decision === 'go-on') return goOn(guarding, stop, reasons);
  if (reasons.length === 0) {
    await closed(guarding, stop, 'passed');
    return undefined;
  }
  await renewStop(db, stop.id, guarding.cycle, reasons);
  return stoppedSince(stop.firstCycle, reasons);
};

/** Lets through what people saw when they decided, and asks again where more has come since. */
const goOn = async (
  guarding: Guarding,
  stop: GuardStop,
  reasons: readonly GuardReason[],
): Promise<Stopped | undefined> => {
  const { ports, thresholds, cycle } = guarding;
  if (beyond(reasons, stop.reasons, thresholds).length > 0) {
    await closed(guarding, stop, 'outgrown');
    return raise(guarding, reasons);
  }
  if (!(await letThrough(ports.db, stop.id, cycle))) throw busy('the stop of the guard');
  return undefined;
};

/** @throws RemoteFailure `Busy` when people decided otherwise meanwhile: the step begins again with that. */
const closed = async (
  { ports }: Guarding,
  stop: GuardStop,
  outcome: 'discarded' | 'passed' | 'outgrown',
): Promise<void> => {
  if (!(await closeStop(ports.db, stop, outcome))) throw busy('the stop of the guard');
};

const judge = async (guarding: Guarding): Promise<GuardReason[]> => {
  const { db } = guarding.ports;
  if ((await countDirty(db)) < guarding.thresholds.atLeast) return [];
  const tally = await tallyOf(guarding);
  const [pairs, missing] = [await countPairs(db), await countMissing(db)];
  return judgeMass({ tally, missing, pairs }, guarding.thresholds);
};

const tallyOf = async (guarding: Guarding): Promise<Tally> => {
  const tally = newTally();
  await forPairs(guarding, (links) => {
    for (const link of links) {
      const changes = changesOf(planOf(guarding, link), guarding.mapping.fields[link.kind]);
      const { marketoId, dynamicsId } = link;
      countChanges(tally, { marketoId, dynamicsId }, changes);
    }
    return Promise.resolve();
  });
  return tally;
};
