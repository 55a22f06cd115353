import { compareValues } from '../query/filter.js';
import { badQuery, resourceNotFound, rowNotFound, unknownProperty } from '../errors.js';
import { jsonResponse, type ApiResponse } from '../http/messages.js';
import { filterDefinitions, type Definition } from './metadata.js';
import { rootUrl, type Organization } from '../organization.js';
import { everyUser, integrationTeam, people, type SystemUser } from '../rights/people.js';
import { everyPrivilege, missingPrivilege } from '../rights/privileges.js';
import type { Query } from '../query/query.js';
import { userFunction } from '../rights/rights-functions.js';
import { profilesOf, securityRows, type SecurityTable } from '../rights/security-tables.js';
import { namedGuid, type ColumnValue } from '../rows/values.js';

/** The small read-only tables: users, teams, roles, the organization, privilege names, column security. */
export type DirectoryName =
  'systemusers' | 'teams' | 'roles' | 'businessunits' | 'organizations' | 'privileges' | SecurityTable;

const keys: Readonly<Record<DirectoryName, string>> = {
  systemusers: 'systemuserid',
  teams: 'teamid',
  roles: 'roleid',
  businessunits: 'businessunitid',
  organizations: 'organizationid',
  privileges: 'privilegeid',
  fieldsecurityprofiles: 'fieldsecurityprofileid',
  fieldpermissions: 'fieldpermissionid',
  attributemaskingrules: 'attributemaskingruleid',
  principalobjectattributeaccessset: 'principalobjectattributeaccessid',
};

export const isDirectory = (name: string): name is DirectoryName => Object.hasOwn(keys, name);

const userRow = (organization: Organization, user: SystemUser, clientId: string): Definition => ({
  systemuserid: user.id,
  fullname: user.fullName,
  internalemailaddress: user.email,
  domainname: user.email,
  azureactivedirectoryobjectid: user.objectId,
  applicationid: user === people.sync ? clientId : null,
  accessmode: user === people.sync ? 4 : 0,
  isdisabled: user === people.sync && organization.settings.applicationUser === 'disabled',
  _businessunitid_value: user.businessUnitId,
});

const teamRows = (): Definition[] => [
  {
    teamid: integrationTeam.id,
    name: integrationTeam.name,
    teamtype: 0,
    isdefault: false,
    _businessunitid_value: integrationTeam.businessUnitId,
  },
];

const roleRows = (): Definition[] =>
  ['Contact Sync', 'Basic User'].map((name) => ({
    roleid: namedGuid(`role ${name}`),
    name,
    _businessunitid_value: people.businessUnitId,
  }));

const unitRows = (): Definition[] => {
  const [head, own, branch] = [people.head, people.sync, people.branch].map((one) => one.businessUnitId);
  return [
    { businessunitid: head, name: 'Contoso', _parentbusinessunitid_value: null },
    { businessunitid: own, name: 'Contoso Europe', _parentbusinessunitid_value: head },
    { businessunitid: branch, name: 'Contoso Nordics', _parentbusinessunitid_value: own },
  ];
};

const shapesOf = (organization: Organization) => Object.values(organization.tables).map(({ shape }) => shape);

const rowsOf = (organization: Organization, name: DirectoryName, clientId: string): Definition[] => {
  switch (name) {
    case 'systemusers':
      return everyUser.map((user) => userRow(organization, user, clientId));
    case 'teams':
      return teamRows();
    case 'roles':
      return roleRows();
    case 'businessunits':
      return unitRows();
    case 'privileges':
      return everyPrivilege(shapesOf(organization)).map(({ id, name: privilege }) => ({
        privilegeid: id,
        name: privilege,
      }));
    case 'organizations':
      return [
        {
          organizationid: people.organizationId,
          name: 'contoso',
          languagecode: 1033,
          expirechangetrackingindays: organization.settings.trackingDays,
        },
      ];
    default:
      return securityRows(organization, name);
  }
};

const typeOf = (name: DirectoryName): string => keys[name].slice(0, -2);

