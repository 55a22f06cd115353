import * as z from 'zod';

import { FAILURES, RemoteFailure, type FailureDetails, type FailureType } from '../rules/failures.js';
import { canonicalCode, NO_CODE, VERDICTS, type Verdict } from './error-codes.js';
import { retryAfterMs } from '../rules/retry-after.js';

/** An HTTP answer, of a request or of a part of a batch. Header names are lower case. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What failure messages tell about the call that was made. */
export interface CallContext {
  /** For people: "read changes of leads". */
  readonly name: string;
  readonly origin: string;
  /** The call can change something at the remote. */
  readonly writes?: boolean;
  /** The call follows a link of the server's: a refusal of its arguments means that the cursor is dead. */
  readonly cursor?: boolean;
}

export interface AnsweredError {
  /** Canonical code, see `canonicalCode`. */
  readonly code?: string | undefined;
  /** Dataverse's own text; absent for HTML and the like. */
  readonly message?: string;
}

/** The most text of the remote that a failure carries. */
const LONGEST_MESSAGE = 2000;
const DEFAULT_WAIT_MS = 10_000;

const errorBody = z.union([
  z.object({
    error: z.object({ code: z.unknown().optional(), message: z.string().optional().catch(undefined) }),
  }),
  z.object({ Message: z.string() }),
]);

export const isSuccess = (answer: Answer): boolean => answer.status >= 200 && answer.status < 300;

