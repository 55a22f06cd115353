import { setTimeout as sleep } from 'node:timers/promises';
import { readStoreStatus, type StoreStatus } from '../../client/status/store-status.js';
import { buildCycleId } from '../../config/names.js';
import { progressQuery, type CycleProgress } from '../../workflows/names.js';
import { readCampaigns, type Campaigns } from './campaigns.js';
import type { EndedCycle } from './cycles.js';
import type { Edits } from './edits.js';
import type { Stack } from './stack.js';
import type { Terminal } from './terminal.js';
import { renderView } from './view.js';

/** What the view shows besides what it reads itself. */
export interface Shown {
  readonly last: EndedCycle | null;
  readonly edits: Edits;
  readonly footer: string;
}

const DRAW_MS = 500;
const READ_MS = 1_000;
const QUERY_MS = 2_000;

/** The worker's own word; nothing while it does not answer. */
const readProgress = async ({ temporal, installation }: Stack): Promise<CycleProgress | null> => {
  const handle = temporal.client.workflow.getHandle(buildCycleId(installation));
  const ask = () => handle.query(progressQuery);
  return temporal.client.withDeadline(Date.now() + QUERY_MS, ask).catch(() => null);
};

/** Reads again and again, with pauses at least as long as reading took; a failed read keeps what was known. */
const keepReading = async (read: () => Promise<void>, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    const began = performance.now();
    await read().catch(() => undefined);
    const pause = Math.max(READ_MS, performance.now() - began);
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
};

/** Draws the live view until the signal aborts. On anything but a terminal it does nothing. */
export const drawLive = async (
  stack: Stack,
  terminal: Terminal,
  shown: () => Shown,
  signal: AbortSignal,
): Promise<void> => {
  if (!terminal.live) return;
  let progress: CycleProgress | null = null;
  let status: StoreStatus | null = null;
  let campaigns: Campaigns | null = null;
  const draw = (): void =>
    terminal.draw((columns) =>
      renderView({ now: Date.now(), progress, status, campaigns, ...shown() }, columns),
    );
  const timer = setInterval(draw, DRAW_MS);
  const progresses = keepReading(async () => {
    progress = await readProgress(stack);
  }, signal);
  const statuses = keepReading(async () => {
    status = await readStoreStatus(stack.store.db, stack.installation);
    campaigns = await readCampaigns(stack.store.db);
  }, signal);
  await Promise.all([progresses, statuses]);
  clearInterval(timer);
};
