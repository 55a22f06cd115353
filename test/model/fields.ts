/** What the model's records hold, and in which way each field is synced. */

export type Side = 'marketo' | 'dynamics';
export type Kind = 'lead' | 'contact';
/** A value as people mean it, whatever form a side keeps it in: a blank is null. */
export type Value = string | boolean | null;

export interface Field {
  readonly name: FieldName;
  /** By kind of row; a kind without a column does not sync the field. */
  readonly columns: Readonly<Partial<Record<Kind, string>>>;
  readonly direction: 'both' | 'toMarketo' | 'toDynamics';
  readonly consent: boolean;
  /** Longest text that the column takes. */
  readonly longest?: number;
  /** Options in the order of their numbers, from 1. */
  readonly options?: readonly string[];
  /** What a row holds that is made without a value. */
  readonly initial?: Value;
}

export const FIELD_NAMES = [
  'email',
  'title',
  'city',
  'rating',
  'unsubscribed',
  'mobilePhone',
  'fax',
] as const;
export type FieldName = (typeof FIELD_NAMES)[number];

const both = (column: string) => ({ lead: column, contact: column });
const plain = { direction: 'both', consent: false } as const;

/** Longest city that both tables take; Marketo takes more. */
export const CITY_LENGTH = 20;

export const FIELDS: Readonly<Record<FieldName, Field>> = {
  email: { ...plain, name: 'email', columns: both('emailaddress1') },
  title: { ...plain, name: 'title', columns: both('jobtitle') },
  city: { ...plain, name: 'city', columns: both('address1_city'), longest: CITY_LENGTH },
  rating: {
    ...plain,
    name: 'rating',
    columns: { lead: 'leadqualitycode' },
    options: ['Hot', 'Warm', 'Cold'],
    initial: 'Warm',
  },
  unsubscribed: {
    ...{ name: 'unsubscribed', columns: both('donotbulkemail'), direction: 'both', consent: true },
    initial: false,
  },
  mobilePhone: {
    ...{ name: 'mobilePhone', columns: both('mobilephone'), direction: 'toDynamics', consent: false },
  },
  fax: { name: 'fax', columns: both('fax'), direction: 'toMarketo', consent: false },
};

export const fieldsOf = (kind: Kind): Field[] =>
  Object.values(FIELDS).filter(({ columns }) => columns[kind] !== undefined);

export const CONFIG = `fields:
${Object.values(FIELDS)
  .map(
    ({ name, columns: { lead, contact }, direction, consent }) =>
      `  - { marketo: ${name}, ${lead === undefined ? '' : `lead: ${lead}, `}${
        contact === undefined ? '' : `contact: ${contact}, `
      }direction: ${direction}${consent ? ', consent: true' : ''} }`,
  )
  .join('\n')}
`;

export const STAMPED = `${CONFIG}stampColumn: new_marketostamp
`;

/** A boolean that was never set is false, on both sides; e-mail addresses know no letter case. */
export const normal = (name: FieldName, value: Value | undefined): Value => {
  if (FIELDS[name].consent) return value === true;
  if (value === undefined || value === '') return null;
  return name === 'email' && typeof value === 'string' ? value.toLowerCase() : value;
};

type Raw = string | number | boolean | null | undefined;

/** What stands in a record of a side, as people mean it. */
export const fromSide = (side: Side, name: FieldName, raw: Raw): Value => {
  const options = FIELDS[name].options;
  if (side === 'dynamics' && options !== undefined) return options[Number(raw) - 1] ?? null;
  return normal(name, raw as Value);
};

/** The form in which a side keeps a value. */
export const toSide = (side: Side, name: FieldName, value: Value): string | number | boolean | null => {
  const options = FIELDS[name].options;
  if (side !== 'dynamics' || options === undefined || value === null) return value;
  return options.indexOf(String(value)) + 1;
};
