import { setTimeout as sleep } from 'node:timers/promises';
import { writesOfMarketo } from './doors.js';
import type { Stack } from './stack.js';

/** How far the first cycle had come. */
export interface CycleState {
  readonly isOver: boolean;
  /** Pairs that it had linked. */
  readonly linked: number;
}

const cycleState = async ({ db }: Stack): Promise<CycleState> => {
  const [first, links] = await Promise.all([
    db.selectFrom('cycles').select('outcome').orderBy('number').limit(1).executeTakeFirst(),
    db
      .selectFrom('links')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('status', '=', 'linked')
      .executeTakeFirstOrThrow(),
  ]);
  return { isOver: first !== undefined && first.outcome !== null, linked: links.count };
};

/** What went on in the cycle while something else was measured. */
export interface CycleMeanwhile {
  readonly before: CycleState;
  readonly after: CycleState;
}

/** Starts the cycles, waits until the first one is under way, and runs `work` beside it. */
export const besideFirstCycle = async <T>(
  stack: Stack,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cycle: CycleMeanwhile }> => {
  const written = await writesOfMarketo(stack);
  await stack.command('start');
  // It has read, matched, and writes.
  while ((await writesOfMarketo(stack)) === written) {
    if ((await cycleState(stack)).isOver) break;
    await sleep(200);
  }
  const before = await cycleState(stack);
  const result = await work();
  return { result, cycle: { before, after: await cycleState(stack) } };
};
