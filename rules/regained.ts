import type { Catalog, DynamicsColumn } from './catalog.js';
import type { Link } from './link.js';
import type { MappedField, Mapping } from './mapping.js';
import { KINDS, type Kind } from './terms.js';

/** What may be read again on a table. Changes of it were passed over meanwhile: of fields on both sides. */
export interface Regained {
  readonly kind: Kind;
  readonly fields: readonly MappedField[];
  /** Column of the record filter's flag, if that is what came back. */
  readonly flag: string | null;
}

/**
 * Fields, and flags of the record filter, that may be read again: they were mapped, or could have been, and were not.
 *
 * @param had the mapping before.
 */
export const regainedOf = (had: Mapping, mapping: Mapping): readonly Regained[] =>
  KINDS.flatMap((kind) => {
    const known = new Set(had.fields[kind].map(({ name }) => name));
    const fields = mapping.fields[kind].filter(({ name }) => !known.has(name));
    const filter = mapping.scope[kind];
    const flag = filter?.readable === true && had.scope[kind]?.readable === false ? filter.name : null;
    return fields.length === 0 && flag === null ? [] : [{ kind, fields, flag }];
  });

/** The catalog with these marked, and with the marks of what was regained before as long as it is there. */
export const markRegained = (
  before: Catalog | undefined,
  now: Catalog,
  regained: readonly Regained[],
): Catalog => {
  const dynamics = { lead: { ...now.dynamics.lead }, contact: { ...now.dynamics.contact } };
  for (const kind of KINDS)
    for (const [name, column] of Object.entries(now.dynamics[kind]))
      if (column.readable && before?.dynamics[kind][name]?.regained === true)
        dynamics[kind][name] = { ...column, regained: true };
  for (const { kind, fields } of regained)
    for (const { column, dynamicsColumn } of fields)
      dynamics[kind][column] = { ...dynamicsColumn, regained: true } satisfies DynamicsColumn;
  return { ...now, dynamics };
};

/** What a side holds of the field by now is not known: it was not synced for a while, and the link waits for its read. */
export const isStale = (link: Link, { dynamicsColumn }: MappedField): boolean =>
  dynamicsColumn.regained === true && (link.backfillDynamics || link.backfillMarketo);
