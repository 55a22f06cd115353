import type { DynamicsColumn, DynamicsType, MarketoField, MarketoType } from '../../rules/catalog.js';

/** A person field that may be read and written, named after its type. */
export const person = (type: MarketoType | 'unknown', over: Partial<MarketoField> = {}): MarketoField => ({
  name: `${type}Field`,
  displayName: `${type} field`,
  type,
  updateable: true,
  searchable: false,
  crmManaged: false,
  ...over,
});

/** A column that may be read and written, named after its type. */
export const column = (
  type: DynamicsType | 'unknown',
  over: Partial<DynamicsColumn> = {},
): DynamicsColumn => ({
  name: `new_${type.toLowerCase()}`,
  type,
  secured: false,
  readable: true,
  creatable: true,
  updatable: true,
  ...over,
});