const select = (name: DirectoryName, row: Definition, query: Query): Definition => {
  const etag = { '@odata.etag': 'W/"4400000"' };
  if (query.select === null) return { ...etag, ...row };
  const unknown = query.select.find((property) => !Object.hasOwn(row, property));
  if (unknown !== undefined) throw unknownProperty(unknown, typeOf(name));
  const kept = [...query.select, keys[name]];
  return {
    ...etag,
    ...Object.fromEntries(Object.entries(row).filter(([property]) => kept.includes(property))),
  };
};

const scalar = (value: unknown): ColumnValue =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;

const sorted = (rows: readonly Definition[], query: Query): readonly Definition[] => {
  const [order] = query.orderBy;
  if (order === undefined) return rows;
  const sign = order.descending ? -1 : 1;
  const at = (row: Definition): ColumnValue => scalar(row[order.property]);
  const sortOf = (value: ColumnValue) => (typeof value === 'number' ? 'number' : 'text');
  return [...rows].sort((a, b) => sign * compareValues(sortOf(at(a)), at(a), at(b)));
};

/** `systemusers(fullname)`: the table, and the columns where some were chosen. */
const contextOf = (organization: Organization, name: DirectoryName, { select: chosen }: Query): string =>
  `${rootUrl(organization)}$metadata#${name}${chosen === null ? '' : `(${chosen.join(',')})`}`;

const collection = (
  organization: Organization,
  name: DirectoryName,
  rows: readonly Definition[],
  query: Query,
): ApiResponse => {
  const found = sorted(filterDefinitions(rows, query), query);
  const value = found.slice(0, query.top ?? undefined).map((row) => select(name, row, query));
  return jsonResponse(200, {
    '@odata.context': contextOf(organization, name, query),
    ...(query.count ? { '@odata.count': found.length } : {}),
    value,
  });
};

/** Lists that hang on a user or a team: profiles, teams, roles. */
const related = (
  organization: Organization,
  name: DirectoryName,
  id: string,
  navigation: string,
  query: Query,
): ApiResponse | undefined => {
  const isSync = id === people.sync.id;
  switch (`${name}/${navigation}`) {
    case 'systemusers/systemuserprofiles_association':
    case 'teams/teamprofiles_association':
      return collection(organization, 'fieldsecurityprofiles', profilesOf(organization, id), query);
    case 'systemusers/teammembership_association':
      return collection(organization, 'teams', isSync ? teamRows() : [], query);
    case 'systemusers/systemuserroles_association':
      return collection(organization, 'roles', isSync ? roleRows() : [], query);
    default:
      return undefined;
  }
};

/** `GET systemusers`, `GET organizations`, ..., one row of them, or what hangs on one. */
export const readDirectory = (
  organization: Organization,
  name: DirectoryName,
  id: string | null,
  call: string | undefined,
  query: Query,
  clientId: string,
): ApiResponse => {
  if (query.expand.length > 0) throw badQuery('$expand is not supported on this table.');
  const withheld = organization.settings.withheldPrivileges;
  if (name === 'systemusers' && call === undefined && withheld.includes('prvReadUser')) {
    throw missingPrivilege('prvReadUser');
  }
  if (call !== undefined) {
    const list = related(organization, name, id ?? '', call, query);
    if (list !== undefined) return list;
    if (name === 'systemusers' && id !== null) return userFunction(organization, id, call, query);
    throw resourceNotFound(call);
  }
  const rows = rowsOf(organization, name, clientId);
  if (id === null) return collection(organization, name, rows, query);
  const row = rows.find((one) => one[keys[name]] === id);
  if (row === undefined) throw rowNotFound(typeOf(name), id);
  const context = `${contextOf(organization, name, query)}/$entity`;
  return jsonResponse(200, { '@odata.context': context, ...select(name, row, query) });
};

export const whoAmI = (organization: Organization): ApiResponse => {
  const { user } = organization.caller;
  return jsonResponse(200, {
    '@odata.context': `${rootUrl(organization)}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
    BusinessUnitId: user.businessUnitId,
    UserId: user.id,
    OrganizationId: people.organizationId,
  });
};
