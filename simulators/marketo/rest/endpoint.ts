import { ApiFailure } from '../failure.js';

/** One REST call, after all checks that do not depend on the endpoint. */
export interface Call {
  readonly path: Readonly<Record<string, string>>;
  /** Query parameters, and those of the form body of a `_method=GET` call; repeated ones joined by commas. */
  readonly query: Readonly<Record<string, string>>;
  /** Parsed JSON body; undefined without one. */
  readonly body: unknown;
  /** The API-only user who calls. */
  readonly user: string;
  /** Header `Range`. */
  readonly range: string | undefined;
  /** Uses up a fault that makes this call's creates happen twice. */
  readonly takeTwin: () => boolean;
}

/** What goes into a `success: true` envelope; absent members are left out of it. */
export interface Answer {
  readonly result?: readonly unknown[];
  readonly nextPageToken?: string;
  readonly moreResult?: boolean;
  /** Of the asset API: plain texts. */
  readonly warnings?: readonly string[];
  readonly errors?: readonly never[];
}

/** An answer outside of the envelope: the file of a bulk job, or a plain error. */
export interface FileAnswer {
  readonly status: number;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly file: Buffer | string;
}

/** One resource of the REST API. `answer` throws ApiFailure when the whole call fails. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path below `/rest` or `/bulk` with `:name` parameters. */
  readonly path: string;
  readonly write: boolean;
  readonly answer: (call: Call) => Answer | FileAnswer;
}

/** Records, filter values and page size of a lead database call (Adobe REST docs, "REST API": limits). */
export const MOST_RECORDS = 300;

/** A required query parameter. */
export function required(call: Call, name: string): string {
  const value = call.query[name];
  if (value === undefined || value === '') throw new ApiFailure('701', `'${name}' cannot be blank`);
  return value;
}

/** A comma-separated query parameter without its blanks; empty when absent. */
export const list = (call: Call, name: string): string[] =>
  (call.query[name] ?? '').split(',').flatMap((value) => (value.trim() === '' ? [] : [value.trim()]));

/** Asked page size, at most 300. */
export function batchSize(call: Call): number {
  const asked = call.query['batchSize'];
  if (asked === undefined) return MOST_RECORDS;
  const size = Number(asked);
  if (!Number.isInteger(size) || size < 1) throw wrongType(asked, 'Integer');
  return Math.min(size, MOST_RECORDS);
}

/** A comma-separated list of whole numbers. */
export function integers(call: Call, name: string, most: number): number[] {
  const values = list(call, name);
  if (values.length > most)
    throw new ApiFailure('1003', `Max number of ${name} allowed in a single call is ${most}`);
  return values.map((value) => {
    if (!/^\d+$/.test(value)) throw wrongType(value, 'Integer');
    return Number(value);
  });
}

export const wrongType = (value: string, type: string): ApiFailure =>
  new ApiFailure('1001', `Invalid value '${value}'. Required of type '${type}'`);

export const missing = (name: string): ApiFailure =>
  new ApiFailure('1002', `Missing value for required parameter '${name}'`);

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function bodyOf(call: Call): Readonly<Record<string, unknown>> {
  return isRecord(call.body) ? call.body : {};
}

/** The `input` records of a call: 1 to 300 objects. */
export function inputOf(call: Call, tooMany: string): readonly Readonly<Record<string, unknown>>[] {
  const { input } = bodyOf(call);
  if (!Array.isArray(input) || input.length === 0) throw missing('input');
  if (input.length > MOST_RECORDS) throw new ApiFailure('1003', tooMany);
  return input.map((record: unknown) => {
    if (!isRecord(record)) throw new ApiFailure('609');
    return record;
  });
}

/** A text member of a body, or undefined when absent. */
export function textOf(record: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = record[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function requiredText(record: Readonly<Record<string, unknown>>, name: string): string {
  const value = textOf(record, name);
  if (value === undefined) throw missing(name);
  return value;
}
