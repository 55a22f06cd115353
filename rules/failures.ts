import type { Side } from './terms.js';

/**
 * The closed vocabulary of failures. Each remote's HTTP answers are mapped to it in one function; a refusal of a single
 * record is never thrown but is a value in the call's outcome.
 */
export const FAILURES = {
  /** Credentials are wrong or lack the right: nothing works until somebody mends it. */
  unauthorized: 'Unauthorized',
  /** The account is known but may not do this. */
  forbidden: 'Forbidden',
  /** The configuration or schema does not fit the remote (unknown field, table without change tracking). */
  misconfigured: 'Misconfigured',
  /** The remote asks to slow down; `retryAfterMs` says for how long. */
  rateLimited: 'RateLimited',
  /** The day's quota is used up; nothing more until its reset. */
  quotaExhausted: 'QuotaExhausted',
  /** Not reachable or not well at this moment: time-outs, 5xx, broken answers. */
  unavailable: 'Unavailable',
  /** A change cursor that the remote no longer knows: read everything again. */
  cursorInvalid: 'CursorInvalid',
  /** The call as a whole was refused for good (malformed or too large): a bug or a single bad record in it. */
  refusedCall: 'RefusedCall',
  /** Somebody else holds what this needs; try again soon. */
  busy: 'Busy',
} as const;

export type FailureType = (typeof FAILURES)[keyof typeof FAILURES];

/** Failures that time heals: the activity is retried and nothing is logged as a rejection. */
export const TRANSIENT: ReadonlySet<FailureType> = new Set([
  FAILURES.rateLimited,
  FAILURES.unavailable,
  FAILURES.busy,
]);

export interface FailureDetails {
  readonly type: FailureType;
  readonly side?: Side;
  /** The remote's own code (`606`, `0x80072322`, `ECONNREFUSED`), safe to show and to keep in a history. */
  readonly code?: string;
  /** For people; may hold values of records, so it stays out of workflow histories. */
  readonly message: string;
  readonly retryAfterMs?: number;
  /** `unknown`: the remote may have executed the call although no good answer came. */
  readonly effect: 'none' | 'unknown';
}

/** A call that failed as a whole. */
export class RemoteFailure extends Error {
  override readonly name = 'RemoteFailure';
  readonly details: FailureDetails;

  constructor(details: FailureDetails, options?: ErrorOptions) {
    super(details.message, options);
    this.details = details;
  }

  get type(): FailureType {
    return this.details.type;
  }
}
