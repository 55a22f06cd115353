import type { z } from 'zod';
import { payloadError, type DataverseError } from '../errors.js';

const valueAt = (raw: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[step] : undefined,
    raw,
  );

/** `Targets[1].@odata.type`. */
const named = (path: readonly PropertyKey[]): string =>
  path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');

const refusal = (operation: string, place: string, raw: unknown, { issues }: z.ZodError): DataverseError => {
  const paths = issues.map(({ path }) => path);
  if (paths.some(({ length }) => length === 0)) {
    return payloadError(
      place,
      `The parameters of the operation '${operation}' were expected as a JSON object.`,
    );
  }
  const missing = paths.filter((path) => valueAt(raw, path) === undefined).map(named);
  if (missing.length === 0) {
    const [wrong = []] = paths;
    return payloadError(
      place,
      `The value of the parameter '${named(wrong)}' of the operation '${operation}' is not valid.`,
    );
  }
  const reason = `One or more parameters of the operation '${operation}' are missing from the request payload. The missing parameters are: ${missing.join(', ')}.`;
  return payloadError(place, reason);
};

/** The body of an action; what is missing or wrong is refused in the OData library's words. */
export const readParameters = <Parameters>(
  operation: string,
  place: string,
  schema: z.ZodType<Parameters>,
  raw: unknown,
): Parameters => {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw refusal(operation, place, raw, parsed.error);
};

/** The same for an action that is bound to no table, from the text of the body. */
export const readUnbound = <Parameters>(
  operation: string,
  schema: z.ZodType<Parameters>,
  body: string,
): Parameters => {
  let raw: unknown;
  try {
    raw = JSON.parse(body);
  } catch {
    throw payloadError(operation, 'Invalid JSON.');
  }
  return readParameters(operation, operation, schema, raw);
};
