import type { Row } from '../dynamics/index.js';
import type { FlagRead, ScopeFlag } from '../rules/scope.js';
import type { FieldValues } from '../rules/terms.js';

/** What the row's own flag says of its scope. */
export const rowFlag = (flag: ScopeFlag | null, { values }: Row): FlagRead => readFlag('row', flag, values);

/** What a person's own flag says of its scope. */
export const personFlag = (flag: ScopeFlag | null, values: FieldValues): FlagRead =>
  readFlag('person', flag, values);

const readFlag = (cause: FlagRead['cause'], flag: ScopeFlag | null, values: FieldValues): FlagRead => ({
  cause,
  flag,
  value: flag !== null && Object.hasOwn(values, flag.name) ? values[flag.name] : undefined,
  at: new Date().toISOString(),
});
