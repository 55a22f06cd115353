import { z } from 'zod';
import { DataverseError } from '../errors.js';
import { entityDefinition, wholeAttributes, type Definition } from './metadata.js';
import type { Organization, Table } from '../organization.js';
import type { Query } from '../query/query.js';

const condition = z.object({
  PropertyName: z.string(),
  ConditionOperator: z.enum(['Equals', 'NotEquals', 'In', 'NotIn']),
  Value: z.object({ Value: z.unknown() }),
});
const query = z.object({
  Properties: z
    .object({ AllProperties: z.boolean().optional(), PropertyNames: z.array(z.string()).optional() })
    .optional(),
  Criteria: z
    .object({ FilterOperator: z.enum(['And', 'Or']).optional(), Conditions: z.array(condition).optional() })
    .optional(),
});
const entityQuery = query.extend({ AttributeQuery: query.optional() });

type MetadataQuery = z.infer<typeof query>;
type Condition = z.infer<typeof condition>;

const holds = (one: Definition, { PropertyName, ConditionOperator, Value }: Condition): boolean => {
  const actual = String(one[PropertyName]);
  const wanted = Array.isArray(Value.Value) ? Value.Value.map(String) : String(Value.Value).split(',');
  const found = wanted.includes(actual);
  return ConditionOperator.startsWith('Not') ? !found : found;
};

const matches = (one: Definition, { Criteria }: MetadataQuery): boolean => {
  const conditions = Criteria?.Conditions ?? [];
  return Criteria?.FilterOperator === 'Or' && conditions.length > 0
    ? conditions.some((each) => holds(one, each))
    : conditions.every((each) => holds(one, each));
};

/** Properties that the query asks for; one that a type does not have is left out. */
const project = (one: Definition, { Properties }: MetadataQuery): Definition => {
  if (Properties?.AllProperties === true) return { ...one, HasChanged: null };
  const kept = ['@odata.type', 'MetadataId', 'LogicalName', ...(Properties?.PropertyNames ?? [])];
  const chosen = Object.entries(one).filter(([name]) => kept.includes(name));
  return { ...Object.fromEntries(chosen), HasChanged: null };
};

const read = (text: string | undefined) => {
  try {
    return entityQuery.parse(JSON.parse(text ?? ''));
  } catch {
    const message = 'The Query of RetrieveMetadataChanges is not a valid EntityQueryExpression.';
    throw new DataverseError(400, '0x80048d19', message);
  }
};

const argument = (call: string, name: string, aliases: Query['aliases']): string | undefined => {
  const text = new RegExp(`[(,]${name}=(@\\w+|'[^']*'|\\{.*\\})(?=[,)])`, 's').exec(call)?.[1];
  return text?.startsWith('@') === true ? aliases[text] : text;
};

/** Refuses a stamp that is none of this environment; true when nothing changed since it was given. */
const isCurrent = (organization: Organization, stamp: string | undefined): boolean => {
  if (stamp === undefined) return false;
  const version = /^'?(\d+)!\d+'?$/.exec(stamp)?.[1];
  if (version !== undefined && Number(version) <= organization.metadataVersion) {
    return Number(version) === organization.metadataVersion;
  }
  const message = 'Version stamp associated with the client has expired. Please perform a full sync.';
  throw new DataverseError(400, '0x80044352', message);
};

/** `RetrieveMetadataChanges(Query=...,ClientVersionStamp=...)`: chosen properties of tables and columns in one go. */
export const metadataChanges = (organization: Organization, call: string, asked: Query): Definition => {
  const wanted = read(argument(call, 'Query', asked.aliases));
  const unchanged = isCurrent(organization, argument(call, 'ClientVersionStamp', asked.aliases));
  const describe = (table: Table): Definition[] => {
    const definition = entityDefinition(table);
    if (unchanged || !matches(definition, wanted)) return [];
    const { AttributeQuery: columns = {} } = wanted;
    const withColumns = wanted.Properties?.PropertyNames?.includes('Attributes') !== false;
    const attributes = wholeAttributes(table)
      .filter((one) => matches(one, columns))
      .map((one) => project(one, columns));
    return [{ ...project(definition, wanted), ...(withColumns ? { Attributes: attributes } : {}) }];
  };
  return {
    EntityMetadata: Object.values(organization.tables).flatMap(describe),
    ServerVersionStamp: `${organization.metadataVersion}!${organization.now()}`,
    DeletedMetadata: null,
  };
};
