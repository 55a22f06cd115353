import { z } from 'zod';
import { problem, type Problem } from './wire.js';

/** What the body of an answer says, whatever the HTTP status. */
export type Envelope =
  | {
      readonly kind: 'success';
      readonly result: unknown;
      readonly more: boolean | undefined;
      readonly nextToken: string | undefined;
    }
  | { readonly kind: 'refusal'; readonly reason: Problem; readonly requestId: string | undefined }
  /** None of this API; `what` names the place, never a value. */
  | { readonly kind: 'garbage'; readonly what: string };

/** For Adobe's support. Anything else in its place is left out: it is quoted to people. */
const requestId = z
  .string()
  .regex(/^[\w#:.-]{1,100}$/)
  .optional()
  .catch(undefined);

const envelope = z.discriminatedUnion('success', [
  /** Members that are empty are left out of many answers, whatever the docs' samples show. */
  z.object({
    success: z.literal(true),
    result: z.unknown().optional(),
    errors: z.array(z.unknown()).nullish(),
    moreResult: z.boolean().nullish(),
    nextPageToken: z.string().nullish(),
  }),
  z.object({ success: z.literal(false), requestId, errors: z.tuple([problem], z.unknown()) }),
]);

export function readEnvelope(text: string): Envelope {
  if (text.trim() === '') return { kind: 'garbage', what: 'an empty body' };
  const body = parseJson(text);
  if (body === undefined) return { kind: 'garbage', what: 'no JSON' };
  const parsed = envelope.safeParse(body);
  if (!parsed.success) return { kind: 'garbage', what: `no Marketo envelope, ${placeOf(parsed.error)}` };
  if (!parsed.data.success) {
    const { errors, requestId: id } = parsed.data;
    return { kind: 'refusal', reason: errors[0], requestId: id };
  }
  const { result, errors, moreResult, nextPageToken } = parsed.data;
  // Taken for a success, a read would say that nobody is there.
  if ((errors ?? []).length > 0) return { kind: 'garbage', what: 'a success with errors' };
  return { kind: 'success', result, more: moreResult ?? undefined, nextToken: nextPageToken ?? undefined };
}

/** `undefined` for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Where a shape is wrong or lacks a member, without a value of it: `wrong shape at result.0.id`. */
export function placeOf(error: z.ZodError, ...outer: readonly string[]): string {
  const place = [...outer, ...(error.issues[0]?.path ?? [])].map(String).join('.');
  return place === '' ? 'wrong shape' : `wrong shape at ${place}`;
}
