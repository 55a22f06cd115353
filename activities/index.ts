import { randomUUID } from 'node:crypto';
import { activityInfo, cancellationSignal, heartbeat, log } from '@temporalio/activity';
import type { CycleActivities, OnDemandActivities } from './contract.js';
import { createPerson, recordOutcome } from './create-person.js';
import { begin, complete, openChunks } from './cycle.js';
import { diff } from './diff.js';
import { toFailure } from './failures.js';
import { fetchDynamics } from './fetch-dynamics.js';
import { fetchMarketo } from './fetch-marketo.js';
import { logRejections } from './log-rejections.js';
import { pushToDynamics } from './push-dynamics.js';
import { pushToMarketo } from './push-marketo.js';
import { resolve } from './resolve.js';
import type { Attempt, Ports } from './settings.js';

export type { Attempt, Ports, Timing } from './settings.js';

/** The steps of a cycle, for the worker on the queue `cycle`. */
export const createCycleActivities = (ports: Ports): CycleActivities => ({
  begin: () => attempted((attempt) => begin(ports, attempt)),
  fetchMarketo: (input) => attempted((attempt) => fetchMarketo(ports, input, attempt)),
  fetchLeads: (input) => attempted((attempt) => fetchDynamics(ports, 'lead', input, attempt)),
  fetchContacts: (input) => attempted((attempt) => fetchDynamics(ports, 'contact', input, attempt)),
  openChunks: (input) => attempted(() => openChunks(ports, input)),
  diff: (input) => attempted((attempt) => diff(ports, input, attempt)),
  resolve: (input) => attempted((attempt) => resolve(ports, input, attempt)),
  pushToDynamics: (input) => attempted((attempt) => pushToDynamics(ports, input, attempt)),
  pushToMarketo: (input) => attempted((attempt) => pushToMarketo(ports, input, attempt)),
  logRejections: (input) => attempted((attempt) => logRejections(ports, input, attempt)),
  complete: (input) => attempted(() => complete(ports, input)),
});

/** Creation on demand, for the worker on the queue `on-demand`; its connectors call on the lane of that name. */
export const createOnDemandActivities = (ports: Ports): OnDemandActivities => ({
  createPerson: (input) => attempted((attempt) => createPerson(ports, input, attempt)),
  recordOutcome: (input) => attempted((attempt) => recordOutcome(ports, input, attempt)),
});

/** Longest time without progress for which we still say that we are alive: longer than any call or pause of a budget. */
const SILENCE_MS = 20 * 60 * 1000;
const BEAT_MS = 20_000;

/**
 * Runs a step as one attempt of an activity. Between two signs of progress there is at most one call, which ends by its
 * own deadline; the beat goes on for that long and no longer, so that work that hangs is noticed.
 */
const attempted = async <T>(run: (attempt: Attempt) => Promise<T>): Promise<T> => {
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
    if (Date.now() - last < SILENCE_MS) heartbeat(reached);
  }, BEAT_MS);
  try {
    return await run(attempt);
  } catch (error) {
    if (attempt.signal.aborted) throw attempt.signal.reason;
    log.warn('the attempt failed', { error });
    throw toFailure(error);
  } finally {
    clearInterval(beat);
  }
};
