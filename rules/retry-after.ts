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
  const until = Date.parse(text);
  if (!/[a-z]/i.test(text) || Number.isNaN(until)) return undefined;
  const theirs = Date.parse(date ?? '');
  return clamp(until - (Number.isNaN(theirs) ? now : theirs));
}

const clamp = (ms: number): number => Math.min(Math.max(Math.ceil(ms), 1000), LONGEST_MS);
