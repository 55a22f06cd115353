import { ApiFailure } from '../failure.js';
import type { Instance } from '../instance.js';
import { encodeToken, decodeToken } from '../activities/paging-token.js';
import {
  batchSize,
  bodyOf,
  list,
  wrongType,
  type Answer,
  type Call,
  type Endpoint,
  type FileAnswer,
} from '../rest/endpoint.js';
import { isoSeconds } from '../fields/values.js';
import { exportRequest, type ExportObject } from './export-request.js';
import { statusOf, type ExportJob } from './exports.js';
import { notReady, ranged } from './file-answer.js';

/** Bulk Extract of persons and of activities (Adobe REST docs, "Bulk Extract"). */
export function exportEndpoints(instance: Instance, object: ExportObject): Endpoint[] {
  const { exports } = instance.bulk;
  const path = `/v1/${object}/export`;
  const read = (place: string, answer: Endpoint['answer']): Endpoint => ({
    ...{ method: 'GET', path: `${path}${place}`, write: false, answer },
  });
  // No data changes by an export.
  const post = (place: string, answer: Endpoint['answer']): Endpoint => ({
    ...{ method: 'POST', path: `${path}${place}`, write: false, answer },
  });
  return [
    post('/create.json', (call) => {
      const request = exportRequest(instance, object, bodyOf(call));
      return { result: [shown(exports.create(call.user, request))] };
    }),
    post('/:exportId/enqueue.json', (call) => {
      const job = jobOf(instance, object, call);
      exports.enqueue(job);
      return { result: [shown(job)] };
    }),
    post('/:exportId/cancel.json', (call) => {
      const job = jobOf(instance, object, call);
      exports.cancel(job);
      // This answer alone spells the status with two l.
      return { result: [{ ...shown(job), status: 'Cancelled' }] };
    }),
    read('/:exportId/status.json', (call) => ({ result: [shown(jobOf(instance, object, call))] })),
    read('/:exportId/file.json', (call) => file(instance, object, call)),
    read('.json', (call) => jobs(instance, object, call)),
  ];
}

const found = (instance: Instance, object: ExportObject, call: Call): ExportJob | undefined =>
  instance.bulk.exports.of(call.user, object).find(({ exportId }) => exportId === call.path['exportId']);

function jobOf(instance: Instance, object: ExportObject, call: Call): ExportJob {
  const job = found(instance, object, call);
  if (!job) throw new ApiFailure('1013', 'Export job not found');
  return job;
}

function file(instance: Instance, object: ExportObject, call: Call): FileAnswer {
  const job = found(instance, object, call);
  const readyAt = (job?.finishedAt ?? 0) + instance.settings.current.exportFileLagMs;
  if (!job?.result || readyAt > instance.now()) return notReady('Export file not found');
  return ranged(job.result.file, call.range);
}

function jobs(instance: Instance, object: ExportObject, call: Call): Answer {
  const statuses = list(call, 'status').map((status) => status.toLowerCase());
  const all = instance.bulk.exports
    .of(call.user, object)
    .filter((job) => statuses.length === 0 || statuses.includes(statusOf(job).toLowerCase()));
  const text = call.query['nextPageToken'];
  const token = text === undefined ? { kind: 'after' as const, id: 0 } : decodeToken(text);
  if (token?.kind !== 'after') throw wrongType(text ?? '', 'PagingToken');
  const end = token.id + batchSize(call);
  const result = all.slice(token.id, end).map(shown);
  if (all.length <= end) return { result };
  return { result, moreResult: true, nextPageToken: encodeToken({ kind: 'after', id: end }) };
}

function shown(job: ExportJob): Record<string, unknown> {
  const at = (name: string, instant: number | undefined): Record<string, string> =>
    instant === undefined ? {} : { [name]: isoSeconds(instant) };
  return {
    exportId: job.exportId,
    format: job.request.format,
    status: statusOf(job),
    createdAt: isoSeconds(job.createdAt),
    ...at('queuedAt', job.queuedAt),
    ...at('startedAt', job.startedAt),
    ...at('finishedAt', job.finishedAt),
    ...(job.result && {
      numberOfRecords: job.result.rows,
      fileSize: job.result.file.length,
      fileChecksum: job.result.checksum,
    }),
  };
}
