import {
  condition,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { BackfillActivities, BackfillTurn, BackfillWork } from '../activities/contract.js';
import { asFailure, instant, PATIENT, quotaReset, STORE_RETRY } from './failures.js';
import { backfillProgressQuery, wakeSignal, type BackfillProgress } from './names.js';

/** What a run reports as its result: shown by Temporal UI on the closed run. */
export interface BackfillReport {
  readonly startedAt: string;
  readonly endedAt: string;
  readonly outcome: 'completed' | 'nothing was due' | 'waited for the daily quota';
  /** Turns of each kind of work. */
  readonly turns: Readonly<Partial<Record<BackfillWork, number>>>;
  /** What was read for the field selection. */
  readonly counts: Readonly<Record<string, number>>;
  /** What the pass that was completed found in all; null if none was. */
  readonly reconciliation: Readonly<Record<string, number>> | null;
}

// Statements against the store alone.
const { findWork } = proxyActivities<BackfillActivities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '30 seconds',
  retry: STORE_RETRY,
});

/** A turn gives way after some minutes; the wait for a remote that is down comes on top. */
const turnsWithin = (takeoverMs: number) =>
  proxyActivities<BackfillActivities>({
    startToCloseTimeout: '2 hours',
    heartbeatTimeout: takeoverMs,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: PATIENT,
  });

/** A run ends after so many looks or turns: its history stays short, and cron begins the next at once. */
const MOST_LOOKS = 300;
/** After a failure that people have to mend; cron alone would try again every second. */
const REST_AFTER_FAILURE = '5 minutes';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface Run {
  readonly progress: Mutable<BackfillProgress>;
  readonly turns: Partial<Record<BackfillWork, number>>;
  counts: Record<string, number>;
  reconciliation: Readonly<Record<string, number>> | null;
}

/**
 * The backfill lane, started again by cron for ever: waits until the store says that something is due, does it in turns of
 * some minutes, one at a time, and reports. Between two turns the store is asked anew, so that new fields do not wait for a
 * pass over everything. Nothing here writes to a remote; what it reads is merged by the next cycle.
 */
export async function backfill(): Promise<BackfillReport> {
  const startedAt = instant();
  const run: Run = {
    progress: { work: null, lookAgainAt: null, turns: 0, counts: {} },
    turns: {},
    counts: {},
    reconciliation: null,
  };
  let woken = false;
  setHandler(backfillProgressQuery, () => run.progress, { description: 'What the backfill lane is doing' });
  setHandler(wakeSignal, () => void (woken = true), { description: 'Something was asked for: look at once' });
  if (workflowInfo().lastFailure !== undefined) {
    show(run, 'resting after a failure');
    await condition(() => woken, REST_AFTER_FAILURE, { summary: 'rest after a failure' });
  }
  for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
    woken = false;
    const { work, lookAgainAt, takeoverMs } = await findWork({ at: instant() });
    if (work !== null) {
      const { reset, idle } = await perform(run, work, takeoverMs);
      if (reset !== undefined) {
        await untilReset(run, reset);
        return report(run, startedAt, 'waited for the daily quota');
      }
      if (!idle) continue;
    } else if (run.progress.turns > 0) return report(run, startedAt, 'completed');
    // Also where a turn found all that it wanted to read in the hands of the cycle.
    run.progress.work = null;
    run.progress.lookAgainAt = new Date(lookAgainAt).toISOString();
    show(run, 'nothing is due');
    await condition(() => woken, Math.max(1_000, lookAgainAt - Date.now()), { summary: 'nothing is due' });
  }
  return report(run, startedAt, run.progress.turns > 0 ? 'completed' : 'nothing was due');
}

interface Performed {
  /** When a used-up daily quota is filled again, if that is what ended the turn. */
  readonly reset?: string;
  /** Nothing could be read. */
  readonly idle: boolean;
}

const perform = async (run: Run, work: BackfillWork, takeoverMs: number): Promise<Performed> => {
  run.progress.work = work;
  run.progress.lookAgainAt = null;
  show(run, TITLES[work]);
  try {
    const turn = await turnOf(work, takeoverMs);
    note(run, work, turn);
    show(run, TITLES[work]);
    return { idle: work === 'fields' && Object.values(turn.counts).every((count) => count === 0) };
  } catch (error) {
    const reset = quotaReset(error);
    if (reset !== undefined) return { reset, idle: true };
    throw asFailure(error, 'the backfill lane');
  }
};

const TITLES: Readonly<Record<BackfillWork, string>> = {
  lead: 'reading leads for the field selection',
  contact: 'reading contacts for the field selection',
  fields: 'reading fields that were never read',
  reconciliation: 'a pass over all records',
};

const turnOf = (work: BackfillWork, takeoverMs: number): Promise<BackfillTurn> => {
  const steps = turnsWithin(takeoverMs);
  const at = instant();
  const summary = TITLES[work];
  switch (work) {
    case 'lead':
    case 'contact':
      return steps.readTable.executeWithOptions({ summary }, [{ at, kind: work }]);
    case 'fields':
      return steps.readFields.executeWithOptions({ summary }, [{ at }]);
    case 'reconciliation':
      return steps.reconcile.executeWithOptions({ summary }, [{ at }]);
  }
};

/** A pass counts by itself, over all of its turns. */
const note = (run: Run, work: BackfillWork, { counts, completed }: BackfillTurn): void => {
  run.turns[work] = (run.turns[work] ?? 0) + 1;
  run.progress.turns += 1;
  if (work === 'reconciliation') run.progress.counts = counts;
  else for (const [name, count] of Object.entries(counts)) run.counts[name] = (run.counts[name] ?? 0) + count;
  if (completed !== null) run.reconciliation = completed;
};

/** The lane leaves the day's last calls to the cycle, and goes on where it was. */
const untilReset = async (run: Run, reset: string): Promise<void> => {
  run.progress.lookAgainAt = reset;
  show(run, `the day's calls for this lane are used up; goes on at ${reset}`);
  await sleep(Math.max(60_000, Date.parse(reset) - Date.now()), { summary: 'daily quota' });
};

const report = (run: Run, startedAt: string, outcome: BackfillReport['outcome']): BackfillReport => {
  run.progress.work = null;
  show(run, outcome);
  const { turns, counts, reconciliation } = run;
  return { startedAt, endedAt: instant(), outcome, turns, counts, reconciliation };
};

const show = (run: Run, what: string): void => {
  const lines = [`**Backfill**: ${what}`];
  const { counts, reconciliation } = run;
  const shown = { ...counts, ...(reconciliation ?? run.progress.counts) };
  for (const [name, count] of Object.entries(shown)) lines.push(`- ${name}: ${String(count)}`);
  setCurrentDetails(lines.join('\n'));
};
