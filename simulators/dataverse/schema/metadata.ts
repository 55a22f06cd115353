import type { Column, ColumnType } from './columns.js';
import { DataverseError, resourceNotFound, unknownProperty } from '../errors.js';
import { compileFilter, type Sort } from '../query/filter.js';
import { parseFilter } from '../query/filter-parse.js';
import { label } from './labels.js';
import { optionSet } from './option-sets.js';
import type { Organization, Table } from '../organization.js';
import type { Query } from '../query/query.js';
import type { Settings } from '../settings.js';
import { namedGuid, type ColumnValue } from '../rows/values.js';

export type Definition = Readonly<Record<string, unknown>>;

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
    IsPrivate: false,
    IsActivity: false,
    DisplayCollectionName: label(`${schemaName}s`, `${logicalName} collection`),
    Description: label('', `${logicalName} description`),
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
  'Uniqueidentifier',
];

/** Classes of attributes that no table here has; a cast to one of them is an empty list. */
const unusedClasses: readonly string[] = ['Image', 'File', 'ManagedProperty'].map(
  (name) => `Microsoft.Dynamics.CRM.${name}AttributeMetadata`,
);

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
  const known = (path: string): void => {
    const [name = ''] = path.split('/');
    if (definitions.length === 0 || definitions.some((one) => Object.hasOwn(one, name))) return;
    throw unknownProperty(name, 'MetadataBase');
  };
  const sort = (path: string): Sort => {
    known(path);
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

const expansion = (
  column: Column,
  query: Query,
  globals: Settings['globalOptionSets'] = 'both',
): Definition => {
  const wanted = query.expand.map((one) => one.replace(/\(.*$/s, ''));
  const known = column.options === undefined ? [] : ['OptionSet', 'GlobalOptionSet'];
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) throw unknownProperty(unknown, classOf(column.type));
  const isGlobal = column.globalOptionSet !== undefined;
  return {
    ...(wanted.includes('OptionSet')
      ? { OptionSet: isGlobal && globals === 'globalOnly' ? null : optionSet(column) }
      : {}),
    ...(wanted.includes('GlobalOptionSet') ? { GlobalOptionSet: isGlobal ? optionSet(column) : null } : {}),
  };
};

/** `Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata`: the columns of one class, with all they have. */
export const castAttributes = (
  table: Table,
  cast: string,
  query: Query,
  settings?: Settings,
): Definition[] => {
  if (unusedClasses.includes(cast)) return [];
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
    return [
      {
        ...project(definition, query, classOf(type)),
        ...expansion(column, query, settings?.globalOptionSets),
      },
    ];
  });
};

/** One column, by logical name, with what its class has. */
export const attributeDefinition = (table: Table, logicalName: string, query: Query): Definition => {
  const column = table.columns.get(logicalName);
  if (column === undefined || column.removed) {
    const message = `Could not find an attribute with specified name: ${logicalName} for entity: ${table.shape.logicalName}`;
    throw new DataverseError(404, '0x80060888', message);
  }
  const whole = { ...commonProperties(column, table.shape.key), ...typedProperties(column) };
  return { ...project(whole, query, classOf(column.type)), ...expansion(column, query) };
};

/** The same by a cast to the column's own class; any other class does not find it. */
export const castAttribute = (table: Table, logicalName: string, cast: string, query: Query): Definition => {
  const column = table.columns.get(logicalName);
  const isOwn = column !== undefined && cast === `Microsoft.Dynamics.CRM.${classOf(column.type)}`;
  if (isOwn || column === undefined) return attributeDefinition(table, logicalName, query);
  throw new DataverseError(404, '0x80060888', `The attribute '${logicalName}' is no ${cast}.`);
};

/** Every column with all that its class has, options too. */
export const wholeAttributes = (table: Table): Definition[] =>
  [...table.columns.values()]
    .filter(({ removed }) => !removed)
    .map((column) => ({
      ...commonProperties(column, table.shape.key),
      ...typedProperties(column),
      ...(column.options === undefined ? {} : { OptionSet: optionSet(column) }),
    }));

/** Lookups as relationships: which navigation property sets which column. */
export const relationships = (table: Table): Definition[] =>
  [...table.columns.values()]
    .filter(({ removed }) => !removed)
    .flatMap((column) =>
      Object.entries(column.navigations ?? {}).flatMap(([navigation, targets]) =>
        targets.map((target) => ({
          '@odata.type': '#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata',
          RelationshipType: 'OneToManyRelationship',
          MetadataId: namedGuid(`relationship ${table.shape.logicalName} ${navigation} ${target}`),
          SchemaName: `${table.shape.logicalName}_${navigation}_${target}`,
          ReferencingEntity: table.shape.logicalName,
          ReferencingAttribute: column.logicalName,
          ReferencingEntityNavigationPropertyName: navigation,
          ReferencedEntity: target,
        })),
      ),
    );

/** Relationships of other tables' lookups that point at this table. */
export const referencedBy = ({ tables }: Organization, table: Table): Definition[] =>
  Object.values(tables)
    .flatMap(relationships)
    .filter((one) => one['ReferencedEntity'] === table.shape.logicalName);
