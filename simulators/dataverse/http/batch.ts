import { answer, isWrite, refusalResponse, type Session } from './api.js';
import { boundaryOf, countRequests, parseBatch } from './batch-parse.js';
import { runChangeSet, type ChangeSet, type SetDone } from './change-sets.js';
import { DataverseError } from '../errors.js';
import type { Fault, Faults } from './faults.js';
import { faultResponse, garbageResponse, ConnectionDropped, pause } from './fault-answers.js';
import { jsonResponse, type ApiRequest, type ApiResponse } from './messages.js';
import { parsePrefer } from '../query/query.js';
import { newGuid } from '../rows/values.js';

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  412: 'Precondition Failed',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const writePart = (response: ApiResponse, contentId?: string): string => {
  const lines = [
    'Content-Type: application/http',
    'Content-Transfer-Encoding: binary',
    ...(contentId === undefined ? [] : [`Content-ID: ${contentId}`]),
    '',
    `HTTP/1.1 ${response.status} ${reasons[response.status] ?? 'Unknown'}`,
    ...(response.status >= 400 ? [`REQ_ID: ${newGuid()}`] : []),
    ...Object.entries(response.headers).map(([name, value]) => `${name}: ${value}`),
    '',
    response.body ?? '',
  ];
  return lines.join('\r\n');
};

/** Answer to a part: one, or those of a change set's members. */
type PartAnswer = ApiResponse | SetDone;

const isSet = (part: PartAnswer): part is SetDone => Array.isArray(part);

const writeSet = (set: SetDone): string => {
  const boundary = `changesetresponse_${newGuid()}`;
  const text = set.map(({ contentId, response }) => `--${boundary}\r\n${writePart(response, contentId)}\r\n`);
  return `Content-Type: multipart/mixed; boundary=${boundary}\r\n\r\n${text.join('')}--${boundary}--\r\n`;
};

const writeBatch = (status: number, parts: readonly PartAnswer[]): ApiResponse => {
  const boundary = `batchresponse_${newGuid()}`;
  const texts = parts.map((part) => (isSet(part) ? writeSet(part) : writePart(part)));
  const text = texts.map((part) => `--${boundary}\r\n${part}\r\n`).join('');
  return {
    status,
    headers: { 'Content-Type': `multipart/mixed; boundary=${boundary}`, 'OData-Version': '4.0' },
    body: `${text}--${boundary}--\r\n`,
    code:
      parts.map((part) => (isSet(part) || status < 400 ? null : part.code)).find((code) => code !== null) ??
      null,
  };
};

/** What came of a batch: its answer, and how many reads and writes it cost. */
export interface BatchOutcome {
  readonly response: ApiResponse;
  readonly parts: number;
  readonly reads: number;
  readonly writes: number;
}

/** Faults that answer a part without carrying it out. */
const refusing: readonly string[] = ['refuse', 'stopBatch', 'throttleRest'];

const isBatchAddress = (url: string): boolean => /\/\$batch(\?|$)/.test(url);

const runPart = async (
  session: Session,
  part: ApiRequest,
  fault: Fault | undefined,
): Promise<ApiResponse> => {
  if (isBatchAddress(part.url)) {
    return refusalResponse(new DataverseError(400, '0x80040203', 'Batch requests cannot be nested.'));
  }
  if (fault?.kind === 'drop') throw new ConnectionDropped();
  if (fault?.kind === 'slow') await pause(fault.delayMs);
  if (fault !== undefined && refusing.includes(fault.kind)) return faultResponse(fault);
  if (fault?.kind === 'garbage') return garbageResponse();
  const response = answer(session, part);
  if (fault?.kind === 'dropAfterWrite') throw new ConnectionDropped();
  return fault?.kind === 'afterWrite' ? faultResponse(fault) : response;
};

/** Reads the parts, or tells why the body is none: a malformed body gives an error part, as the product does. */
const readParts = (request: ApiRequest): (ApiRequest | ChangeSet)[] | ApiResponse => {
  try {
    return parseBatch(boundaryOf(request.headers['content-type']), request.body);
  } catch (error) {
    if (!(error instanceof DataverseError)) throw error;
    const refusal = refusalResponse(error);
    return error.code === '0x80048d19' ? writeBatch(400, [refusal]) : refusal;
  }
};

/**
 * `POST $batch`: parts one after the other. The first failure ends the run and gives the outer status,
 * unless `Prefer: odata.continue-on-error` is sent.
 */
export const runBatch = async (
  session: Session,
  request: ApiRequest,
  faults: Faults,
): Promise<BatchOutcome> => {
  if (request.method !== 'POST') {
    const response = jsonResponse(405, { error: { code: '0x8006088a', message: 'Send batches with POST.' } });
    return { response, parts: 0, reads: 0, writes: 0 };
  }
  const parts = readParts(request);
  if (!Array.isArray(parts)) return { response: parts, parts: 0, reads: 0, writes: 0 };
  const goOn = parsePrefer(request.headers['prefer']).has('odata.continue-on-error');
  const answers: PartAnswer[] = [];
  let [reads, writes, outer] = [0, 0, 200];
  let throttled: Fault | undefined;
  for (const part of parts) {
    if ('members' in part) {
      writes += part.members.length;
      const outcome = await runChangeSet(session, part, faults);
      answers.push('refusal' in outcome ? outcome.refusal : outcome.done);
      if (!('refusal' in outcome) || goOn) continue;
      outer = outcome.refusal.status;
      break;
    }
    session.organization.journal.count(part.method, part.url, true);
    const fault = throttled ?? faults.take(part.method, part.url, 'part');
    if (fault?.kind === 'throttleRest') throttled = fault;
    if (fault?.kind === 'missingPart') continue;
    if (isWrite(part.method)) writes += 1;
    else reads += 1;
    const response = await runPart(session, part, fault);
    answers.push(response);
    if (fault?.kind === 'stopBatch' && goOn) break;
    if (response.status < 400 || goOn) continue;
    outer = response.status;
    break;
  }
  return { response: writeBatch(outer, answers), parts: countRequests(parts), reads, writes };
};
