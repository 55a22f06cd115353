import { bulkMessages } from './bulk-messages.js';
import { jsonResponse, type ApiResponse } from '../http/messages.js';
import { filterDefinitions, type Definition } from '../schema/metadata.js';
import { rootUrl, type Organization } from '../organization.js';
import type { Query } from '../query/query.js';
import { namedGuid } from '../rows/values.js';

const everywhere = ['Create', 'Retrieve', 'RetrieveMultiple', 'Update', 'Upsert', 'Delete'];

const messagesOf = (organization: Organization): Definition[] =>
  Object.values(organization.tables).flatMap(({ shape, columns }) => {
    const name = shape.logicalName;
    const bulk = organization.settings.bulkMessageTables.includes(name) ? bulkMessages : [];
    const special = [
      ...(name === 'lead' ? ['QualifyLead'] : []),
      ...(columns.has('masterid') ? ['Merge'] : []),
    ];
    return [...everywhere, ...bulk, ...special].map((message) => ({
      sdkmessagefilterid: namedGuid(`message filter ${message} ${name}`),
      primaryobjecttypecode: name,
      sdkmessageid: { name: message },
    }));
  });

/** `GET sdkmessagefilters?$filter=sdkmessageid/name eq '...' and primaryobjecttypecode eq '...'`: one row = supported. */
export const readMessageFilters = (organization: Organization, query: Query): ApiResponse => {
  const found = filterDefinitions(messagesOf(organization), query).slice(0, query.top ?? undefined);
  const value = found.map(({ sdkmessagefilterid, primaryobjecttypecode }) => ({
    '@odata.etag': 'W/"4400000"',
    sdkmessagefilterid,
    ...((query.select?.includes('primaryobjecttypecode') ?? true) ? { primaryobjecttypecode } : {}),
  }));
  return jsonResponse(200, {
    '@odata.context': `${rootUrl(organization)}$metadata#sdkmessagefilters`,
    value,
  });
};
