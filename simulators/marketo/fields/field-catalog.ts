import type { DataType, Field } from './field.js';
import type { Settings } from '../settings.js';
import { FRESH_FIELDS } from './standard-fields.js';

const FIRST_CUSTOM_ID = 901;

/** Custom fields of these types can be searched by (Adobe REST docs, "Leads": filter types). */
const SEARCHABLE_TYPES: ReadonlySet<DataType> = new Set(['string', 'email', 'integer']);

/** Standard filter types of Get Leads by Filter Type; those without a field behind them match nobody here. */
const STANDARD_FILTERS: ReadonlySet<string> = new Set([
  'cookies',
  'email',
  'facebookId',
  'id',
  'leadPartitionId',
  'linkedInId',
  'sfdcAccountId',
  'sfdcContactId',
  'sfdcLeadId',
  'sfdcLeadOwnerId',
  'sfdcOpptyId',
  'twitterId',
]);

const LENGTHS: Partial<Record<DataType, number>> = { string: 255, email: 255, phone: 255, url: 255 };

export interface NewField {
  readonly name: string;
  readonly displayName: string;
  readonly dataType: DataType;
  readonly description?: string;
  /** For a computed field: its text. Such a field is read-only. */
  readonly formula?: string;
  readonly hidden?: boolean;
  readonly htmlEncoding?: boolean;
  readonly sensitive?: boolean;
}

/** The person fields of the instance, as a whole and as the API role sees them. */
export class FieldCatalog {
  readonly #fields = new Map<string, Field>(FRESH_FIELDS.map((field) => [field.name, field]));
  readonly #settings: () => Settings;
  #nextId = FIRST_CUSTOM_ID;

  constructor(settings: () => Settings) {
    this.#settings = settings;
  }

  /** Any field, whatever the API role sees. */
  get(name: string): Field | undefined {
    return this.#fields.get(name);
  }

  all(): readonly Field[] {
    return [...this.#fields.values()];
  }

  /** A field that the API role sees. */
  seen(name: string): Field | undefined {
    return this.#settings().hiddenFields.includes(name) ? undefined : this.#fields.get(name);
  }

  allSeen(): readonly Field[] {
    const hidden = new Set(this.#settings().hiddenFields);
    return this.all().filter((field) => !hidden.has(field.name));
  }

  updateable(field: Field): boolean {
    return !field.readOnly && !this.#settings().readOnlyFields.includes(field.name);
  }

  /** True while a native CRM sync owns the field's values. */
  crmManaged(field: Field): boolean {
    const { nativeCrmSync, crmManagedFields } = this.#settings();
    return nativeCrmSync && crmManagedFields.includes(field.name);
  }

  /** True when `name` may be a filterType or a lookupField for the API role. */
  searchable(name: string): boolean {
    const field = this.seen(name);
    if (STANDARD_FILTERS.has(name)) return field !== undefined || !this.#fields.has(name);
    return field !== undefined && field.custom && SEARCHABLE_TYPES.has(field.dataType);
  }

  apiCreatedCount(): number {
    return this.all().filter((field) => field.apiCreated).length;
  }

  /** True when a field of this name exists; two names that differ in case alone would be one column. */
  taken(name: string): boolean {
    return this.all().some((field) => field.name.toLowerCase() === name.toLowerCase());
  }

  /** True when a field is displayed so: display names are unique (Adobe REST docs, "Leads": create fields). */
  displayed(displayName: string): boolean {
    return this.all().some((field) => field.displayName.toLowerCase() === displayName.toLowerCase());
  }

  /** Adds a custom field, made through the API or by an administrator. The caller has checked that the name is free. */
  create(made: NewField, apiCreated = true): Field {
    const length = LENGTHS[made.dataType];
    const field: Field = {
      hidden: false,
      htmlEncoding: true,
      sensitive: false,
      ...made,
      id: this.#nextId++,
      soapName: made.name,
      ...(length === undefined ? {} : { length }),
      readOnly: made.formula !== undefined,
      custom: true,
      apiCreated,
    };
    this.#fields.set(field.name, field);
    return field;
  }

  replace(field: Field): void {
    this.#fields.set(field.name, field);
  }

  /** Fields that are not as in a fresh instance. */
  changed(): readonly Field[] {
    const fresh = new Set(FRESH_FIELDS);
    return this.all().filter((field) => !fresh.has(field));
  }

  /** Takes over the fields that an earlier run had made or changed. */
  restore(changed: readonly Field[]): void {
    for (const field of changed) this.replace(field);
    this.#nextId = Math.max(this.#nextId, ...changed.map(({ id }) => id + 1));
  }
}
