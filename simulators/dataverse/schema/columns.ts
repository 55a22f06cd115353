import { namedGuid, type ColumnValue } from '../rows/values.js';

export type ColumnType =
  | 'Uniqueidentifier'
  | 'String'
  | 'Memo'
  | 'Integer'
  | 'BigInt'
  | 'Decimal'
  | 'Double'
  | 'Money'
  | 'DateTime'
  | 'Picklist'
  | 'MultiSelectPicklist'
  | 'State'
  | 'Status'
  | 'Boolean'
  | 'Lookup'
  | 'Customer'
  | 'Owner'
  | 'EntityName'
  | 'Virtual';

export interface Option {
  readonly value: number;
  readonly label: string;
  /** Only on status options: the state that the option belongs to. */
  readonly state?: number;
}

export type RequiredLevel = 'None' | 'Recommended' | 'ApplicationRequired' | 'SystemRequired';

/** A masking rule of a secured column: readers see the mask's character instead, but for the last ones. */
export interface Mask {
  readonly character: string;
  readonly keepLast: number;
  /** Whether the sync user gets the value itself when it sends `MSCRM.UnMaskedData: true`. */
  readonly canReadUnmasked: boolean;
}

/** One column with its rules, as metadata tells them and as writes obey them. */
export interface Column {
  readonly logicalName: string;
  readonly schemaName: string;
  readonly displayName: string;
  /** Name in rows: `_x_value` for lookups, else the logical name. */
  readonly property: string;
  readonly metadataId: string;
  readonly type: ColumnType;
  readonly format: string | null;
  readonly maxLength?: number;
  readonly min?: number;
  readonly max?: number;
  readonly precision?: number;
  readonly dateBehavior?: 'UserLocal' | 'DateOnly' | 'TimeZoneIndependent';
  readonly options?: readonly Option[];
  /** Navigation property name -> tables that it may point at. */
  readonly navigations?: Readonly<Record<string, readonly string[]>>;
  readonly defaultValue?: ColumnValue;
  readonly requiredLevel: RequiredLevel;
  /** Set on shadow columns (names of lookups and options): never selectable. */
  readonly attributeOf: string | null;
  readonly validForCreate: boolean;
  readonly validForUpdate: boolean;
  readonly secured: boolean;
  readonly canRead: boolean;
  readonly canCreate: boolean;
  readonly canUpdate: boolean;
  readonly removed: boolean;
  readonly mask?: Mask;
  /** Name of the global choice that the options come from. */
  readonly globalOptionSet?: string;
}

type Extra = Partial<Omit<Column, 'logicalName' | 'schemaName' | 'property' | 'type' | 'metadataId'>>;

const spaced = (schemaName: string): string =>
  schemaName
    .replace(/^new_/, '')
    .replace(/_/g, ': ')
    .replace(/([a-z])([A-Z0-9])/g, '$1 $2');

const isLookup = (type: ColumnType): boolean => type === 'Lookup' || type === 'Customer' || type === 'Owner';

/** A column from its schema name; the logical name is the same in lower case. */
export const column = (schemaName: string, type: ColumnType, extra: Extra = {}): Column => {
  const logicalName = schemaName.toLowerCase();
  return {
    logicalName,
    schemaName,
    displayName: spaced(schemaName),
    property: isLookup(type) ? `_${logicalName}_value` : logicalName,
    metadataId: namedGuid(`column ${logicalName}`),
    type,
    format: null,
    requiredLevel: 'None',
    attributeOf: null,
    validForCreate: true,
    validForUpdate: true,
    secured: false,
    canRead: true,
    canCreate: true,
    canUpdate: true,
    removed: false,
    ...extra,
  };
};

const readOnly = { validForCreate: false, validForUpdate: false } as const;

export const text = (schemaName: string, maxLength: number, extra: Extra = {}): Column =>
  column(schemaName, 'String', { maxLength, format: 'Text', ...extra });

export const memo = (schemaName: string, maxLength: number, extra: Extra = {}): Column =>
  column(schemaName, 'Memo', { maxLength, format: 'TextArea', ...extra });

export const integer = (schemaName: string, min: number, max: number): Column =>
  column(schemaName, 'Integer', { min, max, format: 'None' });

export const money = (schemaName: string, min: number, max: number): Column =>
  column(schemaName, 'Money', { min, max, precision: 2 });

export const picklist = (schemaName: string, options: readonly Option[], extra: Extra = {}): Column =>
  column(schemaName, 'Picklist', { options, ...extra });

export const yesNo = (
  schemaName: string,
  defaultValue: boolean,
  labels: readonly [off: string, on: string] = ['No', 'Yes'],
): Column =>
  column(schemaName, 'Boolean', {
    defaultValue,
    options: [
      { value: 0, label: labels[0] },
      { value: 1, label: labels[1] },
    ],
  });

/** A column that holds a day without time; reads and writes are `YYYY-MM-DD`. */
export const day = (schemaName: string): Column =>
  column(schemaName, 'DateTime', { dateBehavior: 'DateOnly', format: 'DateOnly' });

export const moment = (schemaName: string, extra: Extra = {}): Column =>
  column(schemaName, 'DateTime', { dateBehavior: 'UserLocal', format: 'DateAndTime', ...extra });

/** A lookup with one navigation property of the same name, in the case that the schema has. */
export const lookup = (schemaName: string, targets: readonly string[], extra: Extra = {}): Column =>
  column(schemaName, 'Lookup', { navigations: { [schemaName.toLowerCase()]: targets }, ...extra });

/** A lookup to account or contact: one navigation property for each. */
export const customer = (schemaName: string): Column => {
  const name = schemaName.toLowerCase();
  return column(schemaName, 'Customer', {
    navigations: { [`${name}_account`]: ['account'], [`${name}_contact`]: ['contact'] },
  });
};

export const systemKey = (schemaName: string): Column =>
  column(schemaName, 'Uniqueidentifier', { validForUpdate: false, requiredLevel: 'SystemRequired' });

/** The same column as one that only the platform sets. */
export const platformOnly = (one: Column): Column => ({ ...one, ...readOnly });

/** The shadow column that carries a label or a table name; listed in metadata, never in rows. */
export const shadow = (schemaName: string, type: ColumnType, attributeOf: string): Column =>
  column(schemaName, type, { ...readOnly, attributeOf });
