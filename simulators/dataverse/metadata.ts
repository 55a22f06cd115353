import type { Column, ColumnType, Option } from './columns.js';
import { badQuery, resourceNotFound, unknownProperty } from './errors.js';
import { compileFilter, type Sort } from './filter.js';
import { parseFilter } from './filter-parse.js';
import type { Table } from './organization.js';
import type { Query } from './query.js';
import { namedGuid, type ColumnValue } from './values.js';

export type Definition = Readonly<Record<string, unknown>>;

const label = (text: string, id: string): Definition => {
  const localized = {
    Label: text,
    LanguageCode: 1033,
    IsManaged: true,
    MetadataId: namedGuid(`label ${id}`),
  };
  return { LocalizedLabels: [localized], UserLocalizedLabel: localized };
};

const managed = (value: unknown, name: string): Definition => ({
  Value: value,
  CanBeChanged: true,
  ManagedPropertyLogicalName: name,
});

/** The definition of a table, without its attributes. */
export const entityDefinition = (table: Table): Definition => {
  const { logicalName, schemaName, entitySet, key, primaryName, objectTypeCode } = table.shape;
  return {
    MetadataId: namedGuid(`table ${logicalName}`),
    LogicalName: logicalName,
    SchemaName: schemaName,
    EntitySetName: entitySet,
    LogicalCollectionName: entitySet,
    PrimaryIdAttribute: key,
    PrimaryNameAttribute: primaryName,
    ObjectTypeCode: objectTypeCode,
    DisplayName: label(schemaName, logicalName),
    ChangeTrackingEnabled: true,
    CanChangeTrackingBeEnabled: managed(true, 'canchangetrackingbeenabled'),
    IsOptimisticConcurrencyEnabled: true,
    IsCustomEntity: false,
    OwnershipType: 'UserOwned',
  };
};

/** Metadata class of a column type: `StringAttributeMetadata` for `String`. */
const classOf = (type: ColumnType): string => {
  if (type === 'Customer' || type === 'Owner') return 'LookupAttributeMetadata';
  if (type === 'Uniqueidentifier') return 'UniqueIdentifierAttributeMetadata';
  return type === 'Virtual' ? 'AttributeMetadata' : `${type}AttributeMetadata`;
};

const castTypes: readonly ColumnType[] = [
  'String',
  'Memo',
  'Integer',
  'BigInt',
  'Decimal',
  'Double',
  'Money',
  'DateTime',
  'Picklist',
  'MultiSelectPicklist',
  'State',
  'Status',
  'Boolean',
  'Lookup',
];

const commonProperties = (column: Column, key: string): Definition => ({
  '@odata.type': `#Microsoft.Dynamics.CRM.${classOf(column.type)}`,
  MetadataId: column.metadataId,
  LogicalName: column.logicalName,
  SchemaName: column.schemaName,
  DisplayName: label(column.displayName, column.metadataId),
  AttributeType: column.type === 'MultiSelectPicklist' ? 'Virtual' : column.type,
  AttributeTypeName: { Value: `${column.type}Type` },
  AttributeOf: column.attributeOf,
  IsValidForRead: true,
  IsValidForCreate: column.validForCreate,
  IsValidForUpdate: column.validForUpdate,
  IsSecured: column.secured,
  CanBeSecuredForRead: !column.logicalName.endsWith('id'),
  IsPrimaryId: column.logicalName === key,
  IsPrimaryName: ['fullname', 'name'].includes(column.logicalName),
  IsCustomAttribute: column.logicalName.startsWith('new_'),
  IsLogical: column.attributeOf !== null,
  RequiredLevel: managed(column.requiredLevel, 'canmodifyrequirementlevelsettings'),
});

const optionOf = (option: Option, column: Column): Definition => ({
  Value: option.value,
  ...(option.state === undefined ? {} : { State: option.state }),
  Label: label(option.label, `${column.metadataId} ${option.value}`),
});

const optionSet = (column: Column): Definition => {
  const options = (column.options ?? []).map((option) => optionOf(option, column));
  const shared = { MetadataId: namedGuid(`options ${column.metadataId}`), IsGlobal: false };
  if (column.type === 'Boolean') return { ...shared, FalseOption: options[0], TrueOption: options[1] };
  return { ...shared, Name: `contoso_${column.logicalName}`, Options: options };
};

/** Properties that only the cast to the column's own class has. */
const typedProperties = (column: Column): Definition => {
  const { maxLength, min, max, precision, format } = column;
  switch (column.type) {
    case 'String':
      return { MaxLength: maxLength, Format: format, FormatName: { Value: format } };
    case 'Memo':
      return { MaxLength: maxLength, Format: format };
    case 'Integer':
      return { MinValue: min, MaxValue: max, Format: format };
    case 'Decimal':
    case 'Double':
    case 'Money':
      return { MinValue: min, MaxValue: max, Precision: precision };
    case 'DateTime':
      return { Format: format, DateTimeBehavior: { Value: column.dateBehavior } };
    case 'Boolean':
      return { DefaultValue: column.defaultValue ?? false };
    case 'Picklist':
    case 'State':
    case 'Status':
    case 'MultiSelectPicklist':
      return { DefaultFormValue: column.defaultValue ?? -1 };
    case 'Lookup':
    case 'Customer':
    case 'Owner':
      return { Targets: Object.values(column.navigations ?? {}).flat() };
    default:
      return {};
  }
};

