import type { Ports } from '../../activities/settings.js';
import type { Moment } from './scenario.js';

/** Connectors whose every call is a moment at which something may happen: somebody at work, or a worker's death. */
export interface WatchedCalls {
  readonly ports: Ports;
  /** From now on calls are counted from 0, and these things happen; a failure of one ends what made the call. */
  readonly plan: (happenings: readonly Happening[]) => void;
  /** Resolves when nobody is in the middle of anything: calls go side by side, and a death at one ends nobody's work at another. */
  readonly idle: () => Promise<void>;
  /** What did not come about. */
  readonly rest: () => Happening[];
}

export interface Happening {
  readonly at: Moment;
  readonly happens: () => Promise<void>;
  /** Whoever made the call hears nothing of its answer. */
  readonly kills?: true;
}

type Call = (...args: never[]) => unknown;

export const watchCalls = (ports: Ports): WatchedCalls => {
  let planned: Happening[] = [];
  let count = 0;
  let atWork: Promise<void> = Promise.resolve();
  const due = async (call: number, when: Moment['when']): Promise<void> => {
    const now = planned.filter(({ at }) => at.call === call && at.when === when);
    planned = planned.filter((happening) => !now.includes(happening));
    for (const { happens, kills } of now) {
      // People do one thing after the other.
      if (kills !== true) atWork = atWork.then(happens);
      await (kills === true ? happens() : atWork);
    }
  };
  const isDeadly = (call: number): boolean =>
    planned.some(({ at, kills }) => kills === true && at.call === call && at.when === 'after');
  const watched = <T extends object>(connector: T): T =>
    Object.fromEntries(
      Object.entries(connector).map(([name, member]: [string, unknown]) => {
        if (typeof member !== 'function' || name === 'onLane' || name === 'close') return [name, member];
        const original = member as Call;
        if (name === 'changes') return [name, pagesOf(original as Pages, () => count++, due)];
        const call = async (...args: never[]): Promise<unknown> => {
          const number = count++;
          await due(number, 'before');
          const result = await original(...(isDeadly(number) ? deaf(args) : args));
          await due(number, 'after');
          return result;
        };
        return [name, call];
      }),
    ) as T;
  return {
    ports: { ...ports, marketo: watched(ports.marketo), dynamics: watched(ports.dynamics) },
    plan: (happenings) => {
      planned = [...happenings];
      count = 0;
      atWork = Promise.resolve();
    },
    idle: () => atWork,
    rest: () => planned.splice(0),
  };
};

/** Without what would be called with answers as they arrive. */
const deaf = (args: never[]): never[] =>
  args.map((arg: object | undefined) =>
    typeof arg === 'object' && 'onOutcomes' in arg ? { ...arg, onOutcomes: undefined } : arg,
  ) as never[];

type Pages = (...args: never[]) => AsyncIterable<unknown>;

const pagesOf = (
  original: Pages,
  next: () => number,
  due: (call: number, when: Moment['when']) => Promise<void>,
): Pages =>
  async function* pages(...args: never[]) {
    const number = next();
    await due(number, 'before');
    for await (const page of original(...args)) {
      await due(number, 'after');
      yield page;
    }
  };
