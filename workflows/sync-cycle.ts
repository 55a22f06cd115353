import {
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import type { Chunk, CycleActivities, CycleRef, Stopped } from '../activities/contract.js';
import { asFailure, instant, PATIENT, quotaReset, STORE_RETRY } from './failures.js';
import { progressQuery, type CycleProgress } from './names.js';

/** What a cycle reports as its result: shown by Temporal UI on the closed run. */
export interface CycleReport {
  readonly cycle: number;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly outcome: 'completed' | 'ended early: daily quota' | 'stopped: mass change';
  readonly counts: Readonly<Record<string, number>>;
  /** What the guard on mass change held back, and since which cycle. */
  readonly stopped?: Stopped;
}

// Statements against the store alone. A worker that died with one of them is known by its silence.
const { begin, complete } = proxyActivities<CycleActivities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '30 seconds',
  retry: STORE_RETRY,
});

/** How long a step may show no sign of life before another worker takes it up, where the store does not say. */
const TAKEOVER_MS = 30_000;

/**
 * Loops over pages and batches. A worker beats by itself while one call is inside its own deadline, so that its silence
 * means that it is gone, however long a call takes.
 */
const stepsWithin = (takeoverMs: number) =>
  proxyActivities<CycleActivities>({
    startToCloseTimeout: '12 hours',
    heartbeatTimeout: takeoverMs,
    // The SDK would go on at once and leave the step writing behind its back.
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: PATIENT,
  });

/** Chunks at once: enough that one pushes while the next resolves. */
const CHUNKS_AT_ONCE = 3;

interface Progress {
  cycle: number;
  step: CycleProgress['step'];
  restUntil: string | null;
  chunksDone: number;
  chunks: number;
  counts: Record<string, number>;
  stopped?: Stopped;
}

/**
 * One cycle of the sync, started again by cron for ever: rest, fetch, then per chunk diff, resolve, push, and the log of
 * what was refused. Everything that lasts is in the store; the result is a report.
 */
export async function syncCycle(): Promise<CycleReport> {
  const progress: Progress = {
    cycle: 0,
    step: 'begin',
    restUntil: null,
    chunksDone: 0,
    chunks: 0,
    counts: {},
  };
  setHandler(progressQuery, () => progress, { description: 'What the cycle is doing' });
  const { cycle, notBefore, takeoverMs = TAKEOVER_MS } = await begin();
  const steps = stepsWithin(takeoverMs);
  progress.cycle = cycle;
  await rest(progress, notBefore);
  const startedAt = instant();
  try {
    await run(progress, steps);
  } catch (error) {
    return await end(progress, startedAt, error);
  }
  return await end(progress, startedAt, undefined);
}

/** Runs steps side by side. When one fails the others are stopped and awaited: a cycle that has ended writes no more. */
const together = <T extends readonly unknown[]>(start: () => { readonly [K in keyof T]: Promise<T[K]> }) =>
  CancellationScope.cancellable(async () => {
    const steps = start();
    try {
      return await Promise.all(steps);
    } catch (error) {
      CancellationScope.current().cancel();
      await Promise.allSettled(steps);
      throw error;
    }
  });

const reference = ({ cycle }: Progress): CycleRef => ({ cycle, at: instant() });

/** The five minutes are counted from the end of the last cycle, so the timer is ours and not the cron's. */
const rest = async (progress: Progress, notBefore: number): Promise<void> => {
  const pause = notBefore - Date.now();
  if (pause <= 0) return;
  show(progress, 'rest', new Date(notBefore).toISOString());
  await sleep(pause, { summary: 'rest' });
};

type Steps = ReturnType<typeof stepsWithin>;

const run = async (progress: Progress, steps: Steps): Promise<void> => {
  show(progress, 'fetch');
  await steps.prepare.executeWithOptions({ summary: 'installation and schemas' }, [reference(progress)]);
  const [persons, leads, contacts] = await together(() => [
    steps.fetchMarketo.executeWithOptions({ summary: 'what changed in Marketo' }, [reference(progress)]),
    steps.fetchLeads.executeWithOptions({ summary: 'what changed in leads' }, [reference(progress)]),
    steps.fetchContacts.executeWithOptions({ summary: 'what changed in contacts' }, [reference(progress)]),
  ]);
  count(progress, 'fetched', { persons: persons.read, leads: leads.rows, contacts: contacts.rows });
  const { chunks, entries, stopped } = await steps.openChunks(reference(progress));
  if (stopped !== undefined) {
    progress.stopped = stopped;
    count(progress, 'stopped', { reasons: stopped.reasons.length });
  }
  progress.chunks = chunks.length;
  show(progress, 'sync');
  const queue = [...chunks];
  await together(() => Array.from({ length: CHUNKS_AT_ONCE }, () => syncChunks(progress, steps, queue)));
  if (chunks.length === 0 && entries === 0) return;
  show(progress, 'log rejections');
  count(progress, 'rejections', { ...(await steps.logRejections(reference(progress))) });
};

