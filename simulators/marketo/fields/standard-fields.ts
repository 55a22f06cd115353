import type { DataType, Field } from './field.js';

type Row = readonly [id: number, name: string, displayName: string, type: DataType, length?: number];

/**
 * Fields of a fresh instance that the API may write. Ids, names and lengths are those of a real instance's describe
 * call, except that the score is typed as one (Marketo describes it as `integer` or `score`).
 */
const WRITABLE: readonly Row[] = [
  [4, 'company', 'Company Name', 'string', 255],
  [5, 'site', 'Site', 'string', 255],
  [6, 'billingStreet', 'Billing Address', 'text'],
  [7, 'billingCity', 'Billing City', 'string', 255],
  [8, 'billingState', 'Billing State', 'string', 255],
  [9, 'billingCountry', 'Billing Country', 'string', 255],
  [10, 'billingPostalCode', 'Billing Postal Code', 'string', 255],
  [11, 'website', 'Website', 'url', 255],
  [12, 'mainPhone', 'Main Phone', 'string', 255],
  [15, 'annualRevenue', 'Annual Revenue', 'currency'],
  [16, 'numberOfEmployees', 'Num Employees', 'integer'],
  [17, 'industry', 'Industry', 'string', 255],
  [18, 'sicCode', 'SIC Code', 'string', 40],
  [20, 'mktoCompanyNotes', 'Company Notes', 'text'],
  [41, 'externalCompanyId', 'External Company Id', 'string', 50],
  [52, 'salutation', 'Salutation', 'string', 255],
  [53, 'firstName', 'First Name', 'string', 255],
  [54, 'middleName', 'Middle Name', 'string', 255],
  [55, 'lastName', 'Last Name', 'string', 255],
  [56, 'email', 'Email Address', 'email', 255],
  [57, 'phone', 'Phone Number', 'phone', 255],
  [58, 'mobilePhone', 'Mobile Phone Number', 'phone', 255],
  [59, 'fax', 'Fax Number', 'phone', 255],
  [60, 'title', 'Job Title', 'string', 255],
  [62, 'dateOfBirth', 'Date of Birth', 'date'],
  [63, 'address', 'Address', 'text'],
  [64, 'city', 'City', 'string', 255],
  [65, 'state', 'State', 'string', 255],
  [66, 'country', 'Country', 'string', 255],
  [67, 'postalCode', 'Postal Code', 'string', 255],
  [72, 'registrationSourceType', 'Registration Source Type', 'string', 255],
  [73, 'registrationSourceInfo', 'Registration Source Info', 'string', 2000],
  [77, 'emailInvalid', 'Email Invalid', 'boolean'],
  [78, 'emailInvalidCause', 'Email Invalid Cause', 'string', 255],
  [79, 'unsubscribed', 'Unsubscribed', 'boolean'],
  [81, 'unsubscribedReason', 'Unsubscribed Reason', 'string', 2000],
  [82, 'doNotCall', 'Do Not Call', 'boolean'],
  [84, 'doNotCallReason', 'Do Not Call Reason', 'string', 2000],
  [85, 'marketingSuspended', 'Marketing Suspended', 'boolean'],
  [87, 'blackListed', 'Black Listed', 'boolean'],
  [89, 'mktoPersonNotes', 'Person Notes', 'text'],
  [123, 'emailSuspended', 'Email Suspended', 'boolean'],
  [125, 'emailSuspendedAt', 'Email Suspended At', 'datetime'],
  [126, 'department', 'Department', 'string', 255],
  [137, 'externalSalesPersonId', 'External Sales Person Id', 'string', 50],
  [143, 'leadRole', 'Role', 'string', 50],
  [144, 'leadSource', 'Lead Source', 'string', 255],
  [145, 'leadStatus', 'Lead Status', 'string', 255],
  [146, 'leadScore', 'Lead Score', 'score'],
  [147, 'urgency', 'Urgency', 'float'],
  [148, 'priority', 'Priority', 'integer'],
  [160, 'rating', 'Lead Rating', 'string', 255],
];

const READ_ONLY: readonly Row[] = [
  [44, 'id', 'Id', 'integer'],
  [45, 'mktoName', 'Full Name', 'string', 255],
  [70, 'originalSourceType', 'Original Source Type', 'string', 255],
  [71, 'originalSourceInfo', 'Original Source Info', 'string', 2000],
  [76, 'originalReferrer', 'Original Referrer', 'url', 255],
  [104, 'inferredCompany', 'Inferred Company', 'string', 255],
  [105, 'inferredCountry', 'Inferred Country', 'string', 255],
  [130, 'createdAt', 'Created At', 'datetime'],
  [131, 'updatedAt', 'Updated At', 'datetime'],
  [479, 'leadPartitionId', 'Lead Partition Id', 'reference'],
  [625, 'acquisitionProgramId', 'Acquisition Program', 'reference'],
  [627, 'mktoAcquisitionDate', 'Acquisition Date', 'datetime'],
];

/** Custom fields of this instance, as an administrator would have made them. */
const CUSTOM: readonly Row[] = [[900, 'lastDemoAt', 'Last Demo At', 'datetime']];
const FORMULA: Row = [899, 'formalName', 'Formal Name', 'formula'];

const SOAP_NAMES: Readonly<Record<string, string>> = {
  dateOfBirth: 'DateofBirth',
  sicCode: 'SICCode',
  leadPartitionId: 'Lead Partition ID',
  acquisitionProgramId: 'Acquisition Program ID',
};

const field = (
  [id, name, displayName, dataType, length]: Row,
  readOnly: boolean,
  custom: boolean,
): Field => ({
  id,
  name,
  soapName: SOAP_NAMES[name] ?? name.charAt(0).toUpperCase() + name.slice(1),
  displayName,
  dataType,
  ...(length === undefined ? {} : { length }),
  readOnly,
  custom,
  apiCreated: false,
  hidden: false,
  htmlEncoding: true,
  sensitive: false,
});

/** The fields of a fresh instance: Marketo's own, a custom datetime field and a formula. */
export const FRESH_FIELDS: readonly Field[] = [
  ...WRITABLE.map((row) => field(row, false, false)),
  ...READ_ONLY.map((row) => field(row, true, false)),
  ...CUSTOM.map((row) => field(row, false, true)),
  { ...field(FORMULA, true, true), formula: '{salutation} {firstName} {middleName} {lastName}' },
].sort((left, right) => left.id - right.id);

/** Fields that belong to the company and not to the person (Adobe REST docs, "Companies"). */
export const COMPANY_FIELDS: ReadonlySet<string> = new Set([
  'company',
  'site',
  'billingStreet',
  'billingCity',
  'billingState',
  'billingCountry',
  'billingPostalCode',
  'website',
  'mainPhone',
  'annualRevenue',
  'numberOfEmployees',
  'industry',
  'sicCode',
  'mktoCompanyNotes',
]);
