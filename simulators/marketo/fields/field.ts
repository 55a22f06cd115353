/** Types of a person field (Adobe REST docs, "Field types"). */
export const DATA_TYPES = [
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

export type DataType = (typeof DATA_TYPES)[number];

/** A field value as the REST API gives it: dates and datetimes are strings, an empty field is null. */
export type FieldValue = string | number | boolean | null;

/** A person field of this instance. */
export interface Field {
  readonly id: number;
  /** Name in the REST API, case-sensitive. */
  readonly name: string;
  readonly soapName?: string;
  readonly displayName: string;
  readonly description?: string;
  readonly dataType: DataType;
  /** Characters; absent for the types for which Marketo states none. */
  readonly length?: number;
  /** True for what only Marketo itself sets. */
  readonly readOnly: boolean;
  readonly custom: boolean;
  readonly apiCreated: boolean;
  readonly hidden: boolean;
  readonly htmlEncoding: boolean;
  readonly sensitive: boolean;
  /** What a field of type `formula` shows: a text with `{fieldName}` in it. */
  readonly formula?: string;
}

/** `value` as the activity log shows it: always a string, or null for an empty field. */
export const asText = (value: FieldValue): string | null => (value === null ? null : String(value));
