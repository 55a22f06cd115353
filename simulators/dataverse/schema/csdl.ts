import type { Column } from './columns.js';
import { rowColumns, type Organization, type Table } from '../organization.js';

const edmTypes: Partial<Record<Column['type'], string>> = {
  Uniqueidentifier: 'Edm.Guid',
  Lookup: 'Edm.Guid',
  Customer: 'Edm.Guid',
  Owner: 'Edm.Guid',
  Integer: 'Edm.Int32',
  Picklist: 'Edm.Int32',
  State: 'Edm.Int32',
  Status: 'Edm.Int32',
  BigInt: 'Edm.Int64',
  Decimal: 'Edm.Decimal',
  Money: 'Edm.Decimal',
  Double: 'Edm.Double',
  Boolean: 'Edm.Boolean',
};

const edmType = ({ type, dateBehavior }: Column): string => {
  if (type === 'DateTime') return dateBehavior === 'DateOnly' ? 'Edm.Date' : 'Edm.DateTimeOffset';
  return edmTypes[type] ?? 'Edm.String';
};

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const attribute = (text: string): string => text.replace(/[&<>"]/g, (one) => escapes[one] ?? one);

const readOnlyNote =
  '<Annotation Term="Org.OData.Core.V1.Permissions"><EnumMember>Org.OData.Core.V1.PermissionType/Read</EnumMember></Annotation>';

const propertyElement = (column: Column, annotated: boolean): string => {
  const start = `        <Property Name="${column.property}" Type="${edmType(column)}"`;
  const length = column.maxLength === undefined ? '' : ` MaxLength="${column.maxLength}"`;
  const readOnly = !column.validForCreate && !column.validForUpdate;
  return annotated && readOnly
    ? `${start} Unicode="false"${length}>${readOnlyNote}</Property>`
    : `${start} Unicode="false"${length} />`;
};

const navigationElements = (column: Column): string[] =>
  Object.entries(column.navigations ?? {}).map(([name, targets]) => {
    const target = targets.length === 1 ? (targets[0] ?? '') : 'principal';
    return `        <NavigationProperty Name="${attribute(name)}" Type="mscrm.${target}" Nullable="${String(column.requiredLevel !== 'SystemRequired')}"><ReferentialConstraint Property="${column.property}" ReferencedProperty="${target === 'principal' ? 'ownerid' : `${target}id`}" /></NavigationProperty>`;
  });

const entityType = (table: Table, annotated: boolean): string => {
  const columns = rowColumns(table);
  const { logicalName, key } = table.shape;
  return [
    `      <EntityType Name="${logicalName}" BaseType="mscrm.crmbaseentity">`,
    `        <Key><PropertyRef Name="${key}" /></Key>`,
    ...columns.map((column) => propertyElement(column, annotated)),
    ...columns.flatMap(navigationElements),
    '      </EntityType>',
  ].join('\n');
};

const changeTracking = (supported: boolean): string =>
  `<Annotation Term="Org.OData.Capabilities.V1.ChangeTracking"><Record><PropertyValue Property="Supported" Bool="${String(supported)}" /></Record></Annotation>`;

const entitySet = (table: Table, { settings }: Organization, annotated: boolean): string => {
  const { entitySet: name, logicalName } = table.shape;
  const note = annotated ? changeTracking(!settings.untrackedTables.includes(logicalName)) : '';
  return `        <EntitySet Name="${name}" EntityType="Microsoft.Dynamics.CRM.${logicalName}">${note}</EntitySet>`;
};

/** Types that lookups point at and that are no tables here; without them a reader would not resolve. */
const otherTypes = (tables: readonly Table[]): string[] => {
  const known = new Set(tables.map(({ shape }) => shape.logicalName as string));
  const targets = tables.flatMap((table) =>
    rowColumns(table).flatMap(({ navigations }) =>
      Object.values(navigations ?? {}).flatMap((one) => (one.length === 1 ? one : [])),
    ),
  );
  return [...new Set(targets)]
    .filter((target) => !known.has(target))
    .map(
      (target) =>
        `      <EntityType Name="${target}" BaseType="mscrm.crmbaseentity"><Key><PropertyRef Name="${target}id" /></Key><Property Name="${target}id" Type="Edm.Guid" Unicode="false" /></EntityType>`,
    );
};

/** `GET $metadata`: the tables as OData CSDL 4.0; with `annotations` what is read-only and what is tracked. */
export const csdl = (organization: Organization, annotated: boolean): string => {
  const tables = Object.values(organization.tables);
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">',
    '  <edmx:DataServices>',
    '    <Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">',
    '      <EntityType Name="crmbaseentity" Abstract="true" />',
    '      <EntityType Name="principal" BaseType="mscrm.crmbaseentity"><Key><PropertyRef Name="ownerid" /></Key><Property Name="ownerid" Type="Edm.Guid" Unicode="false" /></EntityType>',
    ...tables.map((table) => entityType(table, annotated)),
    ...otherTypes(tables),
    '      <ComplexType Name="WhoAmIResponse"><Property Name="BusinessUnitId" Type="Edm.Guid" /><Property Name="UserId" Type="Edm.Guid" /><Property Name="OrganizationId" Type="Edm.Guid" /></ComplexType>',
    '      <Function Name="WhoAmI"><ReturnType Type="mscrm.WhoAmIResponse" Nullable="false" /></Function>',
    '      <EntityContainer Name="System">',
    ...tables.map((table) => entitySet(table, organization, annotated)),
    '        <FunctionImport Name="WhoAmI" Function="Microsoft.Dynamics.CRM.WhoAmI" />',
    '      </EntityContainer>',
    `      <Annotations Target="Microsoft.Dynamics.CRM.System"><Annotation Term="Microsoft.Dynamics.CRM.globalmetadataversion" String="${organization.metadataVersion}" /></Annotations>`,
    '    </Schema>',
    '  </edmx:DataServices>',
    '</edmx:Edmx>',
    '',
  ].join('\n');
};
