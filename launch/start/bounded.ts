import { cycleLine, whole, type EndedCycle } from './cycles.js';
import type { CycleFeed } from './cycle-feed.js';
import { readAccount } from './explanations.js';
import { StartFailure } from './failure.js';
import type { StartOptions } from './options.js';
import { readUnfinished, stillMoving } from './quiet.js';
import type { Stack } from './stack.js';
import { compare, verdictOf } from './verdict.js';

export interface BoundedRun {
  readonly options: StartOptions;
  readonly stack: Stack;
  readonly feed: CycleFeed;
  readonly tell: (line: string) => void;
  /** Told of each cycle that ended. */
  readonly onCycle: (cycle: EndedCycle) => void;
  /** Told what the run is at, for the view. */
  readonly onStage: (stage: string) => void;
  /** No edit is made after this. */
  readonly stopEdits: () => Promise<number>;
}

/** The next cycle that ended well; those that failed are told. */
const nextCompleted = async (run: BoundedRun, deadline: number): Promise<EndedCycle | undefined> => {
  for (;;) {
    const cycle = await run.feed.next(deadline);
    if (cycle === undefined) return undefined;
    run.onCycle(cycle);
    run.tell(cycleLine(cycle));
    if (cycle.outcome === 'completed') return cycle;
  }
};

const runCycles = async (run: BoundedRun, cycles: number): Promise<void> => {
  const { rest, timeoutMs } = run.options;
  for (let done = 0; done < cycles; done += 1) {
    run.onStage(`Cycle ${done + 1} of ${cycles}; then the edits stop and both sides are compared.`);
    const cycle = await nextCompleted(run, Date.now() + rest.ms + timeoutMs);
    if (cycle === undefined)
      throw new StartFailure(
        `No cycle was completed within ${timeoutMs / 1000} s. See ${run.stack.workflowUrl}`,
      );
  }
};

/** Waits for a cycle that found and left nothing to do. */
const untilQuiet = async (run: BoundedRun): Promise<void> => {
  const since = Date.now();
  const deadline = since + run.options.timeoutMs;
  let cycle: EndedCycle | null = null;
  for (;;) {
    const moving = stillMoving(cycle, await readUnfinished(run.stack.store.db), since);
    if (moving.length === 0) return;
    run.onStage(`Waiting for quiet: ${moving.join(', ')}`);
    cycle = (await nextCompleted(run, deadline)) ?? null;
    if (cycle === null) {
      throw new StartFailure(
        `It did not become quiet within ${run.options.timeoutMs / 1000} s: ${moving.join(', ')}. See ${run.stack.workflowUrl}`,
      );
    }
  }
};

/**
 * Runs so many cycles while people edit, then lets everything settle, and compares both sides.
 *
 * @returns whether both are equal but for what the sync itself lists, each with its reason.
 */
export const runBounded = async (run: BoundedRun, cycles: number): Promise<boolean> => {
  const { stack, tell } = run;
  await runCycles(run, cycles);
  const edits = await run.stopEdits();
  tell(`The simulated people have stopped after ${whole(edits)} edits. Waiting for quiet.`);
  await untilQuiet(run);
  run.onStage('Quiet. Comparing both sides field by field.');
  const account = await readAccount(stack.store.db);
  const verdict = verdictOf(await compare(stack.simulators, stack.config.fields, account), account);
  for (const line of verdict.lines) tell(line);
  tell(
    verdict.equal
      ? 'Both sides are equal, but for what is listed above with its reason.'
      : 'The two sides differ, see above.',
  );
  return verdict.equal;
};
