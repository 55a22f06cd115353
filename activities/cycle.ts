import { countDueEntries } from '../store/activity-entries.js';
import { wakeCrowds } from '../store/ambiguous.js';
import { completeCycle, markActive, planCycle } from '../store/cycles.js';
import { endThrough } from '../store/guard-stops.js';
import { rotateLedger } from '../store/ledger.js';
import { dirtyRanges } from '../store/links.js';
import { refreshCatalogIfOld, requireInstallation } from './catalog.js';
import type { BegunCycle, CompleteCycle, CycleRef, OpenChunksResult } from './contract.js';
import { refreshDayUse } from './day-use.js';
import { followSuccessors } from './follow-successors.js';
import { guard } from './guard.js';
import { probe } from './probe.js';
import { releaseRemapped } from './remapped.js';
import { takeSelection } from './select-fields.js';
import type { Attempt, Ports, Timing } from './settings.js';

/**
 * Takes the cycle's number, and the moment before which it may not start: end of the last one plus the rest. Asks
 * nobody but the store, so that what is wrong with a remote ends the cycle, which rests, and not this.
 */
export const begin = async ({
  db,
  timing,
}: Pick<Ports, 'db'> & { readonly timing: Pick<Timing, 'restMs' | 'takeoverMs'> }): Promise<BegunCycle> => {
  const { number, lastEnded, notBefore } = await planCycle(db);
  const rested = lastEnded === null ? 0 : lastEnded + timing.restMs;
  return { cycle: number, notBefore: Math.max(rested, notBefore ?? 0), takeoverMs: timing.takeoverMs };
};

/** What a cycle stands on: the installation, room in the ledger, schemas that are not too old, and the day's use. */
export const prepare = async (ports: Ports, input: CycleRef, attempt: Attempt): Promise<void> => {
  await markActive(ports.db, input.cycle, input.at);
  await requireInstallation(ports);
  await rotateLedger(ports.db, ports.ledgerMonths);
  await refreshCatalogIfOld(ports, attempt.signal);
  await takeSelection(ports);
  await releaseRemapped(ports, attempt);
  await refreshDayUse(ports, attempt.signal);
};

/** Smallest chunk, and most chunks of a cycle: any cycle stays under 3,000 events of history at any size. */
const SMALLEST_CHUNK = 1_500;
const MOST_CHUNKS = 100;

/**
 * Lets pairs follow rows that were qualified or merged, then divides what is to be decided, unless the guard on mass
 * change stops it.
 */
export const followAndOpen = async (
  ports: Ports,
  input: CycleRef,
  attempt: Attempt,
): Promise<OpenChunksResult> => {
  await followSuccessors(ports, attempt);
  // What trials release is watched by the guard like any other write.
  await probe(ports, attempt);
  await wakeCrowds(ports.db, ports.timing.probeMs);
  const stopped = await guard(ports, input, attempt);
  if (stopped === undefined) return openChunks(ports, input);
  return { chunks: [], entries: await countDueEntries(ports.db), stopped };
};

/** Divides the dirty links into chunks. */
export const openChunks = async ({ db }: Pick<Ports, 'db'>, input: CycleRef): Promise<OpenChunksResult> => {
  await markActive(db, input.cycle, input.at);
  const chunks = await dirtyRanges(db, (dirty) => Math.max(SMALLEST_CHUNK, Math.ceil(dirty / MOST_CHUNKS)));
  return { chunks, entries: await countDueEntries(db) };
};

export const complete = async (
  { db, guard: thresholds }: Pick<Ports, 'db' | 'guard'>,
  input: CompleteCycle,
): Promise<void> => {
  await markActive(db, input.cycle, input.at);
  await completeCycle(db, { ...input, number: input.cycle });
  // A cycle that a used-up quota cut off has not come to all that people let through.
  if (thresholds !== null && input.outcome === 'completed' && input.notBefore === null)
    await endThrough(db, input.cycle, thresholds.atLeast);
};
