import { FAILURES } from '../rules/failures.js';
import {
  type Answer,
  type AnsweredError,
  brokenAnswer,
  type CallContext,
  CHECK_PROXY,
  errorOf,
  failureDetails,
  isSuccess,
  parseJson,
  verdictOf,
} from './answers.js';
import type { Verdict } from './error-codes.js';
import { guid, guidsIn } from './tables.js';
import type { InDoubt, Refusal, RowOutcome, RowWrite } from './types.js';
import { rowNamedIn } from './write-request.js';

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
      if (operation.type === 'update') return { status: 'changed' };
      return { status: 'exists', otherwise: inDoubt(answer, call, error) };
    case 'duplicate': {
      const refused = refusal(answer, error, verdict, operation);
      return operation.type === 'create' ? { status: 'exists', otherwise: refused } : refused;
    }
    case 'gone':
      return goneOutcome(error, operation, refusal(answer, error, verdict, operation));
  }
}

/** A 412 on a create where no row is: an update of a plug-in's, or a page of a gateway. */
function inDoubt(answer: Answer, call: CallContext, error: AnsweredError): InDoubt {
  const verdict: Verdict = { is: 'failure', type: FAILURES.unavailable, advice: CHECK_PROXY };
  return { status: 'transient', failure: failureDetails(answer, call, error, FAILURES.unavailable, verdict) };
}

/**
 * 204, or 200/201 with the row, which its key proves. Anything else that calls itself a success (a proxy's page, the row
 * of another write) proves nothing.
 */
function doneOutcome(answer: Answer, operation: RowWrite, call: CallContext): RowOutcome {
  const named = rowNamedIn(answer);
  const ours = named === guid(operation.id) || (named === undefined && answer.status === 204);
  if (!ours) {
    return { status: 'transient', failure: brokenAnswer(call, 'a success that is not of this row').details };
  }
  const body = parseJson(answer.body);
  const row = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const etag = row['@odata.etag'] ?? answer.headers['etag'];
  return typeof etag === 'string' && etag !== '' ? { status: 'done', etag } : { status: 'done' };
}

/**
 * A create, or a plug-in, may miss *another* row, which says nothing of ours. Where the message names our id it is ours,
 * where it names others it is not, and where it names none a read has to tell.
 */
function goneOutcome(error: AnsweredError, operation: RowWrite, refused: Refusal): RowOutcome {
  if (operation.type === 'create') return refused;
  const named = guidsIn(error.message ?? '');
  if (named.length === 0) return { status: 'gone', otherwise: refused };
  return named.includes(operation.id.toLowerCase()) ? { status: 'gone' } : refused;
}

function refusal(answer: Answer, error: AnsweredError, verdict: Verdict, operation: RowWrite): Refusal {
  const refused = verdict.is === 'refused' ? verdict : undefined;
  const twin = TWINS.has(error.code ?? '') ? otherRowIn(error.message ?? '', operation) : undefined;
  const twinTable = twin === undefined ? undefined : tableNamedIn(error.message ?? '');
  const column = refused?.validation === true ? columnNamed(error.message ?? '', operation) : undefined;
  return {
    status: 'refused',
    code: error.code ?? `HTTP ${answer.status}`,
    message: error.message ?? `Dynamics refused the write with HTTP ${answer.status} and gave no reason.`,
    ...(column !== undefined && { column }),
    ...(twin !== undefined && { twin }),
    ...(twinTable !== undefined && { twinTable }),
    ...(refused?.whole === true && { whole: true as const }),
    scope: refused?.scope ?? 'record',
  };
}

/** Refusals because of another row: a duplicate rule, an alternate key. */
const TWINS: ReadonlySet<string> = new Set(['0x80040333', '0x80060892']);

/** The one row, other than our own, whose id a message names. */
function otherRowIn(message: string, operation: RowWrite): string | undefined {
  const others = [...new Set(guidsIn(message))].filter((id) => id !== guid(operation.id));
  return others.length === 1 ? others[0] : undefined;
}

/** `… duplicate: lead With Id = …`, and `<Record entity="lead" id="…" />`. */
function tableNamedIn(message: string): string | undefined {
  return /(?:\bentity="|\bduplicate: )([a-z][a-z0-9_]*)/.exec(message)?.[1];
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

/** Code of a part that was not run. */
export const NOT_RUN = 'not-run';

/** A part before which the server stopped was not run, so it can be sent again at once. */
export function notRun(call: CallContext): RowOutcome {
  return {
    status: 'transient',
    failure: {
      type: FAILURES.unavailable,
      side: 'dynamics',
      code: NOT_RUN,
      message: `Dynamics (${call.origin}) stopped before this part of "${call.name}".`,
      effect: 'none',
    },
  };
}

/** A part whose answer is missing, was cut, cannot be read, or cannot be told from its neighbour's. */
export const unreadable = (call: CallContext): RowOutcome => ({
  status: 'transient',
  failure: brokenAnswer({ ...call, writes: true }, 'no answer that is certainly of this row').details,
});