/** Properties that `$select` asks for; the metadata id comes always. */
const project = (definition: Definition, query: Query, type: string): Definition => {
  if (query.select === null) return definition;
  const unknown = query.select.find((name) => !Object.hasOwn(definition, name));
  if (unknown !== undefined) throw unknownProperty(unknown, type);
  const kept = ['@odata.type', ...query.select, 'MetadataId'];
  return Object.fromEntries(Object.entries(definition).filter(([name]) => kept.includes(name)));
};

const read = (definition: Definition, path: string): ColumnValue => {
  let value: unknown = definition;
  for (const step of path.split('/')) {
    value = typeof value === 'object' && value !== null ? (value as Definition)[step] : undefined;
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
};

/** Filters definitions; the type of a property is that of its first value. */
export const filterDefinitions = (
  definitions: readonly Definition[],
  query: Query,
): readonly Definition[] => {
  if (query.filter === null) return definitions;
  const sort = (path: string): Sort => {
    const value = definitions.map((one) => read(one, path)).find((one) => one !== null);
    if (typeof value === 'boolean') return 'boolean';
    return typeof value === 'number' ? 'number' : 'text';
  };
  const subject = { sort, read: (path: string) => (one: Definition) => read(one, path) };
  return definitions.filter(compileFilter(parseFilter(query.filter, query.aliases), subject));
};

export const selectDefinitions = (
  definitions: readonly Definition[],
  query: Query,
  type: string,
): Definition[] => filterDefinitions(definitions, query).map((one) => project(one, query, type));

/** The columns of a table as metadata lists them, removed ones left out. */
export const attributeDefinitions = (table: Table, query: Query): Definition[] => {
  const columns = [...table.columns.values()].filter(({ removed }) => !removed);
  const definitions = columns.map((column) => commonProperties(column, table.shape.key));
  return selectDefinitions(definitions, query, 'AttributeMetadata');
};

const expansion = (column: Column, query: Query): Definition => {
  const wanted = query.expand.map((one) => one.replace(/\(.*$/s, ''));
  const known = column.options === undefined ? [] : ['OptionSet', 'GlobalOptionSet'];
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) throw unknownProperty(unknown, classOf(column.type));
  return {
    ...(wanted.includes('OptionSet') ? { OptionSet: optionSet(column) } : {}),
    ...(wanted.includes('GlobalOptionSet') ? { GlobalOptionSet: null } : {}),
  };
};

/** `Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata`: the columns of one class, with all they have. */
export const castAttributes = (table: Table, cast: string, query: Query): Definition[] => {
  const type = castTypes.find((one) => `Microsoft.Dynamics.CRM.${classOf(one)}` === cast);
  if (type === undefined) throw resourceNotFound(cast);
  const columns = [...table.columns.values()].filter(
    (column) => !column.removed && classOf(column.type) === classOf(type),
  );
  const withoutType = (definition: Definition): Definition =>
    Object.fromEntries(Object.entries(definition).filter(([name]) => name !== '@odata.type'));
  const definitions = columns.map((column) =>
    withoutType({ ...commonProperties(column, table.shape.key), ...typedProperties(column) }),
  );
  const kept = new Set(filterDefinitions(definitions, query));
  return columns.flatMap((column, index) => {
    const definition = definitions[index];
    if (definition === undefined || !kept.has(definition)) return [];
    return [{ ...project(definition, query, classOf(type)), ...expansion(column, query) }];
  });
};

/** One column, by logical name, with what its class has. */
export const attributeDefinition = (table: Table, logicalName: string, query: Query): Definition => {
  const column = table.columns.get(logicalName);
  if (column === undefined || column.removed) {
    throw badQuery(`Could not find an attribute with specified name: ${logicalName}`);
  }
  const whole = { ...commonProperties(column, table.shape.key), ...typedProperties(column) };
  return { ...project(whole, query, classOf(column.type)), ...expansion(column, query) };
};

/** Lookups as relationships: which navigation property sets which column. */
export const relationships = (table: Table): Definition[] =>
  [...table.columns.values()]
    .filter(({ removed }) => !removed)
    .flatMap((column) =>
      Object.entries(column.navigations ?? {}).flatMap(([navigation, targets]) =>
        targets.map((target) => ({
          MetadataId: namedGuid(`relationship ${table.shape.logicalName} ${navigation} ${target}`),
          SchemaName: `${table.shape.logicalName}_${navigation}_${target}`,
          ReferencingEntity: table.shape.logicalName,
          ReferencingAttribute: column.logicalName,
          ReferencingEntityNavigationPropertyName: navigation,
          ReferencedEntity: target,
        })),
      ),
    );
