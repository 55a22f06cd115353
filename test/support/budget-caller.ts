import { setMaxListeners } from 'node:events';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { KyselyPlugin } from 'kysely';
import type { CallBudget } from '../../rules/budget.js';
import type { CallLimits } from '../../rules/call-limits.js';
import type { Lane } from '../../rules/terms.js';
import { createBudget } from '../../store/budget.js';
import { openDatabase, type Database } from '../../store/database.js';

/**
 * A process that calls Marketo as fast as its budget lets it, for test/support/budget-processes.ts. Time is either real,
 * or told by the parent, which then knows each moment at which every process has nothing left to do but wait.
 */
export interface Job {
  readonly url: string;
  readonly limits: CallLimits;
  /** One caller per entry: it calls again as soon as its last call ended. */
  readonly lanes: readonly Lane[];
  /** Calls take a random time between these. */
  readonly callMs: { readonly least: number; readonly most: number };
  readonly deadlineMs: number;
  readonly seed: number;
  /** Milliseconds since the epoch; null: in real time. */
  readonly virtualStart: number | null;
}

export interface MadeCall {
  readonly lane: Lane;
  readonly asked: number;
  readonly started: number;
}

export type ToCaller =
  | { readonly do: 'start'; readonly job: Job }
  | { readonly do: 'tick'; readonly now: number }
  | { readonly do: 'end'; readonly call: number }
  | { readonly do: 'pause'; readonly ms: number }
  | { readonly do: 'lanes'; readonly lanes: readonly Lane[] }
  | { readonly do: 'stop' };

export type FromCaller =
  | { readonly is: 'ready' }
  /** Nothing happens any more before `next`. */
  | { readonly is: 'waiting'; readonly next: number | null }
  | { readonly is: 'calling'; readonly call: number; readonly ms: number }
  | { readonly is: 'stopped'; readonly calls: readonly MadeCall[]; readonly errors: number };

const tell = (message: FromCaller): void => void process.send?.(message);

/** Mulberry32: the same calls for the same seed. */
const randomOf = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
};

/** Time that stands still until the parent moves it. */
class VirtualTime {
  now: number;
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();

  constructor(start: number) {
    this.now = start;
  }

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const sleeper = {
        at: this.now + Math.ceil(ms),
        wake: (): void => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });

  moveTo(now: number): void {
    this.now = now;
    for (const sleeper of this.#sleepers) if (sleeper.at <= now) sleeper.wake();
  }

  next(): number | null {
    const times = [...this.#sleepers].map(({ at }) => at);
    return times.length === 0 ? null : Math.min(...times);
  }
}

/** Counts statements under way. */
const underWay = () => {
  const counter = { open: 0 };
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      counter.open += 1;
      return node;
    },
    transformResult: ({ result }) => {
      counter.open -= 1;
      return Promise.resolve(result);
    },
  };
  return { counter, plugin };
};

/** Turns of the event loop without a statement under way after which nothing but time can make anything happen. */
const STILL_TURNS = 3;

class Caller {
  readonly #job: Job;
  readonly #db: Database;
  readonly #statements: { readonly open: number };
  readonly #virtual: VirtualTime | undefined;
  readonly #random: () => number;
  readonly #budget: CallBudget;
  readonly #stop = new AbortController();
  readonly #open = new Map<number, () => void>();
  readonly #calls: MadeCall[] = [];
  readonly #callers: readonly Promise<void>[];
  #lanes: readonly Lane[];
  #errors = 0;
  #numbered = 0;

  constructor(job: Job) {
    const { counter, plugin } = underWay();
    setMaxListeners(0, this.#stop.signal);
    this.#job = job;
    this.#lanes = job.lanes;
    this.#statements = counter;
    this.#db = openDatabase(job.url, { connections: 3 });
    this.#virtual = job.virtualStart === null ? undefined : new VirtualTime(job.virtualStart);
    this.#random = randomOf(job.seed);
    const virtual = this.#virtual;
    const options = virtual === undefined ? {} : { now: () => new Date(virtual.now), sleep: virtual.sleep };
    this.#budget = createBudget(this.#db.withPlugin(plugin), 'marketo', job.limits, {
      ...options,
      random: this.#random,
    });
    this.#callers = job.lanes.map((_, index) => this.#callAgainAndAgain(index));
  }

  readonly #now = (): number => this.#virtual?.now ?? Date.now();

  async #callAgainAndAgain(index: number): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const lane = this.#lanes[index];
      // A caller without a lane rests until it is given one.
      if (lane === undefined) await this.#sleep(50);
      else await this.#callOnce(lane, signal).catch(() => this.#afterError(signal));
    }
  }

  async #afterError(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#errors += 1;
    await this.#sleep(5);
  }

  async #callOnce(lane: Lane, signal: AbortSignal): Promise<void> {
    const { least, most } = this.#job.callMs;
    const asked = this.#now();
    const ms = Math.round(least + this.#random() * (most - least));
    await this.#budget.run({ lane, deadlineMs: this.#job.deadlineMs, signal }, async () => {
      this.#calls.push({ lane, asked, started: this.#now() });
      // In real time the parent is the remote: it decides when the call is over.
      if (this.#virtual !== undefined) await this.#virtual.sleep(ms, signal);
      else await new Promise<void>((resolve) => this.#begin(ms, resolve));
    });
  }

  #begin(ms: number, end: () => void): void {
    const call = (this.#numbered += 1);
    this.#open.set(call, end);
    tell({ is: 'calling', call, ms });
  }

  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#stop;
    if (this.#virtual !== undefined) return this.#virtual.sleep(ms, signal);
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }

  end(call: number): void {
    this.#open.get(call)?.();
    this.#open.delete(call);
  }

  give(lanes: readonly Lane[]): void {
    this.#lanes = lanes;
  }

  pause(ms: number): Promise<void> {
    return this.#budget.pause(ms);
  }

  async tick(now: number): Promise<void> {
    this.#virtual?.moveTo(now);
    for (let still = 0; still < STILL_TURNS; still += 1) {
      await turn();
      if (this.#statements.open > 0) still = -1;
    }
    tell({ is: 'waiting', next: this.#virtual?.next() ?? null });
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the test is over'));
    for (const end of this.#open.values()) end();
    await Promise.allSettled(this.#callers);
    await this.#db.destroy();
    tell({ is: 'stopped', calls: this.#calls, errors: this.#errors });
  }
}

let caller: Caller | undefined;
process.on('message', (message: ToCaller) => {
  switch (message.do) {
    case 'start':
      caller = new Caller(message.job);
      if (message.job.virtualStart !== null) void caller.tick(message.job.virtualStart);
      return;
    case 'tick':
      return void caller?.tick(message.now);
    case 'end':
      return caller?.end(message.call);
    case 'pause':
      return void caller?.pause(message.ms);
    case 'lanes':
      return caller?.give(message.lanes);
    case 'stop':
      return void caller?.stop();
  }
});
process.on('disconnect', () => process.exit());
tell({ is: 'ready' });
