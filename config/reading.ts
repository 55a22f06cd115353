import type { z } from 'zod';

/** The outcome of reading one part of the configuration: all its problems, or its value. */
export type Reading<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly string[] };

export const read = <T>(value: T): Reading<T> => ({ ok: true, value });

export const unreadable = (...problems: readonly string[]): Reading<never> => ({ ok: false, problems });

/** The variables that are set: an empty line in `.env` is not, and pasted spaces around a value do not count. */
export function setVariables(env: NodeJS.ProcessEnv): Record<string, string> {
  const trimmed = Object.entries(env).map(([key, value]) => [key, value?.trim() ?? ''] as const);
  return Object.fromEntries(trimmed.filter(([, value]) => value !== ''));
}

/** Reads variables by a schema; each problem starts with the name of its variable. */
export function readVariables<T>(schema: z.ZodType<T>, variables: Record<string, string>): Reading<T> {
  const parsed = schema.safeParse(variables);
  if (parsed.success) return read(parsed.data);
  return unreadable(...parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`));
}