/** The body as JSON, or `undefined` where it is none: gateways answer HTML or nothing. */
export function parseJson(body: string): unknown {
  // Nearly every write is answered with nothing, and an exception for each would be dear.
  if (body === '') return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

/** Code and message of an error answer, as far as it has them. */
export function errorOf(answer: Answer): AnsweredError {
  const parsed = errorBody.safeParse(parseJson(answer.body));
  if (!parsed.success) return {};
  if ('Message' in parsed.data) return { message: shorten(parsed.data.Message) };
  const { message } = parsed.data.error;
  const code = canonicalCode(parsed.data.error.code);
  return { ...(code !== undefined && { code }), ...(message && { message: shorten(message) }) };
}

const shorten = (text: string): string =>
  text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}…` : text;

/** What an error answer means: by status where that is beyond doubt, then by code, then by status. */
export function verdictOf(answer: Answer, error = errorOf(answer)): Verdict {
  if (answer.status === 429) return { is: 'failure', type: FAILURES.rateLimited };
  // OData's own complaints come as `0x0` with 400; beside any other status it is the code of nothing.
  const nameless = error.code === NO_CODE && answer.status !== 400;
  const known = error.code === undefined || nameless ? undefined : VERDICTS[error.code];
  return known ?? verdictOfStatus(answer, { ...error, code: nameless ? undefined : error.code });
}

const failed = (type: FailureType, advice?: string): Verdict => ({
  is: 'failure',
  type,
  ...(advice !== undefined && { advice }),
});

const CHECK_URL = 'Check that DATAVERSE_URL is the origin of a Dataverse environment.';
const CHECK_ROLES = 'Check the security roles of the application user.';
/** For an answer that is not Dataverse's own. */
export const CHECK_PROXY =
  'This is not an answer of Dataverse itself: check for a proxy, gateway or firewall in between if it lasts.';

function verdictOfStatus(answer: Answer, error: AnsweredError): Verdict {
  const { status } = answer;
  const dataverse = error.code !== undefined || error.message !== undefined;
  if (status === 401) {
    return failed(
      FAILURES.unauthorized,
      'Check ENTRA_TENANT_ID and DATAVERSE_CLIENT_ID for this DATAVERSE_URL.',
    );
  }
  if (status === 403) {
    return dataverse ? { is: 'refused', scope: 'record' } : failed(FAILURES.forbidden, CHECK_ROLES);
  }
  if (status === 412)
    return error.code === undefined ? { is: 'changed' } : { is: 'refused', scope: 'record' };
  if (status === 413 || status === 414 || status === 431 || status === 501)
    return failed(FAILURES.refusedCall);
  if (status === 408 || status >= 500 || status < 300) return failed(FAILURES.unavailable);
  if (status === 404 || status < 400) return failed(FAILURES.misconfigured, CHECK_URL);
  return isEnvelope(answer) ? { is: 'refused', scope: 'record' } : failed(FAILURES.unavailable, CHECK_PROXY);
}

/**
 * Whether this is Dataverse's own error. A page, an empty body or `{ "Message" }` come from something before it (a gateway,
 * the web server), which knows nothing of the record.
 */
function isEnvelope(answer: Answer): boolean {
  const { data } = errorBody.safeParse(parseJson(answer.body));
  if (data === undefined || 'Message' in data) return false;
  return Boolean(data.error.message) || canonicalCode(data.error.code) !== undefined;
}

/** The failure of a whole call that was answered with an error. */
export function failureOf(answer: Answer, call: CallContext): RemoteFailure {
  const error = errorOf(answer);
  const verdict = verdictOf(answer, error);
  return new RemoteFailure(failureDetails(answer, call, error, failureType(verdict, answer, call), verdict));
}

/** As `failureOf`, for a verdict that is already known to be a failure. */
export function failureDetails(
  answer: Answer,
  call: CallContext,
  error: AnsweredError,
  type: FailureType,
  verdict: Verdict,
): FailureDetails {
  const wait = waitOf(answer, type);
  const advice = verdict.is === 'failure' ? verdict.advice : adviceFor(type);
  const said = error.message ?? (isSuccess(answer) ? 'an answer that cannot be read' : 'no readable reason');
  const code = error.code ?? `HTTP ${answer.status}`;
  return {
    type,
    side: 'dynamics',
    code,
    message:
      `Dynamics (${call.origin}) did not ${call.name}: HTTP ${answer.status}` +
      `${error.code === undefined ? '' : `, ${error.code}`}, ${said}${advice === undefined ? '' : ` ${advice}`}`,
    ...(wait !== undefined && { retryAfterMs: wait }),
    effect: call.writes === true && mayHaveRun(answer, type) ? 'unknown' : 'none',
  };
}

/**
 * A call that was throttled was not carried out. A 2xx that cannot be read, any 5xx, and a server that is not well,
 * whatever status it chose for saying so, may stand for one that was.
 */
const mayHaveRun = ({ status }: Answer, type: FailureType): boolean =>
  type !== FAILURES.rateLimited &&
  (status < 300 || status === 408 || status >= 500 || type === FAILURES.unavailable);

function waitOf(answer: Answer, type: FailureType): number | undefined {
  const asked = retryAfterMs(answer.headers['retry-after'], answer.headers['date']);
  if (type === FAILURES.rateLimited) return asked ?? DEFAULT_WAIT_MS;
  return type === FAILURES.unavailable ? asked : undefined;
}

/**
 * A refusal of a call that is about no single record. On a link every refusal of its arguments ends the cursor: the
 * codes for an expired or malformed token are not documented for HTTP, and a fresh read meets a lasting fault anyway.
 */
function failureType(verdict: Verdict, answer: Answer, call: CallContext): FailureType {
  if (verdict.is === 'failure') {
    return call.cursor === true && answer.status === 410 ? FAILURES.cursorInvalid : verdict.type;
  }
  const scope = verdict.is === 'refused' ? verdict.scope : 'record';
  if (call.cursor === true && (answer.status === 400 || answer.status === 410)) return FAILURES.cursorInvalid;
  if (scope === 'schema') return FAILURES.misconfigured;
  if (answer.status === 403 || scope !== 'record') return FAILURES.forbidden;
  return FAILURES.refusedCall;
}

function adviceFor(type: FailureType): string | undefined {
  if (type === FAILURES.forbidden) {
    return 'Give the application user the missing privilege (reading changes needs Read at organization level).';
  }
  if (type === FAILURES.misconfigured) return 'Compare the field mapping with the columns of the table.';
  return type === FAILURES.cursorInvalid ? 'The table has to be read again from the start.' : undefined;
}

/**
 * The failure of an answer that came but makes no sense: a proxy's page, a cut or foreign body. `what` holds no value of
 * the answer, names at most.
 */
export function brokenAnswer(call: CallContext, what: string): RemoteFailure {
  return new RemoteFailure({
    type: FAILURES.unavailable,
    side: 'dynamics',
    code: 'broken-answer',
    message: `Dynamics (${call.origin}) answered "${call.name}" with ${what}. Check for a proxy in between if this lasts.`,
    effect: call.writes === true ? 'unknown' : 'none',
  });
}
