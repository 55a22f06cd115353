import type { Lane } from './terms.js';

/** What a call asks of the shared budget before it may start. */
export interface CallRequest {
  readonly lane: Lane;
  /** The longest the call can take before its slot is free again. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The budget of one remote, shared by every process that calls it: rate, concurrency, pauses. Connectors take it as a
 * port, so that they need not know the store.
 */
export interface CallBudget {
  /**
   * Waits for room, runs `call` holding a concurrency slot, and gives the slot back.
   *
   * @throws RemoteFailure `QuotaExhausted`, without the call, when the lane has used up its part of the remote's day.
   */
  run<T>(request: CallRequest, call: () => Promise<T>): Promise<T>;
  /** Pauses every process that calls this remote: it asked for it (`Retry-After`, 606). */
  pause(durationMs: number): Promise<void>;
  /** The degree of parallelism that the remote advises at this moment (Dataverse's `x-ms-dop-hint`). */
  advise(parallelism: number): Promise<void>;
}

/** A budget without limits, for set-up commands and tests. */
export const unlimitedBudget: CallBudget = {
  run: (_request, call) => call(),
  pause: () => Promise.resolve(),
  advise: () => Promise.resolve(),
};
