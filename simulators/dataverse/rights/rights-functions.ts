import { DataverseError, resourceNotFound, rowNotFound } from '../errors.js';
import { jsonResponse, type ApiResponse } from '../http/messages.js';
import { rootUrl, tableNamed, type Organization } from '../organization.js';
import { everyUser, people } from './people.js';
import { heldPrivileges, missingPrivilege } from './privileges.js';
import type { Query } from '../query/query.js';
import { accessRights } from './row-access.js';
import { securedColumns, unmaskedLevel } from './security-tables.js';
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
  readonly CanRead: number;
  readonly CanCreate: number;
  readonly CanUpdate: number;
  readonly CanReadUnmasked: number;
}

type Entry = Readonly<Record<string, unknown>>;

const entry = (AttributeId: string, rights: ColumnRights): Entry => ({ AttributeId, ...rights });

const inTexts = (rights: ColumnRights): Entry =>
  Object.fromEntries(Object.entries(rights).map(([name, level]) => [name, String(level)]));

const withoutZeroes = (rights: ColumnRights): Entry =>
  Object.fromEntries(Object.entries(rights).filter(([, level]) => level !== 0));

/** Ways to write the same rights; which one a live environment takes is not documented. */
const entryShapes: Record<
  Exclude<Settings['attributePrivileges'], 'refused'>,
  (id: string, rights: ColumnRights) => Entry
> = {
  absent: entry,
  zeroes: entry,
  texts: (AttributeId, rights) => ({ AttributeId, ...inTexts(rights) }),
  upperCase: (id, rights) => entry(id.toUpperCase(), rights),
  braces: (id, rights) => entry(`{${id.toUpperCase()}}`, rights),
  missingMembers: (AttributeId, rights) => ({ AttributeId, ...withoutZeroes(rights) }),
};

const level = (allowed: boolean): number => (allowed ? 4 : 0);

/** `RetrievePrincipalAttributePrivileges`: rights on secured columns, in the shape that the setting chooses. */
const attributePrivileges = (organization: Organization, userId: string): ApiResponse => {
  demandSyncUser(organization, userId);
  const shape = organization.settings.attributePrivileges;
  if (shape === 'refused') throw missingPrivilege('prvReadUser');
  const rights = securedColumns(organization)
    .map(({ column }) => column)
    .filter((column) => shape === 'zeroes' || column.canRead || column.canCreate || column.canUpdate);
  return jsonResponse(200, {
    ...contextOf(organization, 'RetrievePrincipalAttributePrivilegesResponse'),
    AttributePrivileges: rights.map((column) =>
      entryShapes[shape](column.metadataId, {
        CanRead: level(column.canRead),
        CanCreate: level(column.canCreate),
        CanUpdate: level(column.canUpdate),
        CanReadUnmasked: unmaskedLevel(column),
      }),
    ),
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
