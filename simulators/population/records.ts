import { OPTION_LABELS, optionValue } from './options.js';

export type Value = string | number | boolean | null;

/** A person as Marketo's REST API names its fields. */
export type SeedPerson = Readonly<Record<string, Value>>;

/** A row as Dataverse names its columns, with its key `leadid` or `contactid`. */
export type SeedRow = Readonly<Record<string, Value>>;

export type Table = 'lead' | 'contact';

/** A fact about a human, and where each side keeps it. */
export interface FieldPair {
  readonly marketo: string;
  readonly lead?: string;
  readonly contact?: string;
}

const onBoth = (marketo: string, column: string): FieldPair => ({ marketo, lead: column, contact: column });

/** Every fact that the population knows about a human. */
export const FIELD_PAIRS: readonly FieldPair[] = [
  onBoth('firstName', 'firstname'),
  onBoth('lastName', 'lastname'),
  onBoth('middleName', 'middlename'),
  onBoth('salutation', 'salutation'),
  onBoth('email', 'emailaddress1'),
  onBoth('title', 'jobtitle'),
  onBoth('phone', 'telephone1'),
  onBoth('mobilePhone', 'mobilephone'),
  onBoth('fax', 'fax'),
  onBoth('address', 'address1_line1'),
  onBoth('city', 'address1_city'),
  onBoth('country', 'address1_country'),
  onBoth('state', 'address1_stateorprovince'),
  onBoth('postalCode', 'address1_postalcode'),
  onBoth('mktoPersonNotes', 'description'),
  onBoth('doNotCall', 'donotphone'),
  onBoth('unsubscribed', 'donotbulkemail'),
  onBoth('leadScore', 'new_score'),
  onBoth('lastDemoAt', 'new_lastdemoon'),
  { marketo: 'leadSource', lead: 'leadsourcecode' },
  { marketo: 'rating', lead: 'leadqualitycode' },
  { marketo: 'company', lead: 'companyname' },
  { marketo: 'annualRevenue', lead: 'revenue' },
  { marketo: 'numberOfEmployees', lead: 'numberofemployees' },
  { marketo: 'industry', lead: 'industrycode' },
  { marketo: 'dateOfBirth', contact: 'birthdate' },
  { marketo: 'department', contact: 'department' },
];

/** A person's value as that column holds it: labels become option values, an unknown label stays blank. */
export function inColumn(table: Table, column: string, value: Value): Value {
  if (OPTION_LABELS[table][column] === undefined) return value;
  return typeof value === 'string' ? optionValue(table, column, value) : null;
}

/** The facts as a row of the table, without key; facts that the table has no column for are left out. */
export function rowOf(table: Table, facts: SeedPerson): Record<string, Value> {
  const row: Record<string, Value> = {};
  for (const pair of FIELD_PAIRS) {
    const column = pair[table];
    if (column !== undefined) row[column] = inColumn(table, column, facts[pair.marketo] ?? null);
  }
  if (table === 'contact') row['leadsourcecode'] = 1;
  else row['subject'] = topicOf(facts);
  return row;
}

/** A lead's topic, which its form requires. */
function topicOf(facts: SeedPerson): string {
  const who = facts['company'] ?? facts['lastName'] ?? 'walk-in';
  return `Interest of ${String(who)}`.slice(0, 300);
}
