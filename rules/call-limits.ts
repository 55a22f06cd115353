import type { Lane } from './terms.js';

/** What a remote allows, and how much of it is ours. */
export interface CallLimits {
  /** Calls that the remote allows in any window of `windowMs`. */
  readonly calls: number;
  readonly windowMs: number;
  /** Calls that may follow each other at once, the reserve for on-demand included. Each costs a call of the rate. */
  readonly burst: number;
  /** Calls that the remote allows at the same time. */
  readonly concurrency: number;
  /** Our part of `calls` and `concurrency`: above 0, up to 1. */
  readonly share: number;
  /** Kept free for the on-demand lane: of each burst, and of the calls at the same time. */
  readonly onDemandReserve: { readonly callsPerWindow: number; readonly slots: number };
  /** How unevenly calls may travel: the most by which one reaches the remote later, after its grant, than another. */
  readonly driftMs?: number;
  /** Calls at the same time as long as the remote has not advised; `concurrency` when left out. */
  readonly unadvised?: number;
  /** What the remote allows in a day, if it counts days. */
  readonly daily?: DailyQuota;
}

/** Calls of all integrations together in one day. The share has no part in it: what others use is known. */
export interface DailyQuota {
  readonly calls: number;
  /** Kept free of the cycle's calls, for on-demand. */
  readonly reserve: number;
}

/**
 * Marketo Engage: 100 calls per 20 seconds (606) and 10 at the same time (615), for all integrations of an instance
 * together (Adobe REST docs, "Integration best practices" and "Error codes"). Adobe asks an integration to stay at or
 * below half, so that is the default share. 50,000 calls a day is what a subscription has unless more were bought.
 *
 * Each call of the burst and of the reserve, and every 200 ms of drift, is a call that some window goes without: with
 * these, 97 of 100 calls are used on average and 95 in the worst window (test/rules/gcra.test.ts).
 */
export const MARKETO_LIMITS = {
  calls: 100,
  windowMs: 20_000,
  burst: 3,
  concurrency: 10,
  share: 0.5,
  onDemandReserve: { callsPerWindow: 1, slots: 2 },
  driftMs: 200,
  daily: { calls: 50_000, reserve: 5_000 },
} as const satisfies CallLimits;

/**
 * Dataverse: 6,000 requests and 1,200 seconds of execution per 300 seconds, 52 requests at the same time, per user and
 * web server (Microsoft Learn, "Service protection API limits"). The seconds bind first: they are 4 calls at the same
 * time on average, which is where we start; `x-ms-dop-hint` tells what this environment takes.
 */
export const DYNAMICS_LIMITS = {
  calls: 6_000,
  windowMs: 300_000,
  burst: 150,
  concurrency: 52,
  share: 1,
  onDemandReserve: { callsPerWindow: 20, slots: 4 },
  driftMs: 2_000,
  unadvised: 4,
} as const satisfies CallLimits;

/** Calls in a window that are ours. */
export const sharedCalls = (limits: CallLimits): number => Math.floor(limits.calls * limits.share + 1e-9);

/** Calls at the same time that are ours; at least one. */
export const sharedConcurrency = (limits: CallLimits): number =>
  Math.max(1, Math.floor(limits.concurrency * limits.share + 1e-9));

/** Calls at the same time before the remote has advised anything. */
export const unadvisedParallelism = (limits: CallLimits): number =>
  Math.min(limits.unadvised ?? limits.concurrency, sharedConcurrency(limits));

/**
 * How many of `parallelism` calls at the same time a lane may fill. The reserve is at most a quarter, so that a small
 * advice does not starve the cycle, and at least one, so that a long call does not hold up a person's request.
 */
export const slotCeiling = (limits: CallLimits, lane: Lane, parallelism: number): number => {
  const most = Math.max(1, Math.min(parallelism, sharedConcurrency(limits)));
  const reserve = Math.min(limits.onDemandReserve.slots, Math.max(1, Math.floor(most / 4)));
  const cycle = Math.max(1, most - reserve);
  switch (lane) {
    case 'on-demand':
      return most;
    case 'cycle':
      return cycle;
    case 'backfill':
      return Math.max(1, cycle - 1);
  }
};

/** What backfill leaves of the day's quota to the cycle, besides the reserve: more than a quiet day of cycles needs. */
const BACKFILL_LEAVES = 0.1;

/** How far the day's use of all integrations may have come for a lane still to call; on-demand goes on to the end. */
export const dailyCeiling = ({ calls, reserve }: DailyQuota, lane: Lane): number => {
  const cycle = calls - reserve;
  switch (lane) {
    case 'on-demand':
      return Number.POSITIVE_INFINITY;
    case 'cycle':
      return cycle;
    case 'backfill':
      return Math.max(0, Math.floor(cycle - BACKFILL_LEAVES * calls));
  }
};

const require = (holds: boolean, rule: string): void => {
  if (!holds) throw new RangeError(`call limits: ${rule}`);
};

/** @throws RangeError naming the rule that the limits break. */
export const checkLimits = (limits: CallLimits): void => {
  const { calls, windowMs, burst, concurrency, share, onDemandReserve, driftMs = 0, unadvised = 1 } = limits;
  const whole = [calls, burst, concurrency, unadvised];
  require(whole.every((count) => Number.isInteger(count) && count >= 1), 'counts are whole and at least 1');
  require(windowMs > 0 && Number.isFinite(windowMs), 'windowMs is above 0');
  require(driftMs >= 0 && Number.isFinite(driftMs), 'driftMs is 0 or more');
  require(share > 0 && share <= 1, 'share is above 0 and at most 1');
  const reserves = [onDemandReserve.callsPerWindow, onDemandReserve.slots];
  require(reserves.every(
    (count) => Number.isInteger(count) && count >= 0,
  ), 'reserves are whole and 0 or more');
  require(onDemandReserve.callsPerWindow < burst, 'burst exceeds the reserve for on-demand');
  require(sharedCalls(limits) >=
    2 * burst, `a share of ${share} leaves too few calls for bursts of ${burst}`);
  if (limits.daily !== undefined) checkDaily(limits.daily);
};

const checkDaily = ({ calls, reserve }: DailyQuota): void => {
  require(Number.isInteger(calls) && calls >= 1, 'the daily quota is whole and at least 1');
  require(Number.isInteger(reserve) && reserve >= 0, 'the daily reserve is whole and 0 or more');
  require(reserve < calls, `a daily quota of ${calls} exceeds its reserve of ${reserve}`);
};
