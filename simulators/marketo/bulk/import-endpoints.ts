import { ApiFailure } from '../failure.js';
import type { Instance } from '../instance.js';
import { wholeNumber } from '../rest/asset-list.js';
import {
  required,
  wrongType,
  type Answer,
  type Call,
  type Endpoint,
  type FileAnswer,
} from '../rest/endpoint.js';
import { listAsked } from '../rest/lists.js';
import { formatNamed, written } from './delimited.js';
import { notReady, ranged } from './file-answer.js';
import type { ImportJob, ImportOutcome } from './imports.js';
import { isUpload } from './multipart.js';

/** Bulk Import of persons (Adobe REST docs, "Bulk Lead Import"). */
export function importEndpoints(instance: Instance): Endpoint[] {
  const read = (place: string, answer: Endpoint['answer']): Endpoint => ({
    ...{ method: 'GET', path: `/v1/leads/batch/:batchId${place}.json`, write: false, answer },
  });
  return [
    { method: 'POST', path: '/v1/leads.json', write: true, answer: (call) => create(instance, call) },
    read('', (call) => ({ result: [status(jobOf(instance, call))] })),
    read('/failures', (call) => rowsFile(instance, call, 'failures', 'Import Failure Reason')),
    read('/warnings', (call) => rowsFile(instance, call, 'warnings', 'Import Warning Reason')),
  ];
}

function create(instance: Instance, call: Call): Answer {
  const asked = required(call, 'format');
  const format = formatNamed(asked);
  if (!format) throw wrongType(asked, 'csv, tsv, ssv');
  if (!isUpload(call.body)) throw new ApiFailure('613', 'Invalid multipart request');
  const lookupField = call.query['lookupField'] ?? 'email';
  if (!instance.fields.seen(lookupField))
    throw new ApiFailure('1006', `Lookup field '${lookupField}' not found`);
  if (!instance.fields.searchable(lookupField))
    throw new ApiFailure('1011', `Field '${lookupField}' not supported`);
  const list = listAsked(instance, call);
  const { partitionName } = call.query;
  const { batchId } = instance.bulk.imports.add({
    ...{ user: call.user, format, lookupField, text: call.body.file.toString('utf8') },
    ...(list && { listId: list.id }),
    ...(partitionName === undefined ? {} : { partitionName }),
  });
  return { result: [{ batchId, importId: String(batchId), status: 'Queued' }] };
}

function jobOf(instance: Instance, call: Call): ImportJob {
  const job = instance.bulk.imports.byId(wholeNumber(call.path['batchId'] ?? ''));
  if (!job) throw new ApiFailure('1013', 'Import batch not found');
  return job;
}

function status({ batchId, startedAt, outcome }: ImportJob): Record<string, unknown> {
  if (!outcome) return { batchId, status: startedAt === undefined ? 'Queued' : 'Importing' };
  return {
    batchId,
    status: outcome.problem === undefined ? 'Complete' : 'Failed',
    numOfLeadsProcessed: outcome.imported,
    numOfRowsFailed: outcome.failures.length,
    numOfRowsWithWarning: outcome.warnings.length,
    message: message(outcome),
  };
}

function message({ problem, imported, members, failures }: ImportOutcome): string {
  if (problem !== undefined) return `Import failed: ${problem}`;
  const done = `${imported} records imported (${members} members)`;
  return failures.length === 0
    ? `Import succeeded, ${done}`
    : `Import completed with errors, ${done}, ${failures.length} failed`;
}

/** The rows concerned as they were sent, with the reason in one more column; an empty file without any. */
function rowsFile(
  instance: Instance,
  call: Call,
  which: 'failures' | 'warnings',
  column: string,
): FileAnswer {
  const batchId = call.path['batchId'] ?? '';
  const job = /^\d+$/.test(batchId) ? instance.bulk.imports.byId(Number(batchId)) : undefined;
  if (!job?.outcome) return notReady('Import batch not found or not complete');
  const { header } = job.outcome;
  const rows = job.outcome[which];
  const text = rows.length === 0 ? '' : written(job.request.format, [[...header, column], ...rows]);
  return ranged(Buffer.from(text), call.range);
}
