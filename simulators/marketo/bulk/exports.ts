import { createHash, randomUUID } from 'node:crypto';
import { ApiFailure } from '../failure.js';
import type { Settings } from '../settings.js';
import type { ExportRequest } from './export-request.js';
import { JobQueue, type QueuedJob } from './job-queue.js';

export type ExportStatus = 'Created' | 'Queued' | 'Processing' | 'Canceled' | 'Completed' | 'Failed';

export interface ExportJob extends QueuedJob {
  readonly exportId: string;
  readonly user: string;
  readonly request: ExportRequest;
  readonly createdAt: number;
  ended?: 'Canceled' | 'Completed' | 'Failed';
  result?: { readonly file: Buffer; readonly rows: number; readonly checksum: string };
}

const CENTRAL_DATE = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Chicago' });
const WEEK_MS = 7 * 86_400_000;

/** The export jobs of the instance. Callers see their own; the limits are shared by all. */
export class ExportJobs {
  readonly #jobs: ExportJob[] = [];
  readonly #queue: JobQueue<ExportJob>;
  readonly #settings: () => Settings;
  readonly #now: () => number;

  constructor(settings: () => Settings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
    this.#queue = new JobQueue(() => ({
      queueMs: settings().bulkQueueMs,
      processingMs: settings().bulkProcessingMs,
    }));
  }

  create(user: string, request: ExportRequest): ExportJob {
    this.#checkQuota();
    const job: ExportJob = { exportId: randomUUID(), user, request, createdAt: this.#now() };
    this.#jobs.push(job);
    return job;
  }

  enqueue(job: ExportJob): void {
    if (statusOf(job) !== 'Created') throw new ApiFailure('1029', 'Job already queued');
    this.#checkQuota();
    if (this.#queue.full) throw new ApiFailure('1029', 'Too many jobs (10) in queue');
    this.#queue.add(job, this.#now());
  }

  cancel(job: ExportJob): void {
    if (job.ended) throw new ApiFailure('1003', `Job is ${job.ended} and cannot be cancelled`);
    this.#queue.remove(job);
    job.ended = 'Canceled';
    job.finishedAt = this.#now();
  }

  /** The jobs of the last week that a user created, newest last. */
  of(user: string, object: ExportRequest['object']): ExportJob[] {
    return this.#jobs.filter(
      (job) => job.user === user && job.request.object === object && this.#now() - job.createdAt <= WEEK_MS,
    );
  }

  /** Brings all jobs to the present; `produce` makes the file of one. */
  settle(produce: (request: ExportRequest) => { readonly file: Buffer; readonly rows: number }): void {
    this.#queue.settle(this.#now(), (job) => {
      const { file, rows } = produce(job.request);
      const checksum = `sha256:${createHash('sha256').update(file).digest('hex')}`;
      job.result = { file, rows, checksum };
      job.ended = 'Completed';
    });
  }

  #checkQuota(): void {
    const today = CENTRAL_DATE.format(this.#now());
    const bytes = this.#jobs.reduce((sum, { finishedAt, result }) => {
      const counts = finishedAt !== undefined && CENTRAL_DATE.format(finishedAt) === today;
      return sum + (counts ? (result?.file.length ?? 0) : 0);
    }, 0);
    if (bytes >= this.#settings().exportDailyBytes)
      throw new ApiFailure('1029', 'Export daily quota 500MB exceeded');
  }
}

export function statusOf(job: ExportJob): ExportStatus {
  if (job.ended) return job.ended;
  if (job.startedAt !== undefined) return 'Processing';
  return job.queuedAt === undefined ? 'Created' : 'Queued';
}
