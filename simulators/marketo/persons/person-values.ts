import type { ExternalRecord } from '../companies/external-records.js';
import type { Field, FieldValue } from '../fields/field.js';
import type { FieldCatalog } from '../fields/field-catalog.js';
import { computed } from '../fields/formula.js';
import { DEFAULT_PARTITION } from './partitions.js';
import type { Person } from './person-table.js';
import { COMPANY_FIELDS } from '../fields/standard-fields.js';
import { isoSeconds } from '../fields/values.js';

/** Reads persons as the API shows them: with what is computed and what belongs to their company. */
export class PersonValues {
  readonly #fields: FieldCatalog;
  readonly #companyByKey: (key: FieldValue | undefined) => ExternalRecord | undefined;

  constructor(
    fields: FieldCatalog,
    companyByKey: (key: FieldValue | undefined) => ExternalRecord | undefined,
  ) {
    this.#fields = fields;
    this.#companyByKey = companyByKey;
  }

  /** The value of `field`: a boolean is never null, a company field is that of the person's company. */
  read(person: Person, field: Field): FieldValue {
    if (field.formula !== undefined) return this.#compute(person, field.formula);
    switch (field.name) {
      case 'id':
        return person.id;
      case 'createdAt':
        return isoSeconds(person.createdAt);
      case 'updatedAt':
        return isoSeconds(person.updatedAt);
      case 'leadPartitionId':
        return partitionIdOf(person);
      case 'mktoName':
        return fullName(person);
      default:
        return this.#stored(person, field);
    }
  }

  /** The company record that the person is linked with, for a field that belongs to it. */
  companyOf(person: Person, field: Field): ExternalRecord | undefined {
    return COMPANY_FIELDS.has(field.name)
      ? this.#companyByKey(person.values.get('externalCompanyId'))
      : undefined;
  }

  #stored(person: Person, field: Field): FieldValue {
    const { values } = this.companyOf(person, field) ?? person;
    return values.get(field.name) ?? (field.dataType === 'boolean' ? false : null);
  }

  #compute(person: Person, formula: string): FieldValue {
    return computed(formula, (name) => {
      const field = this.#fields.get(name);
      // A formula in a formula shows nothing: two could name each other.
      return field === undefined || field.formula !== undefined ? null : this.read(person, field);
    });
  }
}

export const partitionIdOf = (person: Person): number =>
  Number(person.values.get('leadPartitionId') ?? DEFAULT_PARTITION.id);

export function fullName(person: Person): string | null {
  const parts = ['firstName', 'lastName']
    .map((name) => person.values.get(name))
    .filter((part) => part !== undefined);
  return parts.length === 0 ? null : parts.join(' ');
}
