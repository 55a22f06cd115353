import type { PersonChange } from '../marketo/index.js';
import { fromLog } from '../rules/codecs/index.js';
import type { ScopeFlag } from '../rules/scope.js';
import { cursor, moveCursor } from '../store/cursors.js';
import type { Database } from '../store/database.js';
import { flagEnded, forgetPersonFlags, rereadAllPersons } from '../store/scope.js';

/** Names the flag by which persons were last read. */
const STREAM = 'marketo/scope';

/**
 * Takes up another flag than the one by which persons were read so far: it may have been set long before the log begins
 * for us, so each linked person is read once. A flag that is gone from the configuration leaves nobody out any more; one
 * that cannot be read changes nothing.
 */
export const startPersonScope = async (db: Database, flag: ScopeFlag | null): Promise<void> => {
  const before = await cursor(db, STREAM);
  const selection = selectionOf(flag);
  if ((before?.selection ?? NONE) === selection) return;
  await db.transaction().execute(async (tx) => {
    const to = { stream: STREAM, position: '', selection, mark: new Date().toISOString() };
    // Another worker took it up meanwhile.
    if (!(await moveCursor(tx, before, to))) return;
    if (flag === null) await forgetPersonFlags(tx);
    else if (flag.readable) await rereadAllPersons(tx);
  });
};

const NONE = '';

const selectionOf = (flag: ScopeFlag | null): string => {
  if (flag === null) return NONE;
  return flag.readable ? flag.name : `${flag.name} (unreadable)`;
};

/** Persons whose row is gone are not read any more: what their log says last holds. */
export const takeEndedFlags = async (
  db: Database,
  flag: ScopeFlag | null,
  changes: readonly PersonChange[],
): Promise<void> => {
  if (flag === null) return;
  const last = new Map<number, { readonly at: string; readonly out: boolean }>();
  for (const change of changes) {
    if (change.kind === 'created') continue;
    for (const { name, newValue } of change.fields) {
      const known = last.get(change.marketoId);
      if (name !== flag.name || (known !== undefined && Date.parse(known.at) > Date.parse(change.at)))
        continue;
      last.set(change.marketoId, { at: change.at, out: fromLog(BOOLEAN, newValue) === true });
    }
  }
  const persons = [...last].map(([marketoId, { out }]) => ({ marketoId, out }));
  await flagEnded(db, persons, new Date().toISOString());
};

const BOOLEAN = {
  ...{ name: '', displayName: '', type: 'boolean' as const },
  ...{ updateable: true, searchable: false, crmManaged: false },
};
