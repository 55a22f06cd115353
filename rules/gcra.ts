import { sharedCalls, type CallLimits } from './call-limits.js';
import type { Lane } from './terms.js';

/**
 * The generic cell rate algorithm: a "theoretical arrival" moves on by `intervalMicros` with each call, and a call is
 * granted while that is not further ahead of the clock than the lane's burst. All times are whole microseconds, which
 * is PostgreSQL's resolution; store/budget-statements.ts runs this same arithmetic in SQL.
 */
export interface Gcra {
  readonly intervalMicros: number;
  /**
   * Calls at once by lane: what a lane lacks against `on-demand` is left free for the lanes before it. A part of a call is
   * none, but by so much a lane may be late without losing anything.
   */
  readonly bursts: Readonly<Record<Lane, number>>;
}

export interface Verdict {
  readonly granted: boolean;
  /** The theoretical arrival afterwards. */
  readonly arrival: number;
  /** Time until a call of this lane may be granted; 0 if granted. */
  readonly waitMicros: number;
}

/**
 * The fastest pace at which no window sees more than our share of the limit.
 *
 * A burst of B and an interval T let N calls pass in no less than (N - B) * T. One call too many, N = calls + 1, must
 * therefore take longer than the window, and longer by the drift, because the remote counts arrivals and not grants.
 */
export const gcraOf = (limits: CallLimits): Gcra => {
  const { burst, onDemandReserve, windowMs, driftMs = 0 } = limits;
  const spread = (windowMs + driftMs) * 1_000;
  // Rounding up, and one more: strictly longer than the window, even where a remote counts both of its ends.
  const intervalMicros = Math.floor(spread / (sharedCalls(limits) + 1 - burst)) + 1;
  const cycle = burst - onDemandReserve.callsPerWindow;
  return { intervalMicros, bursts: { 'on-demand': burst, cycle, backfill: (cycle + 1) / 2 } };
};

/** How far ahead of the clock the theoretical arrival can be, and how far ahead a lane tolerates it, in microseconds. */
export const gcraSpans = (
  gcra: Gcra,
  lane: Lane,
): { readonly horizon: number; readonly tolerance: number } => ({
  horizon: gcra.bursts['on-demand'] * gcra.intervalMicros,
  tolerance: Math.floor((gcra.bursts[lane] - 1) * gcra.intervalMicros),
});

/** Longest that a turn may be late: far below the moment at which a later lane's turn comes. */
const MOST_LEEWAY_MICROS = 50_000;

/** By how much a lane may be late by choice, in microseconds. Within its burst that moves nobody: the next ones catch up. */
export const leewayMicros = (gcra: Gcra, lane: Lane): number =>
  Math.min(MOST_LEEWAY_MICROS, gcraSpans(gcra, lane).tolerance / 4);

/**
 * Judges one call of `lane` at `now`. A clock that was set back does not block: arrivals beyond the horizon are cut, also
 * for a call that is refused, so that its wait is over when it said.
 */
export const judgeCall = (gcra: Gcra, lane: Lane, arrival: number, now: number): Verdict => {
  const { horizon, tolerance } = gcraSpans(gcra, lane);
  const bounded = Math.min(arrival, now + horizon);
  const waitMicros = Math.max(0, bounded - tolerance - now);
  if (waitMicros > 0) return { granted: false, arrival: bounded, waitMicros };
  return { granted: true, arrival: Math.max(bounded, now) + gcra.intervalMicros, waitMicros: 0 };
};
