import ms, { type StringValue } from 'ms';
import { z } from 'zod';

const FORM = /^\d+(\.\d+)? ?[a-z]+$/i;

/** Milliseconds of a duration such as `5m`, `30s` or `1h`; undefined for anything else, also without a unit. */
export function readDuration(text: string): number | undefined {
  if (!FORM.test(text)) return undefined;
  // The form is checked; `ms` itself answers undefined for a unit that it does not know.
  const duration = ms(text as StringValue) as number | undefined;
  return duration !== undefined && duration > 0 ? duration : undefined;
}

/** A text such as `5m`, read as milliseconds. */
export const durationSchema = z.string().transform((text, context) => {
  const duration = readDuration(text);
  if (duration !== undefined) return duration;
  context.addIssue({
    code: 'custom',
    message: `"${text}" is not a duration. Write a number and a unit: 30s, 5m, 1h.`,
  });
  return z.NEVER;
});
