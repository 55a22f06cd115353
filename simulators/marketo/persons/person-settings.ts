import { z } from 'zod';
import { PERMISSIONS } from '../access/permissions.js';

const names = z.array(z.string());

/** A record whose value for `field` contains a text, and what becomes of it. */
const badRecord = z.strictObject({
  field: z.string(),
  contains: z.string(),
  code: z.string(),
  fails: z.enum(['record', 'call']).default('record'),
});

export type BadRecord = z.infer<typeof badRecord>;

/** Knobs of the lead database and of what the API role may do there. */
export const personSettings = {
  /** True: a person is not created without a partition's name (1009). */
  partitionNameRequired: z.boolean(),
  /** Partitions, by name, into which the API role may not write (1008). */
  deniedPartitions: names,
  /** True: merged persons are told as deleted ones (type 37) too. */
  mergeLosersDeleted: z.boolean(),
  /** True: a native CRM sync owns companies and sales persons; writes answer 1018. */
  nativeCrmSync: z.boolean(),
  /** Fields described as `crmManaged` while `nativeCrmSync` is on. */
  crmManagedFields: names,
  /** What Sync Leads does with a value for one of them: takes it, passes it by, or skips the record. */
  crmManagedWrites: z.enum(['accept', 'ignore', 'skip']),
  /** What Sync Leads does with a value for a field that is not updateable. */
  readOnlyWrites: z.enum(['skip', 'ignore']),
  /** What Sync Leads does with a text that is too long: skips the record, or cuts the text. */
  longTexts: z.enum(['skip', 'cut']),
  /** Whether an unknown input field fails the call or skips its record (1006). */
  unknownFields: z.enum(['call', 'record']),
  /** Whether the second record with one key in one call updates the first, or becomes a person of its own. */
  sameKeyInCall: z.enum(['update', 'duplicate']),
  /** Records that Sync Leads skips without naming a field, or that make the whole call fail. */
  badRecords: z.array(badRecord),
  /** What Get Lead by Id answers for an unknown id: 1004, or success without a result. */
  unknownLead: z.enum(['1004', 'empty']),
  /** Which activity another `externalSalesPersonId` leaves: 23 (Change Owner), 13 (Change Data Value), or both. */
  ownerActivity: z.enum(['23', '13', 'both']),
  /** What the role of an API-only user may do; a service may have its own. */
  permissions: z.array(z.enum(PERMISSIONS)),
  /** Addresses that may call; everyone when empty. */
  allowedAddresses: names,
  /** Calls that other integrations always have in progress. */
  slotsOfOthers: z.int().nonnegative(),
  /** Calls that other integrations make in every window. */
  rateOfOthers: z.int().nonnegative(),
};

/** The fields that a native Dynamics sync maps by default (Adobe product docs, "Default Dynamics Field Mapping"). */
const CRM_MANAGED =
  'salutation firstName middleName lastName email title phone mobilePhone fax address city state country postalCode ' +
  'leadSource leadStatus rating mktoPersonNotes doNotCall unsubscribed company annualRevenue mainPhone website ' +
  'industry sicCode numberOfEmployees billingStreet billingCity billingState billingCountry billingPostalCode';

/** An instance without a native sync, whose API role may do everything, used by nobody else. */
export const DEFAULT_PERSON_SETTINGS: z.infer<z.ZodObject<typeof personSettings>> = {
  partitionNameRequired: false,
  deniedPartitions: [],
  mergeLosersDeleted: false,
  nativeCrmSync: false,
  crmManagedFields: CRM_MANAGED.split(' '),
  crmManagedWrites: 'accept',
  readOnlyWrites: 'skip',
  longTexts: 'skip',
  unknownFields: 'call',
  sameKeyInCall: 'update',
  badRecords: [],
  unknownLead: '1004',
  ownerActivity: '23',
  permissions: [...PERMISSIONS],
  allowedAddresses: [],
  slotsOfOthers: 0,
  rateOfOthers: 0,
};
