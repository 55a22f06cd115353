import { csdl } from './csdl.js';
import { keyDefinitions } from './key-definitions.js';
import { resourceNotFound, rowNotFound } from '../errors.js';
import { inLanguage } from './labels.js';
import { jsonResponse, type ApiRequest, type ApiResponse } from '../http/messages.js';
import { metadataChanges } from './metadata-changes.js';
import {
  attributeDefinition,
  attributeDefinitions,
  castAttribute,
  castAttributes,
  entityDefinition,
  referencedBy,
  relationships,
  selectDefinitions,
  type Definition,
} from './metadata.js';
import { globalOptionSets } from './option-sets.js';
import { rootUrl, type Organization, type Table } from '../organization.js';
import { parsePrefer, type Query } from '../query/query.js';
import { annotationTest } from '../query/represent.js';

/** `Name='value'` or a metadata id between the parentheses. */
const key = `\\((?:(?:LogicalName|Name)='(\\w+)'|([\\w-]{36}))\\)`;
const addressed = new RegExp(`^EntityDefinitions${key}(?:/(.+))?$`);
const oneAttribute = new RegExp(`^Attributes${key}(?:/(Microsoft\\.Dynamics\\.CRM\\.\\w+))?$`);
const oneRelationship = /^RelationshipDefinitions\((?:SchemaName='(\w+)'|([\w-]{36}))\)$/;
const optionSets = new RegExp(`^GlobalOptionSetDefinitions(?:${key})?$`);

export const isMetadata = (path: string): boolean =>
  path === '$metadata' ||
  /^(EntityDefinitions|GlobalOptionSetDefinitions|RelationshipDefinitions|RetrieveMetadataChanges)\b/.test(
    path,
  );

type Body = Readonly<Record<string, unknown>>;

const tableOf = (organization: Organization, name: string | undefined, id: string | undefined): Table => {
  const table = Object.values(organization.tables).find(
    (one) =>
      one.shape.logicalName === name || entityDefinition(one)['MetadataId'] === (id ?? '').toLowerCase(),
  );
  if (table === undefined) throw rowNotFound('EntityMetadata', name ?? id ?? '');
  return table;
};

const attributeBelow = (table: Table, rest: string, query: Query): Body => {
  const match = oneAttribute.exec(rest);
  if (match === null) throw resourceNotFound(rest);
  const [, name, id, cast] = match;
  const byId = [...table.columns.values()].find((one) => one.metadataId === id?.toLowerCase());
  const logicalName = name ?? byId?.logicalName ?? id ?? '';
  return cast === undefined
    ? attributeDefinition(table, logicalName, query)
    : castAttribute(table, logicalName, cast, query);
};

/** What stands below one table: lists as they are, one thing as an object. */
const below = (organization: Organization, table: Table, rest: string, query: Query): Body => {
  const lists: Readonly<Record<string, () => readonly Definition[]>> = {
    Attributes: () => attributeDefinitions(table, query),
    Keys: () => selectDefinitions(keyDefinitions(organization, table), query, 'EntityKeyMetadata'),
    ManyToOneRelationships: () =>
      selectDefinitions(relationships(table), query, 'OneToManyRelationshipMetadata'),
    OneToManyRelationships: () =>
      selectDefinitions(referencedBy(organization, table), query, 'OneToManyRelationshipMetadata'),
    ManyToManyRelationships: () => [],
  };
  const list = lists[rest];
  if (list !== undefined) return { value: list() };
  if (rest.startsWith('Attributes/')) {
    return { value: castAttributes(table, rest.slice('Attributes/'.length), query, organization.settings) };
  }
  return attributeBelow(table, rest, query);
};

const entityDefinitions = (organization: Organization): Definition[] =>
  Object.values(organization.tables).map((table) => {
    const tracked = !organization.settings.untrackedTables.includes(table.shape.logicalName);
    return { ...entityDefinition(table), ChangeTrackingEnabled: tracked };
  });

