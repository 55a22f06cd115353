import type {
  Chunk,
  CompleteCycle,
  CycleActivities,
  DiffResult,
  PushResult,
  ResolveResult,
} from '../../activities/contract.js';

export const noneDiffed: DiffResult = {
  links: 0,
  converged: 0,
  marketoEdits: 0,
  dynamicsEdits: 0,
  unmatched: 0,
};

export const noneResolved: ResolveResult = {
  toMarketo: 0,
  toDynamics: 0,
  created: 0,
  linked: 0,
  collisions: 0,
  marketoWon: 0,
  dynamicsWon: 0,
  refused: 0,
  quarantined: 0,
};

export const nonePushed: PushResult = { records: 0, created: 0, refused: 0, deferred: 0 };

/** Chunks of ten links each. */
export const chunksOf = (count: number): Chunk[] =>
  Array.from({ length: count }, (_, index) => ({ from: 10 * index + 1, to: 10 * index + 10 }));

/** What the steps were told and when they began and ended, in order: `diff 1-10`, `/diff 1-10`. */
export interface Told {
  readonly log: string[];
  readonly completed: CompleteCycle[];
}

export interface FakeSteps {
  readonly told: Told;
  readonly activities: CycleActivities;
}

const nameOf = (step: string, input: unknown): string => {
  const { chunk } = (input ?? {}) as { chunk?: Chunk };
  return chunk === undefined ? step : `${step} ${String(chunk.from)}-${String(chunk.to)}`;
};

/** A cycle with nothing to do and no rest, as far as the test does not say otherwise. */
export const fakeSteps = (steps: Partial<CycleActivities> = {}): FakeSteps => {
  const told: Told = { log: [], completed: [] };
  const idle: CycleActivities = {
    begin: () => Promise.resolve({ cycle: 1, notBefore: 0 }),
    prepare: () => Promise.resolve(),
    fetchMarketo: () => Promise.resolve({ entries: 0, deleted: 0, read: 0 }),
    fetchLeads: () => Promise.resolve({ rows: 0, deleted: 0, read: 0, full: false }),
    fetchContacts: () => Promise.resolve({ rows: 0, deleted: 0, read: 0, full: false }),
    openChunks: () => Promise.resolve({ chunks: [], entries: 0 }),
    diff: () => Promise.resolve({ ...noneDiffed, links: 10 }),
    resolve: () => Promise.resolve(noneResolved),
    pushToDynamics: () => Promise.resolve(nonePushed),
    pushToMarketo: () => Promise.resolve(nonePushed),
    logRejections: () => Promise.resolve({ logged: 0 }),
    complete: () => Promise.resolve(),
    ...steps,
  };
  const logged = Object.entries(idle).map(([name, run]) => [
    name,
    async (input: unknown) => {
      if (name === 'complete') told.completed.push(input as CompleteCycle);
      told.log.push(nameOf(name, input));
      try {
        return await (run as (input: unknown) => Promise<unknown>)(input);
      } finally {
        told.log.push(`/${nameOf(name, input)}`);
      }
    },
  ]);
  return { told, activities: Object.fromEntries(logged) as CycleActivities };
};

/** Lets nobody through until `count` have come: what passes it was at work at the same time. */
export const meeting = (count: number): (() => Promise<void>) => {
  let here = 0;
  let open = (): void => undefined;
  const all = new Promise<void>((resolve) => (open = resolve));
  return () => {
    here += 1;
    if (here === count) open();
    return all;
  };
};

export interface Gate {
  /** Called by the step: it has come here, and waits until the test opens. */
  readonly pass: () => Promise<void>;
  /** Resolves when the step has come. */
  readonly reached: Promise<void>;
  readonly open: () => void;
}

/** Holds a step until the test has looked. */
export const gate = (): Gate => {
  let open = (): void => undefined;
  let come = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (come = resolve));
  return {
    pass: () => {
      come();
      return opened;
    },
    reached,
    open: () => open(),
  };
};
