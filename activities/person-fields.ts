import type { Mapping } from '../rules/mapping.js';
import { KINDS, type Kind } from '../rules/terms.js';

/** Names of what is read of persons with links of these kinds: the mapped fields, and the flag of the record filter. */
export const personFields = ({ fields, scope }: Mapping, kinds: readonly Kind[] = KINDS): string[] => [
  ...new Set([
    ...kinds.flatMap((kind) => fields[kind].map(({ name }) => name)),
    ...(scope.person?.readable === true ? [scope.person.name] : []),
  ]),
];
