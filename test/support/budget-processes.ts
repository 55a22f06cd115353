import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FromCaller, Job, MadeCall, ToCaller } from './budget-caller.js';

const RUNNER = join(import.meta.dirname, 'run-typescript.mjs');
const SCRIPT = join(import.meta.dirname, 'budget-caller.ts');

export type Report = Extract<FromCaller, { is: 'stopped' }>;

/** A process of its own that makes calls under a budget. */
export class CallingProcess {
  /** When it does something by itself next, as it told last. */
  next: number | null = null;
  alive = true;
  calls = 0;
  /** Calls under way, by the remote's own count. */
  onCall: ((process: CallingProcess, call: number, ms: number) => void) | undefined;
  readonly #child: ChildProcess;
  readonly #awaited = new Map<FromCaller['is'], (message: FromCaller) => void>();

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message: FromCaller) => {
      if (message.is === 'waiting') this.next = message.next;
      if (message.is === 'calling') {
        this.calls += 1;
        this.onCall?.(this, message.call, message.ms);
      }
      this.#awaited.get(message.is)?.(message);
      this.#awaited.delete(message.is);
    });
  }

  static async start(): Promise<CallingProcess> {
    const started = new CallingProcess(fork(RUNNER, [SCRIPT], { stdio: 'inherit' }));
    await started.#told('ready');
    return started;
  }

  #told(is: FromCaller['is']): Promise<FromCaller> {
    return new Promise((resolve) => this.#awaited.set(is, resolve));
  }

  send(message: ToCaller): void {
    if (this.alive) this.#child.send(message);
  }

  /** Begins a job; in virtual time, resolves when nothing happens any more before `next`. */
  async begin(job: Job): Promise<void> {
    this.calls = 0;
    const waiting = job.virtualStart === null ? undefined : this.#told('waiting');
    this.send({ do: 'start', job });
    await waiting;
  }

  async tick(now: number): Promise<void> {
    const waiting = this.#told('waiting');
    this.send({ do: 'tick', now });
    await waiting;
  }

  async stop(): Promise<Report> {
    const stopped = this.#told('stopped');
    this.send({ do: 'stop' });
    return (await stopped) as Report;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    if (!this.alive) return;
    this.alive = false;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** What happens at a moment of virtual time. */
export interface Event {
  readonly at: number;
  readonly run: (processes: readonly CallingProcess[]) => void | Promise<void>;
}

/** Moves the time of all processes together, from one moment at which something happens to the next. */
export const runVirtually = async (
  processes: readonly CallingProcess[],
  jobs: readonly Job[],
  until: number,
  events: readonly Event[] = [],
): Promise<MadeCall[][]> => {
  await Promise.all(jobs.map(async (job, index) => processes[index]?.begin(job)));
  const agenda = events.toSorted((left, right) => left.at - right.at);
  for (;;) {
    const living = processes.filter(({ alive }) => alive);
    const times = [...living.map(({ next }) => next), agenda[0]?.at ?? null];
    const now = Math.min(...times.map((time) => time ?? Number.POSITIVE_INFINITY));
    if (now > until) break;
    // All that are due at this moment run side by side, as they would.
    await Promise.all(
      living.filter(({ next }) => next !== null && next <= now).map((each) => each.tick(now)),
    );
    while ((agenda[0]?.at ?? Number.POSITIVE_INFINITY) <= now) await agenda.shift()?.run(processes);
  }
  const reports = processes.filter(({ alive }) => alive).map((each) => each.stop());
  return (await Promise.all(reports)).map(({ calls }) => [...calls]);
};

/** A remote that counts the calls under way: each is over before its caller is told so. */
export const countingRemote = (processes: readonly CallingProcess[]) => {
  const seen = { running: 0, most: 0 };
  for (const process of processes) {
    process.onCall = (from, call, ms) => {
      seen.running += 1;
      seen.most = Math.max(seen.most, seen.running);
      void delay(ms).then(() => {
        seen.running -= 1;
        from.send({ do: 'end', call });
      });
    };
  }
  return seen;
};
