import { randomUUID } from 'node:crypto';

import type { Lane } from '../rules/terms.js';
import { type Answer, brokenAnswer, type CallContext, errorOf, failureOf, isSuccess } from './answers.js';
import { attribute, type NamedPart, type PartAnswer } from './attribution.js';
import { API_PATH, type Call, type Connection } from './connection.js';
import { readBatch } from './multipart-reader.js';
import { type PartRequest, writeBatch } from './multipart-writer.js';

export type { PartAnswer };

export interface BatchCall {
  readonly name: string;
  readonly parts: readonly PartRequest[];
  /** The part that an answer names; without it answers go by their order alone. */
  readonly named?: NamedPart;
  readonly writes?: boolean;
  /** Reads past the server's caches of metadata and rights. */
  readonly strong?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends requests as one `$batch` without change sets: each stands for itself, and a failing one does not stop the rest
 * (`odata.continue-on-error`; should the server stop at one all the same, what comes after it is `not-run`).
 * @returns one answer per part, in their order
 * @throws RemoteFailure where the batch as a whole has no multipart answer
 */
export async function sendBatch(connection: Connection, lane: Lane, batch: BatchCall): Promise<PartAnswer[]> {
  const boundary = `batch_${randomUUID()}`;
  const call: Call = {
    name: batch.name,
    method: 'POST',
    path: '$batch',
    headers: {
      'content-type': `multipart/mixed; boundary="${boundary}"`,
      prefer: 'odata.continue-on-error',
      ...(batch.strong === true && { consistency: 'Strong' }),
    },
    body: writeBatch(batch.parts, boundary),
    writes: batch.writes === true,
    signal: batch.signal,
  };
  const answer = await connection.send(lane, call);
  const context = connection.context(call);
  const read = readBatch(answer.headers['content-type'], answer.body);
  if (read === undefined) {
    throw isSuccess(answer) ? brokenAnswer(context, 'no multipart body') : failureOf(answer, context);
  }
  if (read.answers.length > batch.parts.length) throw brokenAnswer(context, 'more answers than questions');
  const answers = read.answers.map((part) =>
    part === undefined || isSuccess(part) ? part : connection.redacted(part),
  );
  for (const part of toHeed(answers, context)) connection.heed(part, context);
  return attribute({ ...read, answers }, batch.parts.length, batch.named ?? (() => undefined));
}

/** Of the parts that ask for a wait, the one of each code that asks for the longest: the others say nothing more. */
function toHeed(parts: readonly (Answer | undefined)[], context: CallContext): Answer[] {
  const longest = new Map<string, { readonly part: Answer; readonly waitMs: number }>();
  for (const part of parts) {
    if (part === undefined || isSuccess(part)) continue;
    const { retryAfterMs: waitMs } = failureOf(part, context).details;
    if (waitMs === undefined) continue;
    const code = errorOf(part).code ?? '';
    if (waitMs > (longest.get(code)?.waitMs ?? 0)) longest.set(code, { part, waitMs });
  }
  return [...longest.values()].map(({ part }) => part);
}

/** A GET inside a batch; it carries no content type. */
export const readPart = (path: string, headers: Readonly<Record<string, string>> = {}): PartRequest => ({
  method: 'GET',
  path: `${API_PATH}${path}`,
  headers: { Accept: 'application/json', ...headers },
});
