import { answered, clockAt, start, type Answered, type Row, type Subject } from './client.js';
import type { MarketoSimulatorOptions } from '../../../simulators/marketo/index.js';

export const NOW = '2026-11-20T10:00:00Z';
const JSON_HEADERS = { 'content-type': 'application/json' };

export interface BulkSubject extends Subject {
  readonly forward: (ms: number) => void;
  get(path: string): Promise<Answered>;
  /** A call below `/bulk/v1`. */
  bulk(method: string, path: string, body?: unknown): Promise<Answered>;
  file(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  upload(query: string, content: string, name?: string): Promise<Answered>;
}

/** A simulator on a clock that stands still, whose jobs wait one minute and run two. */
export async function startBulk(options: MarketoSimulatorOptions = {}): Promise<BulkSubject> {
  const { now, forward } = clockAt(NOW);
  const subject = await start({ now, ...options });
  await subject.admin('PATCH', '/settings', {
    bulkQueueMs: 60_000,
    bulkProcessingMs: 120_000,
    limits: 'off',
  });
  const file: BulkSubject['file'] = (path, headers = {}) => subject.raw(`/bulk/v1${path}`, { headers });
  return {
    ...subject,
    forward,
    file,
    bulk: async (method, path, body) => {
      const content = body === undefined ? {} : { body: JSON.stringify(body), headers: JSON_HEADERS };
      return answered(await subject.raw(`/bulk/v1${path}`, { method, ...content }));
    },
    upload: async (query, content, name = 'file') => {
      const body = new FormData();
      body.append('note', 'another part');
      body.append(name, new Blob([content], { type: 'text/csv' }), 'people.csv');
      return answered(await subject.raw(`/bulk/v1/leads.json?${query}`, { method: 'POST', body }));
    },
  };
}

export const first = (answer: Answered): Row => answer.result[0] ?? {};

/** Creates, enqueues and awaits an export; its file as text. */
export async function exported(subject: BulkSubject, object: string, request: Row): Promise<string> {
  const created = await subject.bulk('POST', `/${object}/export/create.json`, request);
  if (created.success !== true) throw new Error(created.text);
  const path = `/${object}/export/${String(first(created)['exportId'])}`;
  await subject.bulk('POST', `${path}/enqueue.json`);
  subject.forward(180_000);
  return (await subject.file(`${path}/file.json`)).text();
}
