/** Longest wait that we believe: a date far ahead is a broken clock. */
const LONGEST_MS = 3_600_000;

/**
 * The wait that a `Retry-After` header asks for, in milliseconds, from 1 s to 1 h: whole seconds as Dataverse documents,
 * or an HTTP date as RFC 9110 allows, counted from the answer's own `Date`.
 * @param now our own clock, for an answer without a date
 * @returns `undefined` for a missing or unreadable header
 */
export function retryAfterMs(
  header: string | undefined,
  date: string | undefined,
  now: number = Date.now(),
): number | undefined {
  const text = header?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return clamp(Number(text) * 1000);
  const until = /[a-z]/i.test(text) ? httpDate(text) : undefined;
  return until === undefined ? undefined : clamp(until - (httpDate(date) ?? now));
}

/**
 * A date of an HTTP header, in epoch milliseconds. All of RFC 9110's forms are read, and every one is in UTC, which the
 * oldest of them, C's `asctime()`, does not say: `Sun Nov  6 08:49:37 1994`.
 * @returns `undefined` for a missing or unreadable date
 */
export function httpDate(text: string | undefined): number | undefined {
  const date = text?.trim() ?? '';
  const at = Date.parse(SAYS_ZONE.test(date) ? date : `${date} GMT`);
  return Number.isNaN(at) ? undefined : at;
}

const SAYS_ZONE = /(?:GMT|UTC?|Z|[+-]\d{2}:?\d{2})$/i;

const clamp = (ms: number): number => Math.min(Math.max(Math.ceil(ms), 1000), LONGEST_MS);
