import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { RemoteFailure, TRANSIENT } from '../rules/failures.js';

/** What keeps the sync from working until somebody mends it; the message says what. */
export class Misconfigured extends Error {
  override readonly name = 'Misconfigured';
}

/**
 * Turns an error into what crosses to the workflow: its type and code, never the texts of the remotes, which may hold
 * values of records. The worker's own log keeps the whole of it.
 */
export const toFailure = (error: unknown): Error => {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof Misconfigured) return ApplicationFailure.nonRetryable(error.message, 'Misconfigured');
  if (error instanceof RemoteFailure) return remote(error);
  const code = codeOf(error);
  const name = error instanceof Error ? error.name : 'Error';
  if (code === undefined) return ApplicationFailure.create({ message: name, type: name });
  const down = STORE_DOWN.test(code);
  return ApplicationFailure.create({
    message: down ? `the store does not answer (${code})` : `the store refused a statement (${code})`,
    type: down ? 'StoreUnavailable' : 'StoreRefused',
  });
};

/** Sockets, and PostgreSQL's classes 08 (connection), 53 (resources) and 57P (shutdown, starting up). */
const STORE_DOWN = /^(E[A-Z]+|08...|53...|57P..)$/;

/** Codes of the remotes are short tokens; anything else is text, which stays out of histories like all their texts. */
const TOKEN = /^[\w.-]{1,40}$/;

/** A remote's code as a history may hold it. */
export const tokenOf = (code: string | undefined): string | undefined =>
  code !== undefined && TOKEN.test(code) ? code : undefined;

const remote = ({ details }: RemoteFailure): ApplicationFailure => {
  const { type, side, retryAfterMs } = details;
  const code = tokenOf(details.code);
  const where = side === undefined ? '' : `${side === 'marketo' ? 'Marketo' : 'Dynamics'}: `;
  const resetsAt = retryAfterMs === undefined ? undefined : new Date(Date.now() + retryAfterMs).toISOString();
  return ApplicationFailure.create({
    message: `${where}${type}${code === undefined ? '' : ` (${code})`}`,
    type,
    nonRetryable: !TRANSIENT.has(type),
    details: [{ side, code, resetsAt }],
    ...(retryAfterMs === undefined || !TRANSIENT.has(type) ? {} : { nextRetryDelay: retryAfterMs }),
  });
};

const codeOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
};
