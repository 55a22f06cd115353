import { z } from 'zod';
import { DataverseError } from './errors.js';
import { people } from './people.js';
import { tableNames, type TableName, type TableShape } from './tables.js';
import { namedGuid } from './values.js';

const tablePrivileges = z.strictObject({
  read: z.enum(['Global', 'Local', 'None']),
  create: z.boolean(),
  write: z.boolean(),
  delete: z.boolean(),
});

/** What the sync user may do with a table as a whole. */
export type TablePrivileges = Readonly<z.infer<typeof tablePrivileges>>;
export type Privileges = Readonly<Record<TableName, TablePrivileges>>;

export const privilegesPatchSchema = z.partialRecord(z.enum(tableNames), tablePrivileges.partial());

const all: TablePrivileges = { read: 'Global', create: true, write: true, delete: true };
export const defaultPrivileges: Privileges = { lead: all, contact: all, account: all, opportunity: all };

export type Right = 'Read' | 'Create' | 'Write' | 'Delete';

const privilegeName = (right: Right, shape: TableShape): string => `prv${right}${shape.schemaName}`;

const holds = (privileges: TablePrivileges, right: Right): boolean =>
  ({
    Read: privileges.read !== 'None',
    Create: privileges.create,
    Write: privileges.write,
    Delete: privileges.delete,
  })[right];

/** Throws the 403 of a missing table privilege. */
export const demandPrivilege = (privileges: Privileges, shape: TableShape, right: Right): void => {
  if (holds(privileges[shape.logicalName], right)) return;
  const name = privilegeName(right, shape);
  const { sync, businessUnitId } = people;
  throw new DataverseError(
    403,
    '0x80040220',
    `Principal user (Id=${sync.id}, type=8, roleCount=2, privilegeCount=420, accessMode='4 Non-interactive', AADObjectId='${sync.objectId}', MetadataCachePrivilegesCount=12471, businessUnitId=${businessUnitId}), is missing ${name} privilege (Id=${namedGuid(name)}) on OTC=${shape.objectTypeCode} for entity '${shape.logicalName}' (LocalizedName='${shape.schemaName}'). context.Caller=${sync.id}. Consider adding missed privilege to one of the principal (user/team) roles.`,
  );
};

/** Change tracking asks for organization-wide read (MicrosoftDocs/powerapps-docs issue 3883). */
export const demandGlobalRead = (privileges: Privileges, shape: TableShape): void => {
  demandPrivilege(privileges, shape, 'Read');
  if (privileges[shape.logicalName].read === 'Global') return;
  const name = privilegeName('Read', shape);
  throw new DataverseError(
    403,
    '0x80040220',
    `SecLib::CheckPrivilege failed. User: ${people.sync.id}, PrivilegeName: ${name}, PrivilegeId: ${namedGuid(name)}, Required Depth: Global, BusinessUnitId: ${people.businessUnitId}, MetadataCache Privileges Count: 12471, User Privileges Count: 420`,
  );
};

export interface HeldPrivilege {
  readonly name: string;
  readonly id: string;
  readonly depth: 'Global' | 'Local';
}

const everyRight: readonly Right[] = ['Read', 'Create', 'Write', 'Delete'];

const heldOn = (privileges: Privileges, shape: TableShape): HeldPrivilege[] => {
  const own = privileges[shape.logicalName];
  const rights: { name: string; depth: 'Global' | 'Local' }[] = everyRight
    .filter((right) => holds(own, right))
    .map((right) => ({
      name: privilegeName(right, shape),
      depth: right === 'Read' && own.read === 'Local' ? 'Local' : 'Global',
    }));
  const append = ['Append', 'AppendTo'].map((right) => ({
    name: `prv${right}${shape.schemaName}`,
    depth: 'Global' as const,
  }));
  return [...rights, ...append].map((one) => ({ ...one, id: namedGuid(one.name) }));
};

/** The sync user's privileges over all its roles. */
export const heldPrivileges = (privileges: Privileges, shapes: readonly TableShape[]): HeldPrivilege[] => [
  ...shapes.flatMap((shape) => heldOn(privileges, shape)),
  ...['prvReadUser', 'prvReadOrganization', 'prvReadEntity', 'prvReadAttribute'].map((name) => ({
    name,
    id: namedGuid(name),
    depth: 'Global' as const,
  })),
];
