import { judgeCall, type Gcra } from '../../rules/gcra.js';

/** Lets so many requests a second through, and so many at once; one process at a time, since gateways share nothing. */
export const rateLimit = (
  perSecond: number,
  atOnce: number,
  now: () => number = () => performance.now() * 1_000,
): (() => number) => {
  const gcra: Gcra = {
    intervalMicros: Math.ceil(1_000_000 / perSecond),
    bursts: { 'on-demand': atOnce, cycle: atOnce, backfill: atOnce },
  };
  let arrival = 0;
  /** @returns seconds to wait, 0 if it may go on. */
  return () => {
    const verdict = judgeCall(gcra, 'on-demand', arrival, now());
    arrival = verdict.arrival;
    return verdict.granted ? 0 : Math.max(1, Math.ceil(verdict.waitMicros / 1_000_000));
  };
};
