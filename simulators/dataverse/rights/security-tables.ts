import type { Column } from '../schema/columns.js';
import type { Definition } from '../schema/metadata.js';
import type { Organization, Table } from '../organization.js';
import { everyUser, integrationTeam, people } from './people.js';
import { missingPrivilege, type GeneralPrivilege } from './privileges.js';
import { namedGuid } from '../rows/values.js';

/** Lists every secured column, with all rights (Microsoft: "Column-level security"). */
export const administratorsProfileId = '572329c1-a042-4e22-be47-367c6374ea45';
export const syncProfileId = namedGuid('fieldsecurityprofile contact sync');

/** The tables that keep column security: read by administrators, as a rule. */
export type SecurityTable =
  | 'fieldsecurityprofiles'
  | 'fieldpermissions'
  | 'attributemaskingrules'
  | 'principalobjectattributeaccessset';

export const profileRows = (): Definition[] => [
  { fieldsecurityprofileid: administratorsProfileId, name: 'System Administrator' },
  { fieldsecurityprofileid: syncProfileId, name: 'Contact Sync' },
];

const level = (allowed: boolean): number => (allowed ? 4 : 0);

/** 0 never (also without a masking rule), 1 one row at a time, 3 all rows. */
export const unmaskedLevel = ({ mask }: Column): number => (mask?.canReadUnmasked === true ? 3 : 0);

const permission = (table: Table, column: Column, profile: string): Definition => {
  const all = profile === administratorsProfileId;
  return {
    fieldpermissionid: namedGuid(`fieldpermission ${profile} ${column.metadataId}`),
    _fieldsecurityprofileid_value: profile,
    entityname: table.shape.logicalName,
    attributelogicalname: column.logicalName,
    canread: level(all || column.canRead),
    cancreate: level(all || column.canCreate),
    canupdate: level(all || column.canUpdate),
    canreadunmasked: all ? 3 : unmaskedLevel(column),
  };
};

const holdsAny = ({ canRead, canCreate, canUpdate }: Column): boolean => canRead || canCreate || canUpdate;

/** Secured columns with their table, removed ones left out. */
export const securedColumns = (organization: Organization): { table: Table; column: Column }[] =>
  Object.values(organization.tables).flatMap((table) =>
    [...table.columns.values()]
      .filter(({ secured, removed }) => secured && !removed)
      .map((column) => ({ table, column })),
  );

const permissionRows = (organization: Organization): Definition[] =>
  securedColumns(organization).flatMap(({ table, column }) => [
    permission(table, column, administratorsProfileId),
    ...(holdsAny(column) ? [permission(table, column, syncProfileId)] : []),
  ]);

/** Which columns have a masking rule; the rule itself is no row here. */
const maskRows = (organization: Organization): Definition[] =>
  securedColumns(organization)
    .filter(({ column }) => column.mask !== undefined)
    .map(({ table, column }) => ({
      attributemaskingruleid: namedGuid(`attributemaskingrule ${column.metadataId}`),
      entityname: table.shape.logicalName,
      attributelogicalname: column.logicalName,
      _maskingruleid_value: namedGuid(`maskingrule ${column.metadataId}`),
    }));

const demand = ({ settings }: Organization, right: GeneralPrivilege): void => {
  if (settings.withheldPrivileges.includes(right)) throw missingPrivilege(right);
};

const shareRows = ({ shares, tables }: Organization): Definition[] =>
  shares.map(({ table, id, column, read, update }) => ({
    principalobjectattributeaccessid: namedGuid(`share ${id} ${column}`),
    attributeid:
      Object.values(tables)
        .find(({ shape }) => shape.logicalName === table)
        ?.columns.get(column)?.metadataId ?? null,
    _objectid_value: id,
    objecttypecode: table,
    _principalid_value: people.sync.id,
    readaccess: read,
    updateaccess: update,
  }));

/** Rows of a security table; masks need `prvReadAttributeMaskingRule`, the others `prvReadFieldPermission`. */
export const securityRows = (organization: Organization, name: SecurityTable): Definition[] => {
  if (name === 'attributemaskingrules') {
    demand(organization, 'prvReadAttributeMaskingRule');
    return maskRows(organization);
  }
  demand(organization, 'prvReadFieldPermission');
  if (name === 'fieldsecurityprofiles') return profileRows();
  return name === 'fieldpermissions' ? permissionRows(organization) : shareRows(organization);
};

/** Profiles of a user or a team, as the navigation `systemuserprofiles_association` or its sister lists them. */
export const profilesOf = (organization: Organization, principalId: string): Definition[] => {
  demand(organization, 'prvReadFieldPermission');
  const { columnRightsThrough } = organization.settings;
  const holder = columnRightsThrough === 'user' ? people.sync.id : integrationTeam.id;
  const isOther = principalId !== people.sync.id && everyUser.some(({ id }) => id === principalId);
  const wanted = isOther ? administratorsProfileId : principalId === holder ? syncProfileId : null;
  return profileRows().filter((row) => row['fieldsecurityprofileid'] === wanted);
};
