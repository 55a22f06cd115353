import type { DataType } from '../fields/field.js';
import { COMPANY_FIELDS, FRESH_FIELDS } from '../fields/standard-fields.js';

/** A field of a company or of a sales person. */
export interface RecordField {
  readonly name: string;
  readonly displayName: string;
  readonly dataType: DataType;
  readonly length?: number;
}

/** One of the two kinds of records that persons are linked with by an external key. */
export interface ExternalKind {
  /** Path segment of its calls. */
  readonly path: 'companies' | 'salespersons';
  readonly name: string;
  readonly description?: string;
  readonly keyField: 'externalCompanyId' | 'externalSalesPersonId';
  readonly searchable: readonly string[];
  /** What may be written besides the key. */
  readonly fields: readonly RecordField[];
  /** Fields of an answer when the caller names none; undefined: all that are not empty. */
  readonly defaultFields: readonly string[] | undefined;
}

const text = (name: string, displayName: string): RecordField => ({
  name,
  displayName,
  dataType: 'string',
  length: 255,
});

/** Adobe REST docs, "Companies". */
export const COMPANY: ExternalKind = {
  path: 'companies',
  name: 'Company',
  description: 'Company object',
  keyField: 'externalCompanyId',
  searchable: ['externalCompanyId', 'id', 'company'],
  fields: [
    ...FRESH_FIELDS.filter(({ name }) => COMPANY_FIELDS.has(name)),
    { ...text('externalSalesPersonId', 'External Sales Person Id'), length: 100 },
  ],
  defaultFields: ['id', 'externalCompanyId', 'createdAt', 'updatedAt'],
};

/** Adobe REST docs, "Sales Persons". */
export const SALES_PERSON: ExternalKind = {
  path: 'salespersons',
  name: 'SalesPerson',
  keyField: 'externalSalesPersonId',
  searchable: ['email', 'id', 'externalSalesPersonId'],
  fields: [
    { ...text('email', 'Email'), dataType: 'email' },
    text('firstName', 'First Name'),
    text('lastName', 'Last Name'),
    text('title', 'Job Title'),
    text('phone', 'Phone Number'),
    text('mobilePhone', 'Mobile Phone Number'),
    text('fax', 'Fax Number'),
  ],
  defaultFields: undefined,
};
