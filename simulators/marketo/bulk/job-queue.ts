/** A job in a queue; instants are epoch ms. */
export interface QueuedJob {
  queuedAt?: number;
  startedAt?: number;
  finishedAt?: number;
}

export interface Delays {
  readonly queueMs: number;
  readonly processingMs: number;
}

const MOST_RUNNING = 2;
const MOST_QUEUED = 10;

/**
 * Jobs that wait and run, two at a time (Adobe REST docs, "Bulk Extract" and "Bulk Import": limits). Nothing happens by
 * itself: `settle` brings all of them to the state that they have at an instant, in the order in which it came about.
 */
export class JobQueue<J extends QueuedJob> {
  #waiting: J[] = [];
  #running: J[] = [];
  readonly #delays: () => Delays;

  constructor(delays: () => Delays) {
    this.#delays = delays;
  }

  /** True when no further job is taken. */
  get full(): boolean {
    return this.#waiting.length + this.#running.length >= MOST_QUEUED;
  }

  /** Jobs that wait or run. */
  active(): readonly J[] {
    return [...this.#running, ...this.#waiting];
  }

  add(job: J, now: number): void {
    job.queuedAt = now;
    this.#waiting.push(job);
  }

  remove(job: J): void {
    this.#waiting = this.#waiting.filter((other) => other !== job);
    this.#running = this.#running.filter((other) => other !== job);
  }

  /** Starts and finishes what is due by `now`. `finish` does a job's work. */
  settle(now: number, finish: (job: J) => void): void {
    const { queueMs, processingMs } = this.#delays();
    let freeSince = 0;
    for (;;) {
      const [next] = this.#waiting;
      const startAt = next && Math.max((next.queuedAt ?? 0) + queueMs, freeSince);
      if (next && startAt !== undefined && startAt <= now && this.#running.length < MOST_RUNNING) {
        this.#waiting.shift();
        next.startedAt = startAt;
        this.#running.push(next);
        continue;
      }
      const ending = this.#running.find((job) => (job.startedAt ?? 0) + processingMs <= now);
      if (!ending) return;
      this.remove(ending);
      freeSince = (ending.startedAt ?? 0) + processingMs;
      ending.finishedAt = freeSince;
      finish(ending);
    }
  }
}
