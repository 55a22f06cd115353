import {
  FAILURES,
  RemoteFailure,
  TRANSIENT,
  type FailureDetails,
  type FailureType,
} from '../rules/failures.js';
import { isListed, verdictOf, type Verdict } from './codes.js';
import { readEnvelope } from './envelope.js';
import { millisUntilQuotaReset } from '../rules/quota-day.js';
import type { MarketoTiming } from './settings.js';
import type { HttpAnswer } from './wire.js';

/** What a failure needs to know of the call that it befell. */
export interface CallTraits {
  /** Named in messages: "sync leads". */
  readonly name: string;
  /** True for a call that changes something, so that a lost answer leaves a doubt. */
  readonly writes: boolean;
  /**
   * True for a write that must not be executed twice: Marketo has no key against its repetition, or would refuse the
   * second for the sake of the first.
   */
  readonly once?: boolean;
  /** True for a call that continues a stream from a paging token. */
  readonly stream?: boolean;
}

/** What the mapping takes from its surroundings. */
export interface Surroundings {
  readonly timing: MarketoTiming;
  readonly now: Date;
  /** In [0, 1): spreads callers that were turned away together. */
  readonly random: number;
}

/** Marketo's own text can quote whole records; a message keeps this many characters of it. */
const QUOTED = 400;

/** An answer that is no answer of this API: HTML, broken JSON, an unknown shape. Writes are in doubt after it. */
export const garbage = (call: CallTraits, what: string): RemoteFailure =>
  failed({
    type: FAILURES.unavailable,
    code: 'garbage',
    message: `Marketo's answer to ${call.name} cannot be understood (${what}): try again later, and if it stays so, check MARKETO_ENDPOINT and any proxy between`,
    effect: doubt(call),
  });

/**
 * Says what an answer that is not a plain success means: the HTTP status and the error envelope, which Marketo sends
 * with HTTP 200 (Adobe REST docs, "Error codes"). Marketo's own texts are quoted and never decided on.
 */
export function failureOf(call: CallTraits, answer: HttpAnswer, around: Surroundings): RemoteFailure {
  const envelope = readEnvelope(answer.text);
  if (envelope.kind !== 'refusal') {
    return ofStatus(call, answer, envelope.kind === 'garbage' ? envelope.what : 'a success', around);
  }
  const { code, message } = envelope.reason;
  const verdict = verdictOf(code, call.once);
  const request = envelope.requestId === undefined ? '' : `, request ${envelope.requestId}`;
  const said = `Marketo refused ${call.name} (${code} ${message.slice(0, QUOTED)}${request})`;
  if (call.stream === true && CURSOR_CODES.has(code)) {
    const advice = 'the stream is begun again from the stored time';
    return failed({ type: FAILURES.cursorInvalid, code, message: `${said}: ${advice}`, effect: 'none' });
  }
  return failed({
    type: verdict.type,
    code,
    message: `${said}: ${verdict.advice}`,
    ...retryAfter(code, verdict, answer, around),
    effect: verdict.mayHaveRun === true ? doubt(call) : 'none',
  });
}

/**
 * Whether Marketo refused the call with a code that Adobe does not list, and it may be sent again: whether it will pass
 * is not known.
 */
export function isUnlistedRefusal({ once }: CallTraits, answer: HttpAnswer): boolean {
  if (once === true) return false;
  const envelope = readEnvelope(answer.text);
  return envelope.kind === 'refusal' && !isListed(envelope.reason.code);
}

/** On a stream, all other parameters being known good, these complain about the token. */
const CURSOR_CODES: ReadonlySet<string> = new Set(['1001', '1003']);

/** Nothing reached the other end when one of these happened. */
export const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** A certificate that Node does not trust; Node's own codes. */
const untrusted = (code: string): boolean => /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code);

/** No whole answer came. `code` is Node's or `timeout`. */
export function connectionFailure(call: CallTraits, code: string): RemoteFailure {
  if (untrusted(code)) {
    return failed({
      type: FAILURES.misconfigured,
      code,
      message: `Marketo's certificate is not trusted (${code}, at ${call.name}): check MARKETO_ENDPOINT and MARKETO_IDENTITY, or name the private authority in NODE_EXTRA_CA_CERTS`,
      effect: 'none',
    });
  }
  return failed({
    type: FAILURES.unavailable,
    code,
    message: `Marketo gave no whole answer to ${call.name} (${code}): check the network if it stays so`,
    effect: NEVER_SENT.has(code) ? 'none' : doubt(call),
  });
}

