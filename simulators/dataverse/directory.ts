import { badQuery, DataverseError, rowNotFound, unknownProperty } from './errors.js';
import { jsonResponse, type ApiResponse } from './messages.js';
import { filterDefinitions, type Definition } from './metadata.js';
import { rootUrl, type Organization } from './organization.js';
import { everyUser, people, type SystemUser } from './people.js';
import { heldPrivileges } from './privileges.js';
import type { Query } from './query.js';

/** The small read-only tables: users, the organization, privilege names. */
export type DirectoryName = 'systemusers' | 'organizations' | 'privileges';

const keys: Readonly<Record<DirectoryName, string>> = {
  systemusers: 'systemuserid',
  organizations: 'organizationid',
  privileges: 'privilegeid',
};

export const isDirectory = (name: string): name is DirectoryName => Object.hasOwn(keys, name);

const userRow = (user: SystemUser, clientId: string): Definition => ({
  systemuserid: user.id,
  fullname: user.fullName,
  internalemailaddress: user.email,
  domainname: user.email,
  azureactivedirectoryobjectid: user.objectId,
  applicationid: user === people.sync ? clientId : null,
  accessmode: user === people.sync ? 4 : 0,
  isdisabled: false,
  _businessunitid_value: people.businessUnitId,
});

const shapesOf = (organization: Organization) => Object.values(organization.tables).map(({ shape }) => shape);

const rowsOf = (organization: Organization, name: DirectoryName, clientId: string): Definition[] => {
  if (name === 'systemusers') return everyUser.map((user) => userRow(user, clientId));
  if (name === 'privileges') {
    const held = heldPrivileges(organization.privileges, shapesOf(organization));
    return held.map(({ id, name: privilege }) => ({ privilegeid: id, name: privilege }));
  }
  return [
    {
      organizationid: people.organizationId,
      name: 'contoso',
      expirechangetrackingindays: organization.settings.trackingDays,
    },
  ];
};

const select = (name: DirectoryName, row: Definition, query: Query): Definition => {
  const etag = { '@odata.etag': 'W/"4400000"' };
  if (query.select === null) return { ...etag, ...row };
  const unknown = query.select.find((property) => !Object.hasOwn(row, property));
  if (unknown !== undefined) throw unknownProperty(unknown, keys[name].slice(0, -2));
  const kept = [...query.select, keys[name]];
  return {
    ...etag,
    ...Object.fromEntries(Object.entries(row).filter(([property]) => kept.includes(property))),
  };
};

/** `GET systemusers`, `GET organizations`, `GET privileges`, or one row of them. */
export const readDirectory = (
  organization: Organization,
  name: DirectoryName,
  id: string | null,
  query: Query,
  clientId: string,
): ApiResponse => {
  if (query.expand.length + query.orderBy.length > 0) throw badQuery('Not supported on this table.');
  const rows = rowsOf(organization, name, clientId);
  const context = `${rootUrl(organization)}$metadata#${name}`;
  if (id === null) {
    const found = filterDefinitions(rows, query).slice(0, query.top ?? undefined);
    const value = found.map((row) => select(name, row, query));
    return jsonResponse(200, { '@odata.context': context, value });
  }
  const row = rows.find((one) => one[keys[name]] === id);
  if (row === undefined) throw rowNotFound(keys[name].slice(0, -2), id);
  return jsonResponse(200, { '@odata.context': `${context}/$entity`, ...select(name, row, query) });
};

export const whoAmI = (organization: Organization): ApiResponse =>
  jsonResponse(200, {
    '@odata.context': `${rootUrl(organization)}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
    BusinessUnitId: people.businessUnitId,
    UserId: people.sync.id,
    OrganizationId: people.organizationId,
  });

const demandSyncUser = (id: string): void => {
  if (!everyUser.some((user) => user.id === id)) throw rowNotFound('systemuser', id);
  if (id === people.sync.id) return;
  throw new DataverseError(
    403,
    '0x80040220',
    'The simulated environment tells the rights of the sync user alone.',
  );
};

const levels = (allowed: boolean): number => (allowed ? 4 : 0);

/** Rights on secured columns; a column without any right is left out, as if no profile named it. */
export const attributePrivileges = (organization: Organization, userId: string): ApiResponse => {
  demandSyncUser(userId);
  const secured = Object.values(organization.tables)
    .flatMap(({ columns }) => [...columns.values()])
    .filter((column) => column.secured && !column.removed)
    .filter(({ canRead, canCreate, canUpdate }) => canRead || canCreate || canUpdate);
  return jsonResponse(200, {
    '@odata.context': `${rootUrl(organization)}$metadata#Microsoft.Dynamics.CRM.RetrievePrincipalAttributePrivilegesResponse`,
    AttributePrivileges: secured.map((column) => ({
      AttributeId: column.metadataId,
      CanRead: levels(column.canRead),
      CanCreate: levels(column.canCreate),
      CanUpdate: levels(column.canUpdate),
    })),
  });
};

export const userPrivileges = (organization: Organization, userId: string): ApiResponse => {
  demandSyncUser(userId);
  const held = heldPrivileges(organization.privileges, shapesOf(organization));
  return jsonResponse(200, {
    '@odata.context': `${rootUrl(organization)}$metadata#Microsoft.Dynamics.CRM.RetrieveUserPrivilegesResponse`,
    RolePrivileges: held.map(({ id, name, depth }) => ({
      Depth: depth,
      PrivilegeId: id,
      BusinessUnitId: people.businessUnitId,
      PrivilegeName: name,
    })),
  });
};
