import { DataverseError, resourceNotFound, rowNotFound } from '../errors.js';
import { jsonResponse, type ApiResponse } from '../http/messages.js';
import { rootUrl, tableNamed, type Organization } from '../organization.js';
import { everyUser, people } from './people.js';
import { heldPrivileges, missingPrivilege } from './privileges.js';
import type { Query } from '../query/query.js';
import { accessRights } from './row-access.js';
import { securedColumns } from './security-tables.js';
import type { Settings } from '../settings.js';

const contextOf = (organization: Organization, response: string): Record<string, string> => ({
  '@odata.context': `${rootUrl(organization)}$metadata#Microsoft.Dynamics.CRM.${response}`,
});

const demandSyncUser = ({ settings }: Organization, id: string): void => {
  if (settings.withheldPrivileges.includes('prvReadUser')) throw missingPrivilege('prvReadUser');
  if (!everyUser.some((user) => user.id === id)) throw rowNotFound('systemuser', id);
  if (id === people.sync.id) return;
  throw new DataverseError(
    403,
    '0x80040220',
    'The simulated environment tells the rights of the sync user alone.',
  );
};

interface ColumnRights {
  readonly id: string;
  readonly read: number;
  readonly create: number;
  readonly update: number;
}

/** Ways to write the same rights; which one a live environment takes is not documented. */
const entryShapes: Record<
  Exclude<Settings['attributePrivileges'], 'refused'>,
  (rights: ColumnRights) => Readonly<Record<string, unknown>>
> = {
  absent: ({ id, read, create, update }) => entry(id, read, create, update),
  zeroes: ({ id, read, create, update }) => entry(id, read, create, update),
  texts: ({ id, read, create, update }) => entry(id, String(read), String(create), String(update)),
  upperCase: ({ id, read, create, update }) => entry(id.toUpperCase(), read, create, update),
  braces: ({ id, read, create, update }) => entry(`{${id.toUpperCase()}}`, read, create, update),
  missingMembers: ({ id, ...rights }) => ({
    AttributeId: id,
    ...(rights.read === 0 ? {} : { CanRead: rights.read }),
    ...(rights.create === 0 ? {} : { CanCreate: rights.create }),
    ...(rights.update === 0 ? {} : { CanUpdate: rights.update }),
  }),
};

const entry = (id: string, read: unknown, create: unknown, update: unknown) => ({
  AttributeId: id,
  CanRead: read,
  CanCreate: create,
  CanUpdate: update,
});

const level = (allowed: boolean): number => (allowed ? 4 : 0);

/** `RetrievePrincipalAttributePrivileges`: rights on secured columns, in the shape that the setting chooses. */
const attributePrivileges = (organization: Organization, userId: string): ApiResponse => {
  demandSyncUser(organization, userId);
  const shape = organization.settings.attributePrivileges;
  if (shape === 'refused') throw missingPrivilege('prvReadUser');
  const rights = securedColumns(organization)
    .map(({ column }) => ({
      id: column.metadataId,
      read: level(column.canRead),
      create: level(column.canCreate),
      update: level(column.canUpdate),
    }))
    .filter(({ read, create, update }) => shape === 'zeroes' || read + create + update > 0);
  return jsonResponse(200, {
    ...contextOf(organization, 'RetrievePrincipalAttributePrivilegesResponse'),
    AttributePrivileges: rights.map(entryShapes[shape]),
  });
};

const depthNumbers = { Basic: 0, Local: 1, Deep: 2, Global: 3, None: -1 } as const;

/** `RetrieveUserPrivileges`: what the user's roles give, with the depth of each. */
const userPrivileges = (organization: Organization, userId: string): ApiResponse => {
  demandSyncUser(organization, userId);
  const { settings, privileges, tables } = organization;
  const shapes = Object.values(tables).map(({ shape }) => shape);
  const held = heldPrivileges(privileges, shapes, settings.withheldPrivileges);
  return jsonResponse(200, {
    ...contextOf(organization, 'RetrieveUserPrivilegesResponse'),
    RolePrivileges: held.map(({ id, name, depth }) => ({
      Depth: settings.privilegeDepths === 'names' ? depth : depthNumbers[depth],
      PrivilegeId: id,
      BusinessUnitId: people.businessUnitId,
      ...(settings.privilegeNames ? { PrivilegeName: name } : {}),
    })),
  });
};

/** The row that `Target=@p1` names: `{'@odata.id':'contacts(guid)'}`, in single or double quotes. */
const targetOf = (organization: Organization, call: string, query: Query) => {
  const argument = /\(Target=(@\w+|\{.*\})\)$/s.exec(call)?.[1] ?? '';
  const text = argument.startsWith('@') ? (query.aliases[argument] ?? '') : argument;
  const [, set = '', id = ''] =
    /@odata\.id['"]\s*:\s*['"](?:[^'"]*\/)?(\w+)\(([\w-]+)\)['"]/.exec(text) ?? [];
  const table = tableNamed(organization, set);
  const row = table?.rows.get(id.toLowerCase());
  if (table === undefined) {
    throw new DataverseError(400, '0x80040203', "Target must be given as {'@odata.id':'contacts(id)'}.");
  }
  if (row === undefined) throw rowNotFound(table.shape.logicalName, id);
  return { table, row };
};

/** `RetrievePrincipalAccess`: what the user may do with one row. */
const principalAccess = (
  organization: Organization,
  userId: string,
  call: string,
  query: Query,
): ApiResponse => {
  demandSyncUser(organization, userId);
  const { table, row } = targetOf(organization, call, query);
  return jsonResponse(200, {
    ...contextOf(organization, 'RetrievePrincipalAccessResponse'),
    AccessRights: accessRights(organization, table, row),
  });
};

/** Functions bound to a user: `systemusers(id)/Microsoft.Dynamics.CRM.<name>(...)`. */
export const userFunction = (
  organization: Organization,
  userId: string,
  call: string,
  query: Query,
): ApiResponse => {
  const name = /^Microsoft\.Dynamics\.CRM\.(\w+)\(/.exec(call)?.[1];
  if (name === 'RetrievePrincipalAttributePrivileges') return attributePrivileges(organization, userId);
  if (name === 'RetrieveUserPrivileges') return userPrivileges(organization, userId);
  if (name === 'RetrievePrincipalAccess') return principalAccess(organization, userId, call, query);
  throw resourceNotFound(call);
};
