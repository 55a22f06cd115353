import type { Chunk } from '../../activities/contract.js';
import { begin, complete, followAndOpen, prepare } from '../../activities/cycle.js';
import { diff } from '../../activities/diff.js';
import { fetchDynamics } from '../../activities/fetch-dynamics.js';
import { fetchMarketo } from '../../activities/fetch-marketo.js';
import { logRejections } from '../../activities/log-rejections.js';
import { pushToDynamics } from '../../activities/push-dynamics.js';
import { pushToMarketo } from '../../activities/push-marketo.js';
import { resolve } from '../../activities/resolve.js';
import type { Attempt, Ports } from '../../activities/settings.js';
import { retried } from '../support/attempts.js';

/** Every order in which three streams can be read, and then two sides be written. */
const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

export interface CycleRun {
  readonly order: number;
  /** Runs one step; what it rejects with ends the cycle. */
  readonly step: <T>(run: (attempt: Attempt) => Promise<T>) => Promise<T>;
}

/** The steps of a cycle one after the other, as `workflows/sync-cycle.ts` has them side by side. */
export const runCycle = async (
  ports: Ports,
  { order, step }: CycleRun = { order: 0, step: retried },
): Promise<void> => {
  const { cycle } = await begin(ports);
  const input = () => ({ cycle, at: new Date().toISOString() });
  await step((attempt) => prepare(ports, input(), attempt));
  const fetches = [
    (attempt: Attempt) => fetchMarketo(ports, input(), attempt),
    (attempt: Attempt) => fetchDynamics(ports, 'lead', input(), attempt),
    (attempt: Attempt) => fetchDynamics(ports, 'contact', input(), attempt),
  ] as const;
  for (const index of ORDERS[order % ORDERS.length] ?? ORDERS[0]) await step<unknown>(fetches[index]);
  const { chunks, entries } = await step((attempt) => followAndOpen(ports, input(), attempt));
  for (const chunk of chunks) await syncChunk(ports, () => ({ ...input(), chunk }), { order, step });
  if (chunks.length > 0 || entries > 0) await step((attempt) => logRejections(ports, input(), attempt));
  await complete(ports, { ...input(), outcome: 'completed', counts: {}, notBefore: null });
};

const syncChunk = async (
  ports: Ports,
  input: () => { cycle: number; at: string; chunk: Chunk },
  { order, step }: CycleRun,
): Promise<void> => {
  const found = await step((attempt) => diff(ports, input(), attempt));
  if (found.converged === found.links) return;
  await step((attempt) => resolve(ports, input(), attempt));
  const pushes = [
    (attempt: Attempt) => pushToDynamics(ports, input(), attempt),
    (attempt: Attempt) => pushToMarketo(ports, input(), attempt),
  ] as const;
  for (const push of order < ORDERS.length ? pushes : pushes.toReversed()) await step<unknown>(push);
};
