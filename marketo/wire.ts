import { z } from 'zod';

/** Any HTTP answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** The server's clock, of the `Date` header. */
  readonly date?: Date;
  readonly retryAfterMs?: number;
}

/** Codes go where texts of the remote may not, so that only short tokens pass for one. */
const TOKEN = /^[\w.-]{1,40}$/;

/** Marketo's codes are strings; some of its services write them as numbers. */
const code = z
  .union([z.string(), z.number()])
  .transform(String)
  .transform((text) => (TOKEN.test(text) ? text : 'unreadable'));

const words = z
  .string()
  .nullish()
  .catch(undefined)
  .transform((text) => text ?? '');

export const problem = z.object({ code, message: words });
export type Problem = z.infer<typeof problem>;

/** Why one record of a call was skipped: `reasons` of most services, `errors` of some. */
export const reasonOf = (
  { reasons, errors }: { readonly reasons?: Reasons; readonly errors?: Reasons },
  what: string,
): Problem =>
  reasons?.[0] ??
  errors?.[0] ?? { code: 'unstated', message: `Marketo skipped the ${what} without a reason` };

type Reasons = readonly Problem[] | null | undefined;

export const recordId = z.int();

/** The dates of Marketo's several APIs and ages: `…T10:02:11Z`, `…+0000`, `…Z+0000`, `2014-11-13 12:43:04`. */
const DATE = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(\.\d+)?(?:Z|Z?([+-]\d{2}):?(\d{2}))?$/;

export const instant = z.string().transform((text, context) => {
  const [, day, time, fraction = '', hours, minutes] = DATE.exec(text.trim()) ?? [];
  const zone = hours === undefined ? 'Z' : `${hours}:${minutes ?? '00'}`;
  const parsed = day === undefined ? NaN : Date.parse(`${day}T${time ?? ''}${fraction.slice(0, 4)}${zone}`);
  if (Number.isNaN(parsed)) {
    context.addIssue({ code: 'custom', message: 'not a date of Marketo' });
    return z.NEVER;
  }
  return new Date(parsed).toISOString();
});

/** An instant as Marketo takes it: whole seconds, rounded down. */
export const toMarketoInstant = (at: string): string => `${new Date(at).toISOString().slice(0, 19)}Z`;
