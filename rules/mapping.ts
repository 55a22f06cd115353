import type { Catalog, DynamicsColumn, MarketoField } from './catalog.js';
import type { Codec } from './codecs/index.js';
import type { Scope, ScopeChoice } from './scope.js';
import type { StampColumns } from './stamp-column.js';
import type { Direction, Kind } from './terms.js';

/** One row of the field selection in `sync.config.yaml` (design: rule 6). */
export interface FieldChoice {
  /** REST name of the person field; it also names the mapped field in the store and in every report. */
  readonly marketo: string;
  readonly lead?: string;
  readonly contact?: string;
  readonly direction: Direction;
  /** An opt-out: where nothing is agreed yet, the most restrictive value wins. */
  readonly consent: boolean;
}

/** A field as it is synced on one table: chosen, present in both schemas, readable, of types that meet. */
export interface MappedField {
  readonly name: string;
  readonly column: string;
  /** The chosen direction, narrowed to what both schemas and the rights of both API users let through. */
  readonly direction: Direction;
  /** Whether people want both ways, and `direction` is one of them only because a right to the column is missing. */
  readonly narrowed: boolean;
  readonly consent: boolean;
  readonly codec: Codec;
  readonly marketoField: MarketoField;
  readonly dynamicsColumn: DynamicsColumn;
  /** Whether a new Dynamics row may be given this value, also where `direction` is narrowed because updates are refused. */
  readonly creatable: boolean;
  /** Whether the value of an existing Dynamics row may be changed. */
  readonly updatable: boolean;
}

/** A chosen field that is set aside, with the reason that people are shown. */
export interface FieldNotice {
  /** The person field; `scope.lead` and the like for a flag of the record filter; `stampColumn`. */
  readonly field: string;
  readonly kind: Kind;
  readonly code: 'unknown-field' | 'unknown-column' | 'types-cannot-meet' | 'unreadable' | 'read-only';
  readonly message: string;
}

export interface Mapping {
  readonly fields: Readonly<Record<Kind, readonly MappedField[]>>;
  /** Lookups that tell which row follows which, as far as the table has them and we may read them. */
  readonly lineage: Readonly<Record<Kind, readonly string[]>>;
  /** By which flags people leave records out. */
  readonly scope: Scope;
  readonly stampColumns: StampColumns;
  readonly notices: readonly FieldNotice[];
}

export type MappingInput = Readonly<{
  choices: readonly FieldChoice[];
  scope?: ScopeChoice;
  /** Logical name of the column that carries stamps, on both tables. */
  stampColumn?: string | undefined;
  catalog: Catalog;
}>;
