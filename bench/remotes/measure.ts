import type { Job } from './job.js';

/** What one client took for one turn of a job. */
export interface Sample {
  readonly seconds: number;
  /** Of this process alone: the simulators run in another. */
  readonly cpuSeconds: number;
  /** As the simulator counted them. */
  readonly calls: number;
  readonly records: number;
}

export interface Measured {
  readonly job: Job;
  readonly ours: readonly Sample[];
  readonly theirs: readonly Sample[];
}

/** Calls that a remote has seen so far. */
export type CountCalls = (remote: Job['remote']) => Promise<number>;

/**
 * Lets both clients do the job in turns, the first to go alternating, so that whatever else the machine does meets both
 * alike. One turn of each goes before, unmeasured: connections, tokens and compiled code are then there.
 */
export async function measure(job: Job, rounds: number, countCalls: CountCalls): Promise<Measured> {
  const ours: Sample[] = [];
  const theirs: Sample[] = [];
  let turn = 0;
  const go = async (run: Job['ours']): Promise<Sample> => {
    await job.before?.();
    turn += 1;
    return await sample(job, run, turn, countCalls);
  };
  for (let round = 0; round <= rounds; round += 1) {
    const [first, second] = round % 2 === 0 ? [job.ours, job.theirs] : [job.theirs, job.ours];
    const [one, other] = [await go(first), await go(second)];
    if (round === 0) continue;
    ours.push(round % 2 === 0 ? one : other);
    theirs.push(round % 2 === 0 ? other : one);
  }
  return { job, ours, theirs };
}

async function sample(job: Job, run: Job['ours'], turn: number, countCalls: CountCalls): Promise<Sample> {
  const callsBefore = await countCalls(job.remote);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const records = await run(turn);
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    calls: (await countCalls(job.remote)) - callsBefore,
    records,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Records per second, by the median of the turns. */
export const paceOf = (samples: readonly Sample[]): number =>
  median(samples.map(({ records }) => records)) / median(samples.map(({ seconds }) => seconds));

/** Records per second of ours over theirs. */
export const ratioOf = ({ ours, theirs }: Measured): number => paceOf(ours) / paceOf(theirs);
