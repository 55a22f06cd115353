import { z } from 'zod';
import { generalPrivileges } from './rights/privileges.js';
import { tableNames } from './schema/tables.js';

/** What may be turned about sign-in, rights, metadata and the words of refusals; part of all settings. */
export const rightsSettings = {
  /** The application in Entra ID; a disabled one gets no token. */
  applicationEnabled: z.boolean(),
  /** ISO date-time from which the client secret is refused as expired; null for never. */
  secretExpiresAt: z.iso.datetime({ offset: true }).nullable(),
  /** The user of the application in the environment. */
  applicationUser: z.enum(['enabled', 'disabled', 'missing']),
  /** Privileges without a table that the sync user's roles lack, by name. */
  withheldPrivileges: z.array(z.enum(generalPrivileges)).readonly(),
  /** Metadata and rights are told as they were so many seconds ago, unless `Consistency: Strong` is sent. */
  metadataCacheSeconds: z.number().nonnegative(),
  /** The user's language, an LCID; labels without a text in it are told in English. */
  userLanguage: z.union([z.literal(1033), z.literal(1031)]),
  /** How the sync user gets its column rights: a profile of its own, or one of its team. */
  columnRightsThrough: z.enum(['user', 'team']),
  /** Shape of the answer of `RetrievePrincipalAttributePrivileges`. */
  attributePrivileges: z.enum([
    'absent',
    'zeroes',
    'texts',
    'upperCase',
    'braces',
    'missingMembers',
    'refused',
  ]),
  /** Whether `RetrieveUserPrivileges` tells `PrivilegeName`. */
  privilegeNames: z.boolean(),
  /** Depths of privileges as words or as numbers (0 Basic, 1 Local, 2 Deep, 3 Global). */
  privilegeDepths: z.enum(['names', 'numbers']),
  /** Form of `Retry-After`. */
  retryAfter: z.enum(['seconds', 'date']),
  /** Power Platform requests in 24 hours, each row counted; 0 for no such limit. */
  entitlementPerDay: z.int().nonnegative(),
  /** HTTP status of an expired delta token. */
  expiredDeltaStatus: z.union([z.literal(400), z.literal(410)]),
  /** Token of a delta that brought nothing: a new one, or the one that was sent. */
  unchangedDeltaToken: z.enum(['renewed', 'same']),
  /** Tables whose change tracking is off, by logical name. */
  untrackedTables: z.array(z.enum(tableNames)).readonly(),
  /** Whether columns with a global choice fill `OptionSet` beside `GlobalOptionSet`. */
  globalOptionSets: z.enum(['both', 'globalOnly']),
} as const;

export const defaultRightsSettings = {
  applicationEnabled: true,
  secretExpiresAt: null,
  applicationUser: 'enabled',
  withheldPrivileges: ['prvActOnBehalfOfAnotherUser', 'prvReadFieldPermission'],
  metadataCacheSeconds: 0,
  userLanguage: 1033,
  columnRightsThrough: 'user',
  attributePrivileges: 'absent',
  privilegeNames: true,
  privilegeDepths: 'names',
  retryAfter: 'seconds',
  entitlementPerDay: 0,
  expiredDeltaStatus: 400,
  unchangedDeltaToken: 'renewed',
  untrackedTables: [],
  globalOptionSets: 'both',
} as const;
