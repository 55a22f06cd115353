import { KINDS, type Kind } from '../rules/terms.js';
import { forgetFields, markForBackfill } from '../store/backfill.js';
import { saveSelectedFields, selectedFields, type SelectedField } from '../store/selected-fields.js';
import type { Ports } from './settings.js';

/**
 * Takes a changed field selection into the links, before anything is decided by it. A field that was taken out is forgotten,
 * and so is one that was added: what it may have been agreed on long ago must not make an edit of a value that drifted
 * while nobody looked. An added one is read for all pairs, on both sides, in the backfill lane.
 *
 * Level-triggered: what the store says the links are held for is compared with the configuration, so that a crash on the
 * way only repeats it.
 */
export const takeSelection = async ({ db, choices }: Pick<Ports, 'db' | 'choices'>): Promise<void> => {
  const before = await selectedFields(db);
  const now = choices.flatMap(({ marketo, ...columns }) =>
    KINDS.flatMap((kind): SelectedField[] => {
      const column = columns[kind];
      return column === undefined ? [] : [{ kind, field: marketo, column }];
    }),
  );
  const added = lackingIn(before, now);
  const gone = lackingIn(now, before);
  if (added.length === 0 && gone.length === 0) return;
  // A store that never noted a selection has nothing to compare with: its links are held for this one.
  if (before.length > 0) {
    for (const kind of KINDS) {
      const changed = namesOf(kind, [...added, ...gone]);
      if (changed.length > 0) await forgetFields(db, kind, changed);
      if (namesOf(kind, added).length > 0) await markForBackfill(db, kind, ['marketo', 'dynamics']);
    }
  }
  await saveSelectedFields(db, now);
};

const lackingIn = (some: readonly SelectedField[], all: readonly SelectedField[]): SelectedField[] => {
  const known = new Set(some.map(keyOf));
  return all.filter((each) => !known.has(keyOf(each)));
};

const keyOf = ({ kind, field, column }: SelectedField): string => `${kind}/${field}=${column}`;

const namesOf = (kind: Kind, fields: readonly SelectedField[]): string[] => [
  ...new Set(fields.filter((each) => each.kind === kind).map(({ field }) => field)),
];
