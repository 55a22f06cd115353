import type { Kind } from './terms.js';

/** Types of a Marketo person field (Adobe REST docs, "Field types"). */
export const MARKETO_TYPES = [
  'string',
  'text',
  'email',
  'phone',
  'url',
  'boolean',
  'integer',
  'score',
  'float',
  'currency',
  'percent',
  'date',
  'datetime',
  'reference',
  'formula',
] as const;
export type MarketoType = (typeof MARKETO_TYPES)[number];

/** One person field, as Marketo's describe2 tells it to our API role. */
export interface MarketoField {
  readonly name: string;
  readonly displayName: string;
  /** `unknown` for a type that this product does not know: such a field cannot be mapped. */
  readonly type: MarketoType | 'unknown';
  /** Characters; bytes for `text`. Absent where Marketo states none. */
  readonly length?: number;
  readonly updateable: boolean;
  readonly searchable: boolean;
  /** True where Marketo's native CRM sync owns the field. */
  readonly crmManaged: boolean;
}

/** Types of a Dataverse column that this product tells apart (Microsoft: web-api-properties, AttributeType). */
export const DYNAMICS_TYPES = [
  'string',
  'memo',
  'boolean',
  'integer',
  'bigint',
  'decimal',
  'double',
  'money',
  'picklist',
  'multiselect',
  'state',
  'status',
  'dateOnly',
  'datetime',
  'lookup',
  'uniqueidentifier',
] as const;
export type DynamicsType = (typeof DYNAMICS_TYPES)[number];

/** One choice of an option column. `label` is the one in the language of the sync user. */
export interface Option {
  readonly value: number;
  readonly label: string;
}

/** One column, with what metadata *and* the sync user's rights say of it. Unknown rights are no rights. */
export interface DynamicsColumn {
  readonly name: string;
  readonly type: DynamicsType | 'unknown';
  readonly maxLength?: number;
  readonly min?: number;
  readonly max?: number;
  /** Decimal places that the column keeps. */
  readonly precision?: number;
  /** What a new row holds where nobody says otherwise; absent: nothing, or `false`. */
  readonly initial?: number | boolean;
  readonly options?: readonly Option[];
  /** Labels that options had before they were renamed or removed, newest first: Marketo may still say them. */
  readonly formerOptions?: readonly Option[];
  /** Its field could not be synced for a while: links that wait for the backfill lane hold what it was before, on either side. */
  readonly regained?: true;
  readonly secured: boolean;
  readonly readable: boolean;
  readonly creatable: boolean;
  readonly updatable: boolean;
  /** Why the sync user was granted less than the column allows, and what to do, where Dynamics' answers tell more. */
  readonly withheld?: string | undefined;
}

/** Everything both schemas say that the rules need, at one moment. */
export interface Catalog {
  readonly marketo: Readonly<Record<string, MarketoField>>;
  readonly dynamics: Readonly<Record<Kind, Readonly<Record<string, DynamicsColumn>>>>;
}
