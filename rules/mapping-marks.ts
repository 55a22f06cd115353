import { createHash } from 'node:crypto';
import type { FieldChoice, MappedField, Mapping } from './mapping.js';
import { KINDS, type Kind } from './terms.js';

/** What the mapping was: enough to tell what of it has changed since. */
export interface MappingMarks {
  readonly selected: Readonly<Record<Kind, readonly string[]>>;
  /** By field: a hash of all that decides which values it takes, and where they go. */
  readonly fields: Readonly<Record<Kind, Readonly<Record<string, string>>>>;
}

export interface MappingChange {
  readonly kind: Kind;
  /** Fields whose limits, options, rights, column or direction are others now, or that are there again. */
  readonly changed: readonly string[];
  /** Fields that are not selected any more. A field that only lost its rights still is. */
  readonly deselected: readonly string[];
}

export const marksOf = (choices: readonly FieldChoice[], { fields }: Mapping): MappingMarks => ({
  selected: byKind((kind) =>
    choices.filter((choice) => choice[kind] !== undefined).map(({ marketo }) => marketo),
  ),
  fields: byKind((kind) => Object.fromEntries(fields[kind].map((field) => [field.name, markOf(field)]))),
});

const byKind = <T>(of: (kind: Kind) => T): Record<Kind, T> => ({ lead: of('lead'), contact: of('contact') });

/** The codec follows from the rest, and is no text. */
const markOf = (field: MappedField): string =>
  createHash('sha256')
    .update(JSON.stringify({ ...field, codec: null }))
    .digest('base64url')
    .slice(0, 16);

export const mappingChanges = (before: MappingMarks, now: MappingMarks): MappingChange[] =>
  KINDS.map((kind) => ({
    kind,
    changed: Object.entries(now.fields[kind])
      .filter(([name, mark]) => before.fields[kind][name] !== mark)
      .map(([name]) => name),
    deselected: before.selected[kind].filter((name) => !now.selected[kind].includes(name)),
  })).filter(({ changed, deselected }) => changed.length + deselected.length > 0);