const readEntity = (organization: Organization, path: string, query: Query): Body => {
  if (path === 'EntityDefinitions') {
    return { value: selectDefinitions(entityDefinitions(organization), query, 'EntityMetadata') };
  }
  const match = addressed.exec(path);
  if (match === null) throw resourceNotFound(path);
  const table = tableOf(organization, match[1], match[2]);
  const rest = match[3];
  if (rest !== undefined) return below(organization, table, rest, query);
  const whole = entityDefinitions(organization).filter(
    (one) => one['LogicalName'] === table.shape.logicalName,
  );
  const [definition = {}] = selectDefinitions(whole, query, 'EntityMetadata');
  const expanded = query.expand.map((one) => one.replace(/\(.*$/s, ''));
  const parts = Object.fromEntries(
    expanded.map((name) => [name, below(organization, table, name, emptyQuery(query))['value']]),
  ) as Body;
  return { ...definition, ...parts };
};

/** For what `$expand` brings along: all of it, without the options of the outer query. */
const emptyQuery = (query: Query): Query => ({ ...query, select: null, filter: null, expand: [] });

const readOptionSets = (organization: Organization, path: string, query: Query): Body => {
  const match = optionSets.exec(path);
  if (match === null) throw resourceNotFound(path);
  const [, name, id] = match;
  const sets = globalOptionSets(organization);
  if (name === undefined && id === undefined) {
    return { value: selectDefinitions(sets, query, 'OptionSetMetadataBase') };
  }
  const wanted = sets.filter((one) => one['Name'] === name || one['MetadataId'] === id?.toLowerCase());
  const [set] = selectDefinitions(wanted, query, 'OptionSetMetadataBase');
  if (set === undefined) throw rowNotFound('OptionSetMetadata', name ?? id ?? '');
  return set;
};

/** Every relationship of the environment, or one by its schema name or id. */
const readRelationships = ({ tables }: Organization, path: string, query: Query): Body => {
  const all = Object.values(tables).flatMap(relationships);
  if (path === 'RelationshipDefinitions') {
    return { value: selectDefinitions(all, query, 'RelationshipMetadataBase') };
  }
  const [, name, id] = oneRelationship.exec(path) ?? [];
  const wanted = all.filter((one) => one['SchemaName'] === name || one['MetadataId'] === id?.toLowerCase());
  const [found] = selectDefinitions(wanted, query, 'RelationshipMetadataBase');
  if (found === undefined) throw rowNotFound('RelationshipMetadata', name ?? id ?? path);
  return found;
};

/** The reader of each collection of metadata, by the first word of the path. */
const readers: Readonly<Record<string, (organization: Organization, path: string, query: Query) => Body>> = {
  EntityDefinitions: readEntity,
  GlobalOptionSetDefinitions: readOptionSets,
  RelationshipDefinitions: readRelationships,
  RetrieveMetadataChanges: metadataChanges,
};

const xmlResponse = (body: string): ApiResponse => ({
  status: 200,
  headers: { 'Content-Type': 'application/xml', 'OData-Version': '4.0' },
  body,
  code: null,
});

/** `GET EntityDefinitions...`, `GlobalOptionSetDefinitions`, `$metadata`, `RetrieveMetadataChanges`. */
export const readMetadata = (
  organization: Organization,
  path: string,
  query: Query,
  request: ApiRequest,
): ApiResponse => {
  if (path === '$metadata') {
    return xmlResponse(csdl(organization, /[?&]annotations=true\b/i.test(request.url)));
  }
  const read = readers[/^\w+/.exec(path)?.[0] ?? ''];
  if (read === undefined) throw resourceNotFound(path);
  const body = read(organization, path, query);
  const prefer = parsePrefer(request.headers['prefer']);
  const versioned = 'Microsoft.Dynamics.CRM.globalmetadataversion';
  const wants = annotationTest(prefer.get('odata.include-annotations'));
  return jsonResponse(200, {
    '@odata.context': `${rootUrl(organization)}$metadata#${path.replace(/\(LogicalName=/g, '(')}`,
    ...(wants(versioned) ? { [`@${versioned}`]: String(organization.metadataVersion) } : {}),
    ...(inLanguage(body, organization.settings.userLanguage) as Body),
  });
};