const syncChunks = async (progress: Progress, steps: Steps, queue: Chunk[]): Promise<void> => {
  for (let chunk = queue.shift(); chunk !== undefined; chunk = queue.shift()) {
    await syncChunk(progress, steps, chunk);
    progress.chunksDone += 1;
    show(progress, 'sync');
  }
};

const syncChunk = async (progress: Progress, steps: Steps, chunk: Chunk): Promise<void> => {
  const summary = `links ${chunk.from} to ${chunk.to}`;
  const input = () => ({ ...reference(progress), chunk });
  const found = await steps.diff.executeWithOptions({ summary }, [input()]);
  count(progress, 'diff', { ...found });
  if (found.converged === found.links) return;
  const decided = await steps.resolve.executeWithOptions({ summary }, [input()]);
  count(progress, 'resolve', { ...decided });
  const [toDynamics, toMarketo] = await together(() => [
    steps.pushToDynamics.executeWithOptions({ summary }, [input()]),
    steps.pushToMarketo.executeWithOptions({ summary }, [input()]),
  ]);
  count(progress, 'toDynamics', { ...toDynamics });
  count(progress, 'toMarketo', { ...toMarketo });
};

/** Ends the cycle in the store; a failure is kept there too, then fails the run for everybody to see. */
const end = async (progress: Progress, startedAt: string, error: unknown): Promise<CycleReport> => {
  if (isCancellation(error)) throw error;
  const quota = quotaReset(error);
  const endedAt = instant();
  const outcome = error === undefined || quota !== undefined ? 'completed' : 'failed';
  const { cycle, counts, stopped } = progress;
  await complete({ cycle, at: endedAt, outcome, counts, notBefore: quota ?? null });
  if (outcome === 'failed') throw asFailure(error, 'the cycle');
  show(progress, 'done');
  return {
    cycle,
    startedAt,
    endedAt,
    outcome: outcomeOf(quota, stopped),
    counts,
    ...(stopped === undefined ? {} : { stopped }),
  };
};

const outcomeOf = (quota: string | undefined, stopped: Stopped | undefined): CycleReport['outcome'] => {
  if (quota !== undefined) return 'ended early: daily quota';
  return stopped === undefined ? 'completed' : 'stopped: mass change';
};

const count = (progress: Progress, group: string, counts: Readonly<Record<string, number>>): void => {
  for (const [name, value] of Object.entries(counts)) {
    const key = `${group}.${name}`;
    progress.counts[key] = (progress.counts[key] ?? 0) + value;
  }
};

const show = (progress: Progress, step: Progress['step'], restUntil: string | null = null): void => {
  progress.step = step;
  progress.restUntil = restUntil;
  const lines = [
    `**Cycle ${String(progress.cycle)}**: ${step}${restUntil === null ? '' : ` until ${restUntil}`}`,
  ];
  if (progress.stopped !== undefined) lines.push(...stoppedLines(progress.stopped));
  if (progress.chunks > 0) lines.push(`Chunks: ${String(progress.chunksDone)} of ${String(progress.chunks)}`);
  for (const [name, value] of Object.entries(progress.counts))
    if (value > 0) lines.push(`- ${name}: ${String(value)}`);
  setCurrentDetails(lines.join('\n'));
};

/** No values, counts alone: the command shows examples. */
const stoppedLines = ({ since, reasons }: Stopped): string[] => [
  `**Stopped since cycle ${String(since)}: mass change.** Nothing is pushed until somebody decides: \`contact-sync guard\``,
  ...reasons.map(
    ({ measure, from, kind, field, count, of }) =>
      `- ${measure} from ${from}, ${kind}${field === null ? '' : ` ${field}`}: ${String(count)} of ${String(of)}`,
  ),
];
