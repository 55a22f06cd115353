import type { Instance } from '../instance.js';
import type { Endpoint } from '../rest/endpoint.js';
import type { Settings } from '../settings.js';
import { written } from './delimited.js';
import { exportEndpoints } from './export-endpoints.js';
import type { ExportRequest } from './export-request.js';
import { exportRows } from './export-rows.js';
import { ExportJobs } from './exports.js';
import { importEndpoints } from './import-endpoints.js';
import { runImport } from './import-rows.js';
import { ImportJobs } from './imports.js';

/** The bulk jobs of an instance. */
export interface Bulk {
  readonly exports: ExportJobs;
  readonly imports: ImportJobs;
}

export const createBulk = (settings: () => Settings, now: () => number): Bulk => ({
  exports: new ExportJobs(settings, now),
  imports: new ImportJobs(settings, now),
});

/** Every resource under `/bulk` that this simulator serves. */
export const bulkEndpoints = (instance: Instance): readonly Endpoint[] => [
  ...exportEndpoints(instance, 'leads'),
  ...exportEndpoints(instance, 'activities'),
  ...importEndpoints(instance),
];

/** Carries out what jobs would have done by now. Called before anybody looks. */
export function settleBulk(instance: Instance): void {
  instance.bulk.imports.settle((request) => runImport(instance, request));
  instance.bulk.exports.settle((request) => fileOf(instance, request));
}

function fileOf(
  instance: Instance,
  request: ExportRequest,
): { readonly file: Buffer; readonly rows: number } {
  const rows = exportRows(instance, request);
  const header = request.columns.map((column) => column.header);
  return { file: Buffer.from(written(request.format, [header, ...rows])), rows: rows.length };
}
