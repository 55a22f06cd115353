import type { Dynamics, Identity, TableTraits } from '../../dynamics/index.js';
import type { Marketo } from '../../marketo/index.js';
import type { MarketoField } from '../../rules/catalog.js';
import { KINDS } from '../../rules/terms.js';
import { CommandFailure, explain, refusal } from '../failure.js';
import { EXIT } from '../io.js';

export interface Systems {
  readonly marketo: Marketo;
  readonly dynamics: Dynamics;
}

export interface SignedIn {
  /** Every person field that the API user sees. */
  readonly fields: readonly MarketoField[];
  readonly identity: Identity;
}

/** Signs in to both sides by a first call. @throws {CommandFailure} listing what is wrong on either side, or both. */
export const signIn = async ({ marketo, dynamics }: Systems, signal?: AbortSignal): Promise<SignedIn> => {
  const [fields, identity] = await Promise.allSettled([marketo.fields(signal), dynamics.whoAmI(signal)]);
  if (fields.status === 'fulfilled' && identity.status === 'fulfilled') {
    return { fields: fields.value, identity: identity.value };
  }
  const reasons = [fields, identity].flatMap((side): unknown[] =>
    side.status === 'rejected' ? [side.reason] : [],
  );
  if (reasons.length === 1) throw reasons[0];
  const found = reasons.map(explain);
  throw new CommandFailure('Neither Marketo nor Dynamics can be reached.', {
    hints: found.flatMap(({ message, hints }) => [message, ...hints]),
    exitCode: found.every(({ exitCode }) => exitCode === EXIT.usage) ? EXIT.usage : EXIT.failed,
  });
};

/**
 * Refuses a subscription whose native CRM sync is on: its CRM objects are read-only to the API, and both syncs would
 * echo each other (Adobe REST docs, "Lead database").
 */
export const refuseNativeSync = (fields: readonly MarketoField[]): void => {
  const owned = fields.filter(({ crmManaged }) => crmManaged).map(({ name }) => name);
  if (owned.length === 0) return;
  const more = owned.length > 5 ? ` and ${String(owned.length - 5)} more` : '';
  throw refusal(
    `Marketo's native CRM sync is on: it owns ${owned.slice(0, 5).join(', ')}${more}.`,
    'Its CRM objects are read-only to every other sync, and two syncs of the same persons would undo each other.',
    'Use a Marketo subscription without native CRM sync.',
  );
};

/** Without change tracking Dynamics does not tell what changed; without optimistic concurrency no write is guarded. */
export const requireTraits = async (dynamics: Dynamics, signal?: AbortSignal): Promise<void> => {
  const tables = await Promise.all(
    KINDS.map(async (kind) => ({ kind, ...(await dynamics.tableTraits(kind, signal)) })),
  );
  const without = (trait: keyof TableTraits): string =>
    tables.flatMap((table) => (table[trait] ? [] : [table.kind])).join(' and ');
  const untracked = without('changeTracking');
  if (untracked !== '') {
    throw refusal(
      `Change tracking is off in Dynamics for ${untracked}.`,
      'Turn it on: Power Apps > Tables > the table > Properties > Advanced options > Track changes.',
    );
  }
  const unguarded = without('optimisticConcurrency');
  if (unguarded === '') return;
  throw refusal(
    `Dynamics does not take versions of rows (optimistic concurrency) for ${unguarded}.`,
    'Without them a write could cover an edit that was just made. It is on for these tables as Microsoft ships them: ask the administrator of the environment.',
  );
};