function ofStatus(
  call: CallTraits,
  { status, retryAfterMs }: HttpAnswer,
  body: string,
  { timing }: Surroundings,
): RemoteFailure {
  if (status === 200) return garbage(call, body);
  const [type, what] = STATUSES[status] ?? byClass(status);
  // A gateway may say when it expects to be well again.
  const wait = retryAfterMs ?? (type === FAILURES.rateLimited ? timing.rateLimitMs : undefined);
  return failed({
    type,
    code: String(status),
    message: `Marketo answered ${call.name} with HTTP ${status}: ${what}`,
    ...(wait === undefined || !TRANSIENT.has(type) ? {} : { retryAfterMs: wait }),
    effect: type === FAILURES.unavailable ? doubt(call) : 'none',
  });
}

type StatusMeaning = readonly [FailureType, string];

const PROXY = 'that is none of its own answers: check MARKETO_ENDPOINT and any proxy between';

const STATUSES: Readonly<Record<number, StatusMeaning>> = {
  401: [FAILURES.unauthorized, 'check MARKETO_CLIENT_ID, MARKETO_CLIENT_SECRET and MARKETO_ENDPOINT'],
  403: [FAILURES.forbidden, 'check the role of the API user and the IP allowlist'],
  404: [FAILURES.misconfigured, 'check MARKETO_ENDPOINT (it ends in /rest)'],
  405: [FAILURES.misconfigured, PROXY],
  407: [FAILURES.misconfigured, 'the proxy between asks for credentials'],
  408: [FAILURES.unavailable, 'it is tried again later'],
  413: [FAILURES.refusedCall, 'the call is larger than 1 MB and has to be split'],
  414: [FAILURES.refusedCall, 'the address is longer than 8 KB: ask for fewer values or fields at once'],
  415: [FAILURES.misconfigured, PROXY],
  429: [FAILURES.rateLimited, 'it is sent again after a pause'],
};

function byClass(status: number): StatusMeaning {
  if (status >= 500) return [FAILURES.unavailable, 'it is tried again later'];
  if (status >= 300 && status < 400) {
    return [FAILURES.misconfigured, 'redirects are not followed: check MARKETO_ENDPOINT'];
  }
  if (status < 300) return [FAILURES.unavailable, PROXY];
  return [FAILURES.refusedCall, 'the call does not fit what Marketo accepts'];
}

/** The longer of what the code and the header ask for; the header counts only where time heals. */
function retryAfter(
  code: string,
  verdict: Verdict,
  answer: HttpAnswer,
  around: Surroundings,
): { readonly retryAfterMs?: number } {
  const ofHeader = TRANSIENT.has(verdict.type) ? answer.retryAfterMs : undefined;
  const waits = [ofCode(code, verdict, answer, around), ofHeader].filter((wait) => wait !== undefined);
  return waits.length === 0 ? {} : { retryAfterMs: Math.max(...waits) };
}

function ofCode(
  code: string,
  { waitMs }: Verdict,
  answer: HttpAnswer,
  { timing, now, random }: Surroundings,
): number | undefined {
  if (code === '606') return timing.rateLimitMs;
  if (code === '615') return aMoment(timing, random);
  // The server's clock, where it tells it: the reset is by its day.
  return code === '607' ? millisUntilQuotaReset(answer.date ?? now) : waitMs;
}

/** Long enough for somebody else's call to end, and not the same for everybody. */
export const aMoment = ({ concurrencyMs }: MarketoTiming, random: number): number =>
  Math.round(concurrencyMs * (1 + 2 * random));

/** Longer than any such moment: somebody asked for it. */
export const isLongerThanAMoment = ({ concurrencyMs }: MarketoTiming, waitMs: number): boolean =>
  waitMs > 3 * concurrencyMs;

const doubt = (call: CallTraits): FailureDetails['effect'] => (call.writes ? 'unknown' : 'none');

const failed = (details: Omit<FailureDetails, 'side'>): RemoteFailure =>
  new RemoteFailure({ side: 'marketo', ...details });
