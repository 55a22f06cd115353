import type { FakeDataverse } from './fake-dataverse.js';
import { batchReply, heardParts } from './batch-wire.js';
import { errorReply, id, type Reply } from './fake-dataverse.js';

export type Part = Exclude<Reply, string>;

export const USER = id(500);
export const ATTRIBUTE_PRIVILEGES = 'RetrievePrincipalAttributePrivileges()';
export const TABLE_PRIVILEGES = 'RetrieveUserPrivileges()';
export const LEAD = "EntityDefinitions(LogicalName='lead')/Attributes";
export const CONTACT = "EntityDefinitions(LogicalName='contact')/Attributes";

export const ok = (body: unknown): Part => ({ status: 200, body });
export const refused = errorReply(403, '0x80040220');
export const secured = { IsSecured: true };
export const nothing = { readable: false, creatable: false, updatable: false, secured: true };
export const everything = { readable: true, creatable: true, updatable: true };

/** A column as the metadata describes it: open, a text. */
export const column = (number: number, name: string, flags: object = {}): Record<string, unknown> => ({
  LogicalName: name,
  MetadataId: id(number),
  IsSecured: false,
  IsValidForRead: true,
  IsValidForCreate: true,
  IsValidForUpdate: true,
  AttributeType: 'String',
  AttributeTypeName: { Value: 'StringType' },
  AttributeOf: null,
  ...flags,
});

export const privileges = (...list: unknown[]): Part => ok({ AttributePrivileges: list });

/** Privileges by name, all of one depth. */
export const roles = (names: readonly string[], Depth: unknown = 'Global'): Part =>
  ok({
    RolePrivileges: names.map((PrivilegeName, index) => ({
      Depth,
      PrivilegeId: id(600 + index),
      BusinessUnitId: id(700),
      PrivilegeName,
    })),
  });

export const ALL_NAMES = ['Lead', 'Contact'].flatMap((table) =>
  ['Read', 'Create', 'Write'].map((verb) => `prv${verb}${table}`),
);
export const allRoles = roles(ALL_NAMES);

/** Answers a batch by the path of each part, an empty list for what is not given; table privileges are all there. */
export const serve = (fake: FakeDataverse, answers: Readonly<Record<string, Part>>): void => {
  const given = { [TABLE_PRIVILEGES]: allRoles, ...answers };
  fake.answer = (request) =>
    batchReply(
      heardParts(request).map(({ url }) => {
        const found = Object.entries(given).find(([end]) => url.split('?')[0]?.endsWith(end));
        return found?.[1] ?? ok({ value: [] });
      }),
    );
};
