import { FAILURES, type FailureType } from '../rules/failures.js';

/** What one of Marketo's codes means when it stands on a whole call. */
export interface Verdict {
  readonly type: FailureType;
  /** What to do about it, where the type alone does not say. */
  readonly advice?: string;
  /** Marketo may have executed the call before it answered with this. */
  readonly mayHaveRun?: true;
}

const unwell: Verdict = { type: FAILURES.unavailable };
const inDoubt: Verdict = { type: FAILURES.unavailable, mayHaveRun: true };
const refused: Verdict = { type: FAILURES.refusedCall };
const misconfigured = (what: string): Verdict => ({ type: FAILURES.misconfigured, advice: what });
const token: Verdict = {
  type: FAILURES.unauthorized,
  advice: 'check that MARKETO_ENDPOINT and MARKETO_IDENTITY belong to one subscription',
};

/**
 * Adobe REST docs, "Error codes". Codes that are absent are final for their call, but for 5xx ones. 604 and the
 * gateway's own are known to come after a write was executed; 611 and 713 are "unhandled" and "transient" errors of
 * which nothing says how far the call had come.
 */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  '600': token,
  '601': token,
  '602': token,
  '603': {
    type: FAILURES.forbidden,
    advice: 'give the role of the API user the right for this call, or allow this address (IP allowlist)',
  },
  '604': inDoubt,
  '606': { type: FAILURES.rateLimited, advice: 'it is sent again when the 20 s window has passed' },
  '607': {
    type: FAILURES.quotaExhausted,
    advice:
      'nothing more until 00:00 US Central; see which integrations use the quota, or ask Adobe for more',
  },
  '608': unwell,
  '610': misconfigured('check MARKETO_ENDPOINT (it ends in /rest)'),
  '611': inDoubt,
  '614': unwell,
  '615': { type: FAILURES.rateLimited, advice: 'it is sent again in a moment' },
  '703': misconfigured('the subscription lacks this feature'),
  '713': inDoubt,
  '719': unwell,
  '1006': misconfigured('check the name of the field, and that the role of the API user may see it'),
  '1011': misconfigured('use a searchable field (a custom one of type string, email or integer)'),
  '1014': unwell,
  '1016': unwell,
  '1018': misconfigured("switch off Marketo's native CRM sync, which this product replaces"),
  '1019': unwell,
  '1022': unwell,
  '1027': misconfigured('the subscription has all the custom activity types it may have'),
  '1028': misconfigured('the custom activity type has all the attributes it may have'),
};

export function verdictOf(code: string): Verdict {
  return VERDICTS[code] ?? (/^5\d\d$/.test(code) ? inDoubt : refused);
}

const ADVICE: Readonly<Record<FailureType, string>> = {
  Unauthorized: 'check MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET',
  Forbidden: 'check the role of the API user',
  Misconfigured: 'check the configuration',
  RateLimited: 'it is sent again after a pause',
  QuotaExhausted: 'it is sent again after the reset',
  Unavailable: 'it is tried again later',
  CursorInvalid: 'the stream is begun again from the stored time',
  RefusedCall: 'the call does not fit what Marketo accepts',
  Busy: 'it is tried again soon',
};

/** What to do about a verdict that came out as `type`. */
export const advice = (verdict: Verdict, type: FailureType): string =>
  (verdict.type === type ? verdict.advice : undefined) ?? ADVICE[type];
