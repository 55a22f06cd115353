import { ApiFailure } from '../failure.js';
import type { Settings } from '../settings.js';
import type { FileFormat } from './delimited.js';
import { JobQueue, type QueuedJob } from './job-queue.js';

export interface ImportRequest {
  /** The API-only user who asked for it. */
  readonly user: string;
  readonly format: FileFormat;
  readonly lookupField: string;
  readonly listId?: number;
  readonly partitionName?: string;
  readonly text: string;
}

/** What became of the rows. `failures` and `warnings` are the rows concerned, each with its reason at the end. */
export interface ImportOutcome {
  readonly header: readonly string[];
  readonly imported: number;
  /** How many of them are on the list that was asked for. */
  readonly members: number;
  readonly failures: readonly (readonly string[])[];
  readonly warnings: readonly (readonly string[])[];
  /** Why nothing could be imported. */
  readonly problem?: string;
}

export interface ImportJob extends QueuedJob {
  readonly batchId: number;
  readonly request: ImportRequest;
  outcome?: ImportOutcome;
}

const WEEK_MS = 7 * 86_400_000;

/** The import jobs of the instance. */
export class ImportJobs {
  readonly #jobs: ImportJob[] = [];
  readonly #queue: JobQueue<ImportJob>;
  readonly #now: () => number;

  constructor(settings: () => Settings, now: () => number) {
    this.#now = now;
    this.#queue = new JobQueue(() => ({
      queueMs: settings().bulkQueueMs,
      processingMs: settings().bulkProcessingMs,
    }));
  }

  add(request: ImportRequest): ImportJob {
    if (this.#queue.full) {
      const text = 'There are 10 imports currently being processed. Please try again later';
      throw new ApiFailure('1016', text);
    }
    const { listId } = request;
    if (listId !== undefined && this.#queue.active().some((other) => other.request.listId === listId))
      throw new ApiFailure('1019', 'Import in progress on the target list');
    const job: ImportJob = { batchId: 3401 + this.#jobs.length, request };
    this.#jobs.push(job);
    this.#queue.add(job, this.#now());
    return job;
  }

  byId(batchId: number): ImportJob | undefined {
    return this.#jobs.find((job) => job.batchId === batchId && this.#now() - (job.queuedAt ?? 0) <= WEEK_MS);
  }

  settle(run: (request: ImportRequest) => ImportOutcome): void {
    this.#queue.settle(this.#now(), (job) => {
      job.outcome = run(job.request);
    });
  }
}
