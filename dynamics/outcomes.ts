import { FAILURES } from '../rules/failures.js';
import {
  type Answer,
  type AnsweredError,
  brokenAnswer,
  type CallContext,
  errorOf,
  failureDetails,
  isSuccess,
  parseJson,
  verdictOf,
} from './answers.js';
import type { Verdict } from './error-codes.js';
import { guid, guidsIn, TABLES } from './tables.js';
import type { Refusal, RowOutcome, RowWrite } from './types.js';

/** What an answer says became of one write. The only place where this is decided, for parts and single requests. */
export function outcomeOf(answer: Answer, operation: RowWrite, call: CallContext): RowOutcome {
  if (isSuccess(answer)) return doneOutcome(answer, operation, call);
  const error = errorOf(answer);
  const verdict = verdictOf(answer, error);
  switch (verdict.is) {
    case 'failure':
      // A call about one row that can never be taken (too large) is that row's refusal.
      if (verdict.type === FAILURES.refusedCall) return refusal(answer, error, verdict, operation);
      return { status: 'transient', failure: failureDetails(answer, call, error, verdict.type, verdict) };
    case 'refused':
      return refusal(answer, error, verdict, operation);
    case 'changed':
      return { status: operation.type === 'create' ? 'exists' : 'changed' };
    case 'duplicate':
      return operation.type === 'create' ? { status: 'exists' } : refusal(answer, error, verdict, operation);
    case 'gone':
      return speaksOfRow(error, operation) ? { status: 'gone' } : refusal(answer, error, verdict, operation);
  }
}

/**
 * 204, or 200/201 with the row when its etag was asked for. Anything else that calls itself a success (a proxy's page,
 * the row of another write) proves nothing.
 */
function doneOutcome(answer: Answer, operation: RowWrite, call: CallContext): RowOutcome {
  const body = parseJson(answer.body);
  const row = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
  const readable = answer.status === 204 || row !== undefined;
  const answered =
    guid(row?.[TABLES[operation.kind].key]) ?? guidsIn(answer.headers['odata-entityid'] ?? '').at(-1);
  if (!readable || (answered !== undefined && answered !== guid(operation.id))) {
    return { status: 'transient', failure: brokenAnswer(call, 'a success that is not of this row').details };
  }
  const etag = row?.['@odata.etag'] ?? answer.headers['etag'];
  return typeof etag === 'string' && etag !== '' ? { status: 'done', etag } : { status: 'done' };
}

/** A create, or a plug-in, may miss *another* row, which says nothing of ours: the message names ids. */
function speaksOfRow(error: AnsweredError, operation: RowWrite): boolean {
  if (operation.type === 'create') return false;
  const named = guidsIn(error.message ?? '');
  return named.length === 0 || named.includes(operation.id.toLowerCase());
}

function refusal(answer: Answer, error: AnsweredError, verdict: Verdict, operation: RowWrite): Refusal {
  const refused = verdict.is === 'refused' ? verdict : undefined;
  const column = refused?.validation === true ? columnNamed(error.message ?? '', operation) : undefined;
  return {
    status: 'refused',
    code: error.code ?? `HTTP ${answer.status}`,
    message: error.message ?? `Dynamics refused the write with HTTP ${answer.status} and gave no reason.`,
    ...(column !== undefined && { column }),
    scope: refused?.scope ?? 'record',
  };
}

/** The one column among those written that a validation message puts in quotes. */
function columnNamed(message: string, operation: RowWrite): string | undefined {
  const binds = operation.type === 'create' ? Object.keys(operation.binds ?? {}) : [];
  const written = new Set([
    ...Object.keys(operation.values),
    ...binds.map((bind) => bind.replace(/@odata\.bind$/, '')),
  ]);
  const quoted = [...message.matchAll(/'([A-Za-z0-9_]+)(?:@odata\.bind)?'/g)].flatMap(
    ([, name]) => name ?? [],
  );
  const named = [...new Set(quoted)].filter((name) => written.has(name));
  return named.length === 1 ? named[0] : undefined;
}

/** A part that the server says nothing of was not run, so it can be sent again at once. */
export function notRun(call: CallContext): RowOutcome {
  return {
    status: 'transient',
    failure: {
      type: FAILURES.unavailable,
      side: 'dynamics',
      code: 'not-run',
      message: `Dynamics (${call.origin}) stopped before this part of "${call.name}".`,
      effect: 'none',
    },
  };
}

/** A part whose answer was cut or cannot be read. */
export const unreadable = (call: CallContext): RowOutcome => ({
  status: 'transient',
  failure: brokenAnswer({ ...call, writes: true }, 'a part that cannot be read').details,
});
