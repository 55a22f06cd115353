import { resourceNotFound, rowNotFound } from './errors.js';
import { jsonResponse, type ApiResponse } from './messages.js';
import {
  attributeDefinition,
  attributeDefinitions,
  castAttributes,
  entityDefinition,
  relationships,
  selectDefinitions,
} from './metadata.js';
import { rootUrl, tableNamed, type Organization, type Table } from './organization.js';
import type { Query } from './query.js';

const addressed = /^EntityDefinitions\(LogicalName='(\w+)'\)(?:\/(.+))?$/;
const oneAttribute = /^Attributes\(LogicalName='(\w+)'\)$/;

const below = (organization: Organization, table: Table, rest: string, query: Query): ApiResponse => {
  const context = `${rootUrl(organization)}$metadata#EntityDefinitions('${table.shape.logicalName}')/${rest}`;
  const list = (value: unknown): ApiResponse => jsonResponse(200, { '@odata.context': context, value });
  if (rest === 'Attributes') return list(attributeDefinitions(table, query));
  if (rest === 'Keys') return list([]);
  if (rest === 'ManyToOneRelationships') {
    return list(selectDefinitions(relationships(table), query, 'OneToManyRelationshipMetadata'));
  }
  if (rest.startsWith('Attributes/'))
    return list(castAttributes(table, rest.slice('Attributes/'.length), query));
  const name = oneAttribute.exec(rest)?.[1];
  if (name === undefined) throw resourceNotFound(rest);
  return jsonResponse(200, { '@odata.context': context, ...attributeDefinition(table, name, query) });
};

/** `GET EntityDefinitions...`: tables and columns as they stand now. */
export const readDefinitions = (organization: Organization, path: string, query: Query): ApiResponse => {
  const context = `${rootUrl(organization)}$metadata#EntityDefinitions`;
  if (path === 'EntityDefinitions') {
    const definitions = Object.values(organization.tables).map(entityDefinition);
    const value = selectDefinitions(definitions, query, 'EntityMetadata');
    return jsonResponse(200, { '@odata.context': context, value });
  }
  const match = addressed.exec(path);
  if (match === null) throw resourceNotFound(path);
  const [, name = '', rest] = match;
  const table = tableNamed(organization, name);
  if (table?.shape.logicalName !== name) throw rowNotFound('EntityMetadata', name);
  if (rest !== undefined) return below(organization, table, rest, query);
  const [definition] = selectDefinitions([entityDefinition(table)], query, 'EntityMetadata');
  return jsonResponse(200, { '@odata.context': `${context}/$entity`, ...definition });
};
