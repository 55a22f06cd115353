import {
  column,
  customer,
  day,
  integer,
  lookup,
  memo,
  moment,
  money,
  picklist,
  platformOnly,
  shadow,
  systemKey,
  text,
  yesNo,
  type Column,
  type Option,
} from './columns.js';
import * as options from './options.js';
import { namedGuid } from '../rows/values.js';

export const tableNames = ['lead', 'contact', 'account', 'opportunity'] as const;
export type TableName = (typeof tableNames)[number];

/** What a table is called in each place, and its columns as shipped. */
export interface TableShape {
  readonly logicalName: TableName;
  readonly schemaName: string;
  readonly entitySet: string;
  readonly objectTypeCode: number;
  readonly key: string;
  readonly primaryName: string;
  readonly columns: readonly Column[];
}

const allowed = ['Allow', 'Do Not Allow'] as const;

const names = (): Column[] => [
  text('FirstName', 50, { requiredLevel: 'Recommended' }),
  text('MiddleName', 50),
  text('LastName', 50, { requiredLevel: 'ApplicationRequired' }),
  platformOnly(text('FullName', 160)),
  text('Salutation', 100),
  text('JobTitle', 100),
  memo('Description', 2000),
];

export const reach = (mobileLength: number): Column[] => [
  ...[1, 2, 3].map((n) => text(`EMailAddress${n}`, 100, { format: 'Email', displayName: `Email ${n}` })),
  ...[1, 2, 3].map((n) => text(`Telephone${n}`, 50, { format: 'Phone' })),
  text('MobilePhone', mobileLength, { format: 'Phone' }),
  text('Fax', 50, { format: 'Phone' }),
  text('WebSiteUrl', 200, { format: 'Url', displayName: 'Website' }),
];

export const address = (): Column[] => [
  ...[1, 2, 3].map((n) => text(`Address1_Line${n}`, 250)),
  text('Address1_City', 80),
  text('Address1_StateOrProvince', 50),
  text('Address1_PostalCode', 20),
  text('Address1_Country', 80),
  text('Address1_County', 50),
  platformOnly(memo('Address1_Composite', 1000)),
  column('Address1_Latitude', 'Double', { min: -90, max: 90, precision: 5 }),
];

export const consent = (): Column[] => [
  ...['DoNotBulkEMail', 'DoNotEMail', 'DoNotPhone', 'DoNotFax', 'DoNotPostalMail'].map((name) =>
    yesNo(name, false, allowed),
  ),
  yesNo('DoNotSendMM', false, ['Send', 'Do Not Send']),
  yesNo('FollowEmail', true, ['Do Not Allow', 'Allow']),
  picklist('PreferredContactMethodCode', options.contactMethods, { defaultValue: 1 }),
];

const custom = (): Column[] => [
  integer('new_Score', 0, 1000),
  moment('new_LastDemoOn'),
  text('new_CreditRating', 20, { secured: true, canRead: false, canCreate: false, canUpdate: false }),
  text('new_MarketoStamp', 100),
  column('new_Interests', 'MultiSelectPicklist', {
    options: options.interests,
    globalOptionSet: 'new_interest',
  }),
];

export const state = (states: readonly Option[], statuses: readonly Option[]): Column[] => [
  column('StateCode', 'State', {
    options: states,
    defaultValue: 0,
    validForCreate: false,
    requiredLevel: 'SystemRequired',
  }),
  column('StatusCode', 'Status', { options: statuses }),
  shadow('StateCodeName', 'Virtual', 'statecode'),
  shadow('StatusCodeName', 'Virtual', 'statuscode'),
];

export const system = (table: TableName): Column[] => [
  column('OwnerId', 'Owner', {
    navigations: { ownerid: ['systemuser', 'team'] },
    requiredLevel: 'SystemRequired',
  }),
  shadow('OwnerIdName', 'String', 'ownerid'),
  shadow('OwnerIdType', 'EntityName', 'ownerid'),
  lookup('TransactionCurrencyId', ['transactioncurrency']),
  platformOnly(column('ExchangeRate', 'Decimal', { min: 0.000000000001, max: 100000000000, precision: 12 })),
  platformOnly(moment('CreatedOn')),
  platformOnly(moment('ModifiedOn')),
  moment('OverriddenCreatedOn', { validForUpdate: false, dateBehavior: 'UserLocal', format: 'DateOnly' }),
  ...['CreatedBy', 'ModifiedBy', 'CreatedOnBehalfBy', 'ModifiedOnBehalfBy'].map((name) =>
    platformOnly(lookup(name, ['systemuser'])),
  ),
  platformOnly(column('VersionNumber', 'BigInt')),
  platformOnly(yesNo('Merged', false)),
  platformOnly(lookup('MasterId', [table])),
];

const leadOnly = (): Column[] => [
  text('CompanyName', 100),
  text('Subject', 300, { requiredLevel: 'ApplicationRequired', displayName: 'Topic' }),
  picklist('LeadSourceCode', options.leadSources),
  picklist('LeadQualityCode', options.ratings, { defaultValue: 2 }),
  picklist('IndustryCode', options.industries),
  integer('NumberOfEmployees', 0, 1_000_000),
  money('Revenue', 0, 1e14),
  day('EstimatedCloseDate'),
  lookup('ParentAccountId', ['account']),
  lookup('ParentContactId', ['contact']),
  customer('CustomerId'),
  lookup('CampaignId', ['campaign']),
  lookup('QualifyingOpportunityId', ['opportunity']),
];

const contactOnly = (): Column[] => [
  picklist('LeadSourceCode', options.contactLeadSources, { defaultValue: 1 }),
  text('Company', 50, { format: 'Phone', displayName: 'Company Phone' }),
  text('Department', 100),
  money('AnnualIncome', 0, 1e14),
  day('BirthDate'),
  day('Anniversary'),
  customer('ParentCustomerId'),
  shadow('ParentCustomerIdName', 'String', 'parentcustomerid'),
  shadow('ParentCustomerIdType', 'EntityName', 'parentcustomerid'),
  lookup('OriginatingLeadId', ['lead']),
];

export const withIds = (table: TableName, columns: readonly Column[]): readonly Column[] =>
  columns.map((one) => ({ ...one, metadataId: namedGuid(`column ${table}.${one.logicalName}`) }));

export const leadTable: TableShape = {
  logicalName: 'lead',
  schemaName: 'Lead',
  entitySet: 'leads',
  objectTypeCode: 4,
  key: 'leadid',
  primaryName: 'fullname',
  columns: withIds('lead', [
    systemKey('LeadId'),
    ...names(),
    ...reach(20),
    ...address(),
    ...consent(),
    ...leadOnly(),
    ...state(options.leadStates, options.leadStatuses),
    ...system('lead'),
    ...custom(),
  ]),
};

export const contactTable: TableShape = {
  logicalName: 'contact',
  schemaName: 'Contact',
  entitySet: 'contacts',
  objectTypeCode: 2,
  key: 'contactid',
  primaryName: 'fullname',
  columns: withIds('contact', [
    systemKey('ContactId'),
    ...names(),
    ...reach(50),
    ...address(),
    ...consent(),
    ...contactOnly(),
    ...state(options.contactStates, options.contactStatuses),
    ...system('contact'),
    ...custom(),
  ]),
};
