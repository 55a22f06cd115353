import { z } from 'zod';
import { DataverseError } from '../errors.js';
import { people, type Depth } from './people.js';
import { tableNames, type TableName, type TableShape } from '../schema/tables.js';
import { namedGuid } from '../rows/values.js';

const depth = z.enum(['Global', 'Deep', 'Local', 'Basic', 'None']);
/** `true` is Global, `false` is None. */
const depthOrFlag = z.union([z.boolean(), depth]);

const tablePrivileges = z.strictObject({
  read: depthOrFlag,
  create: depthOrFlag,
  write: depthOrFlag,
  delete: depthOrFlag,
  append: depthOrFlag.optional(),
  appendTo: depthOrFlag.optional(),
  assign: depthOrFlag.optional(),
  share: depthOrFlag.optional(),
});

/** What the sync user may do with a table, and how far each right reaches; one that is not named is Global. */
export type TablePrivileges = Readonly<z.infer<typeof tablePrivileges>>;
export type Privileges = Readonly<Record<TableName, TablePrivileges>>;

export const privilegesPatchSchema = z.partialRecord(z.enum(tableNames), tablePrivileges.partial());

const all: TablePrivileges = { read: 'Global', create: true, write: true, delete: true };
export const defaultPrivileges: Privileges = { lead: all, contact: all, account: all, opportunity: all };

export type Right = 'Read' | 'Create' | 'Write' | 'Delete' | 'Append' | 'AppendTo' | 'Assign' | 'Share';

const everyRight = {
  Read: 'read',
  Create: 'create',
  Write: 'write',
  Delete: 'delete',
  Append: 'append',
  AppendTo: 'appendTo',
  Assign: 'assign',
  Share: 'share',
} as const satisfies Record<Right, keyof TablePrivileges>;

const privilegeName = (right: Right, shape: TableShape): string => `prv${right}${shape.schemaName}`;

/** How far a right on a table reaches. */
export const depthOf = (privileges: Privileges, shape: TableShape, right: Right): Depth => {
  const value = privileges[shape.logicalName][everyRight[right]] ?? true;
  if (typeof value === 'string') return value;
  return value ? 'Global' : 'None';
};

/** Throws the 403 of a missing table privilege. */
export const demandPrivilege = (privileges: Privileges, shape: TableShape, right: Right): void => {
  if (depthOf(privileges, shape, right) !== 'None') return;
  throw missingPrivilege(privilegeName(right, shape), shape);
};

/** The 403 that names a privilege; without a table it is one of the environment as a whole. */
export const missingPrivilege = (name: string, shape?: TableShape): DataverseError => {
  const { sync, businessUnitId } = people;
  const place =
    shape === undefined
      ? ''
      : ` on OTC=${shape.objectTypeCode} for entity '${shape.logicalName}' (LocalizedName='${shape.schemaName}')`;
  return new DataverseError(
    403,
    '0x80040220',
    `Principal user (Id=${sync.id}, type=8, roleCount=2, privilegeCount=420, accessMode='4 Non-interactive', AADObjectId='${sync.objectId}', MetadataCachePrivilegesCount=12471, businessUnitId=${businessUnitId}), is missing ${name} privilege (Id=${namedGuid(name)})${place}. context.Caller=${sync.id}. Consider adding missed privilege to one of the principal (user/team) roles.`,
  );
};

/** Change tracking asks for organization-wide read (MicrosoftDocs/powerapps-docs issue 3883). */
export const demandGlobalRead = (privileges: Privileges, shape: TableShape): void => {
  demandPrivilege(privileges, shape, 'Read');
  if (depthOf(privileges, shape, 'Read') === 'Global') return;
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
  readonly depth: Depth;
}

/** Privileges without a table that matter to integrations. */
export const generalPrivileges = [
  'prvReadUser',
  'prvReadOrganization',
  'prvReadEntity',
  'prvReadAttribute',
  'prvReadFieldPermission',
  'prvReadAttributeMaskingRule',
  'prvActOnBehalfOfAnotherUser',
] as const;
export type GeneralPrivilege = (typeof generalPrivileges)[number];

const named = (name: string, depth: Depth): HeldPrivilege => ({ name, depth, id: namedGuid(name) });

/** Every privilege that the environment knows, held or not, for `GET privileges`. */
export const everyPrivilege = (shapes: readonly TableShape[]): readonly HeldPrivilege[] => [
  ...shapes.flatMap((shape) =>
    (Object.keys(everyRight) as Right[]).map((right) => named(privilegeName(right, shape), 'Global')),
  ),
  ...generalPrivileges.map((name) => named(name, 'Global')),
];

/** The sync user's privileges over all its roles. */
export const heldPrivileges = (
  privileges: Privileges,
  shapes: readonly TableShape[],
  withheld: readonly GeneralPrivilege[],
): HeldPrivilege[] => [
  ...shapes.flatMap((shape) =>
    (Object.keys(everyRight) as Right[])
      .map((right) => named(privilegeName(right, shape), depthOf(privileges, shape, right)))
      .filter((one) => one.depth !== 'None'),
  ),
  ...generalPrivileges.filter((name) => !withheld.includes(name)).map((name) => named(name, 'Global')),
];
