import { randomUUID } from 'node:crypto';
import { activityInfo, cancellationSignal, heartbeat, log } from '@temporalio/activity';
import { markActive } from '../store/cycles.js';
import { answerChunk, answerChunks } from './answer-chunk.js';
import { findWork, onBackfillLane } from './backfill.js';
import { readFields } from './backfill-fields.js';
import { createChunk } from './chunk/create-chunk.js';
import { recordChunk } from './chunk/record-chunk.js';
import type {
  BackfillActivities,
  ChunkActivities,
  CycleActivities,
  CycleRef,
  OnDemandActivities,
  OpenChunksResult,
} from './contract.js';
import { createPerson } from './create-person.js';
import { begin, complete, followAndOpen, prepare } from './cycle.js';
import { diff } from './diff.js';
import { toFailure } from './failures.js';
import { fetchDynamics } from './fetch-dynamics.js';
import { fetchMarketo } from './fetch-marketo.js';
import { gatherCalls, gatherEntries } from './gathered-calls.js';
import { logRejections } from './log-rejections.js';
import { pushToDynamics } from './push-dynamics.js';
import { pushToMarketo } from './push-marketo.js';
import { readTable } from './read-table.js';
import { reconcile } from './reconcile.js';
import { recordOutcome } from './record-outcome.js';
import { resolve } from './resolve.js';
import type { Attempt, Ports } from './settings.js';

export type { Attempt, Ports, Timing } from './settings.js';

/** The steps of a cycle, for the worker on the queue `cycle`. */
export const createCycleActivities = (ports: Ports): CycleActivities => {
  const step =
    <I extends CycleRef, T>(run: (ports: Ports, input: I, attempt: Attempt) => Promise<T>) =>
    (input: I): Promise<T> =>
      attempted(ports, (attempt) => run(ports, input, attempt), signOfLife(ports, input));
  return {
    begin: () => attempted(ports, () => begin(ports)),
    prepare: step(prepare),
    fetchMarketo: step(fetchMarketo),
    fetchLeads: step((_, input: CycleRef, attempt) => fetchDynamics(ports, 'lead', input, attempt)),
    fetchContacts: step((_, input: CycleRef, attempt) => fetchDynamics(ports, 'contact', input, attempt)),
    openChunks: step(async (_, input: CycleRef, attempt) =>
      alert(input, await followAndOpen(ports, input, attempt)),
    ),
    diff: step(diff),
    resolve: step(resolve),
    pushToDynamics: step(pushToDynamics),
    pushToMarketo: step(pushToMarketo),
    logRejections: step(logRejections),
    complete: (input) => attempted(ports, () => complete(ports, input)),
  };
};

/** Creation on demand, for the worker on the queue `on-demand`; its connectors call on the lane of that name. */
export const createOnDemandActivities = (single: Ports): OnDemandActivities => {
  const ports = gatherCalls(single);
  const sendEntries = gatherEntries(ports);
  return {
    createPerson: (input) => attempted(ports, (attempt) => createPerson(ports, input, attempt)),
    recordOutcome: (input) =>
      attempted(ports, (attempt) => recordOutcome(ports, input, attempt, sendEntries)),
    answerChunks: (input) => attempted(ports, (attempt) => answerChunks(ports, input, attempt)),
  };
};

/** Chunks of campaigns, for the worker on the queue `chunks`. */
export const createChunkActivities = (ports: Ports): ChunkActivities => ({
  createChunk: (input) => attempted(ports, (attempt) => createChunk(ports, input, attempt)),
  recordChunk: (input) => attempted(ports, (attempt) => recordChunk(ports, input, attempt)),
  answerChunk: (input) => attempted(ports, (attempt) => answerChunk(ports, input, attempt)),
});

/** One line for whoever watches the logs, when a stop is raised; the cycles after it say so in their reports. */
const alert = ({ cycle }: CycleRef, opened: OpenChunksResult): OpenChunksResult => {
  const { stopped } = opened;
  if (stopped?.since === cycle)
    log.warn('mass change: the cycle pushes nothing until somebody decides (contact-sync guard)', {
      cycle,
      reasons: stopped.reasons,
    });
  return opened;
};

/** The backfill lane, for the worker on the queue of that name; all of its calls are on that lane. */
export const createBackfillActivities = (ports: Ports): BackfillActivities => {
  const lane = onBackfillLane(ports);
  return {
    findWork: (input) => attempted(lane, () => findWork(lane, input)),
    readTable: (input) => attempted(lane, (attempt) => readTable(lane, input, attempt)),
    readFields: (input) => attempted(lane, (attempt) => readFields(lane, input, attempt)),
    reconcile: (input) => attempted(lane, (attempt) => reconcile(lane, input, attempt)),
  };
};

/** Longest time without progress for which we still say that we are alive: longer than any call or pause of a budget. */
const SILENCE_MS = 20 * 60 * 1000;
/** Beats in the time after which silence counts as death. */
const BEATS = 6;

/**
 * Notes in the store that the cycle is at work. A cycle that is cut off counts as ended then, and the next one rests
 * from there; so a long step tells it again and again. The time since the step was scheduled is added to the workflow's
 * clock, which stands still meanwhile.
 */
const signOfLife = ({ db }: Ports, { cycle, at }: CycleRef): (() => Promise<void>) => {
  const scheduled = activityInfo().scheduledTimestampMs;
  return () => {
    const since = Math.max(0, Date.now() - scheduled);
    return markActive(db, cycle, new Date(Date.parse(at) + since).toISOString());
  };
};

/**
 * Runs a step as one attempt of an activity. Between two signs of progress there is at most one call, which ends by its
 * own deadline; the beat goes on for that long and no longer, so that work that hangs is noticed.
 */
const attempted = async <T>(
  { timing }: Ports,
  run: (attempt: Attempt) => Promise<T>,
  alive: () => Promise<void> = () => Promise.resolve(),
): Promise<T> => {
  let reached: unknown = activityInfo().heartbeatDetails;
  let last = Date.now();
  const attempt: Attempt = {
    holder: randomUUID(),
    signal: cancellationSignal(),
    reached,
    progress: (details = reached) => {
      reached = details;
      last = Date.now();
      heartbeat(reached);
    },
  };
  const beat = setInterval(() => {
    if (Date.now() - last >= SILENCE_MS) return;
    heartbeat(reached);
    // A store that is down is noticed by the step itself.
    alive().catch(() => undefined);
  }, timing.takeoverMs / BEATS);
  try {
    await alive();
    return await run(attempt);
  } catch (error) {
    if (attempt.signal.aborted) throw attempt.signal.reason;
    log.warn('the attempt failed', { error });
    throw toFailure(error);
  } finally {
    clearInterval(beat);
  }
};
