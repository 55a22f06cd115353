import type { CallBudget, CallRequest } from '../../rules/budget.js';

/** A budget without limits that remembers what it was asked and told. */
export interface RecordedBudget extends CallBudget {
  readonly requests: CallRequest[];
  readonly pauses: number[];
  readonly advice: number[];
  /** The most calls that ran at one time. */
  busiest(): number;
}

export function recordedBudget(): RecordedBudget {
  const requests: CallRequest[] = [];
  const pauses: number[] = [];
  const advice: number[] = [];
  let running = 0;
  let most = 0;
  return {
    requests,
    pauses,
    advice,
    busiest: () => most,
    async run(request, call) {
      requests.push(request);
      running += 1;
      most = Math.max(most, running);
      try {
        return await call();
      } finally {
        running -= 1;
      }
    },
    pause: (durationMs) => Promise.resolve(void pauses.push(durationMs)),
    advise: (parallelism) => Promise.resolve(void advice.push(parallelism)),
  };
}
