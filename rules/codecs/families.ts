import { DYNAMICS_TYPES, MARKETO_TYPES, type DynamicsType, type MarketoType } from '../catalog.js';

/** Kinds of values that a person field can hold. */
export type MarketoFamily = 'text' | 'email' | 'boolean' | 'number' | 'date' | 'datetime';

/** Kinds of values that a column can hold. */
export type DynamicsFamily =
  'text' | 'boolean' | 'number' | 'date' | 'datetime' | 'option' | 'multiselect' | 'lookup';

/** `null`: this product syncs no field of that type. */
export const MARKETO_FAMILIES: Readonly<Record<MarketoType | 'unknown', MarketoFamily | null>> = {
  string: 'text',
  text: 'text',
  email: 'email',
  phone: 'text',
  url: 'text',
  boolean: 'boolean',
  integer: 'number',
  score: 'number',
  float: 'number',
  currency: 'number',
  percent: 'number',
  date: 'date',
  datetime: 'datetime',
  reference: null,
  formula: null,
  unknown: null,
};

/** `null`: this product syncs no column of that type. */
export const DYNAMICS_FAMILIES: Readonly<Record<DynamicsType | 'unknown', DynamicsFamily | null>> = {
  string: 'text',
  memo: 'text',
  boolean: 'boolean',
  integer: 'number',
  decimal: 'number',
  double: 'number',
  money: 'number',
  picklist: 'option',
  state: 'option',
  status: 'option',
  multiselect: 'multiselect',
  dateOnly: 'date',
  datetime: 'datetime',
  lookup: 'lookup',
  bigint: null,
  uniqueidentifier: null,
  unknown: null,
};

/** Which columns a person field may meet. */
export const MEETINGS: Readonly<Record<MarketoFamily, readonly DynamicsFamily[]>> = {
  text: ['text', 'option', 'multiselect', 'lookup'],
  email: ['text'],
  boolean: ['boolean'],
  number: ['number'],
  date: ['date'],
  datetime: ['datetime'],
};

/** The person fields that a column may meet. */
export const marketoTypesFor = (family: DynamicsFamily): readonly MarketoType[] =>
  MARKETO_TYPES.filter((type) => {
    const own = MARKETO_FAMILIES[type];
    return own !== null && MEETINGS[own].includes(family);
  });

/** The columns that a person field may meet. */
export const dynamicsTypesFor = (family: MarketoFamily): readonly DynamicsType[] =>
  DYNAMICS_TYPES.filter((type) => {
    const own = DYNAMICS_FAMILIES[type];
    return own !== null && MEETINGS[family].includes(own);
  });
