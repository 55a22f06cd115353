import type { Definition } from './metadata.js';
import type { Organization, Table } from '../organization.js';
import { namedGuid } from '../rows/values.js';

/** Alternate keys of a table as `EntityDefinitions(...)/Keys` lists them. */
export const keyDefinitions = (organization: Organization, table: Table): Definition[] =>
  organization.keys
    .filter((key) => key.table === table.shape.logicalName)
    .map(({ name, columns, status }) => ({
      MetadataId: namedGuid(`key ${table.shape.logicalName}.${name}`),
      LogicalName: name,
      SchemaName: name,
      EntityLogicalName: table.shape.logicalName,
      KeyAttributes: columns,
      EntityKeyIndexStatus: status,
      IsManaged: false,
    }));
