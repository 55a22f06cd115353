import { z } from 'zod';

/** Any HTTP answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** The server's clock, of the `Date` header. */
  readonly date?: Date;
  readonly retryAfterMs?: number;
}

/** Marketo's codes are strings; some of its services write them as numbers. */
const code = z.union([z.string(), z.number()]).transform(String);

export const problem = z.object({ code, message: z.string().default('') });
export type Problem = z.infer<typeof problem>;

const refusal = z.object({
  success: z.literal(false),
  requestId: z.string().optional(),
  errors: z.array(problem).min(1),
});

/** The error envelope, if `body` is one. */
export function errorEnvelope(body: unknown): z.infer<typeof refusal> | undefined {
  const parsed = refusal.safeParse(body);
  return parsed.success ? parsed.data : undefined;
}

/** Members that are empty are left out of many answers, whatever the docs' samples show. */
export const successEnvelope = z.object({
  success: z.literal(true),
  result: z.unknown().optional(),
  moreResult: z.boolean().nullish(),
  nextPageToken: z.string().nullish(),
});

/** `undefined` for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A field or attribute value. */
export const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

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
