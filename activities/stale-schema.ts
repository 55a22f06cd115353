import { RemoteFailure } from '../rules/failures.js';
import type { Mapping } from '../rules/mapping.js';
import { readStrongly } from './refused-fields.js';
import type { Ports } from './settings.js';

/**
 * What a failed read is to be thrown as. One that asked for what a schema has no more (a column that was deleted, a field that
 * the API role may not see any more) is tried again at once, with what is left of the selection: both schemas are read
 * again, and the field is set aside with its notice. Where they say what they said before, the failure stands.
 *
 * @param selected what the read asks for under a mapping.
 */
export const underSchemaOfNow = async (
  ports: Ports,
  error: unknown,
  {
    before,
    selected,
    signal,
  }: {
    readonly before: Mapping;
    readonly selected: (mapping: Mapping) => readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<unknown> => {
  if (!(error instanceof RemoteFailure) || error.type !== 'Misconfigured') return error;
  const now = await readStrongly(ports, signal);
  const isSame = JSON.stringify(selected(now)) === JSON.stringify(selected(before));
  return isSame ? error : new RemoteFailure({ ...error.details, type: 'Unavailable' });
};
