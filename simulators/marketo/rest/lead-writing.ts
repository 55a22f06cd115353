import { reason, type Reason } from '../failure.js';
import type { Field, FieldValue } from '../fields/field.js';
import type { Instance } from '../instance.js';
import { WEB_SERVICE } from '../activities/origins.js';
import type { Partition } from '../persons/partitions.js';
import type { Person } from '../persons/person-table.js';
import { COMPANY_FIELDS } from '../fields/standard-fields.js';
import { shortened, storable } from '../fields/values.js';

export type InputRecord = Readonly<Record<string, unknown>>;

export type Action = 'createOrUpdate' | 'createOnly' | 'updateOnly' | 'createDuplicate';

export interface Skipped {
  readonly status: 'skipped';
  readonly reasons: readonly Reason[];
}

export type RecordResult = { readonly id: number; readonly status: 'created' | 'updated' } | Skipped;

/** How the records of one call are written. */
export interface Writing {
  readonly action: Action;
  readonly lookupField: string;
  readonly partitionName: string | undefined;
  /** True once a twin fault struck: every create of this call happens twice. */
  readonly twin: () => boolean;
  /** Persons that this call made. */
  readonly made: Set<number>;
}

type Values = ReadonlyMap<Field, FieldValue>;

/** Writes one record as Sync Leads does. The first rule that is broken decides why it is skipped. */
export function writeLead(instance: Instance, writing: Writing, record: InputRecord): RecordResult {
  const partition = askedPartition(instance, writing);
  if (partition && 'status' in partition) return partition;
  const values = acceptedValues(instance, writing, record);
  if ('status' in values) return values;
  if (writing.action === 'createDuplicate') return create(instance, writing, values.fields, undefined);
  if (isBlank(record[writing.lookupField])) {
    return skipped('1003', `Value for lookup field '${writing.lookupField}' not found`);
  }
  const matches = lookUp(instance, writing, record[writing.lookupField]);
  const [match] = matches;
  if (match === undefined) {
    if (writing.action === 'updateOnly') return skipped('1004');
    return create(instance, writing, values.fields, partition);
  }
  if (writing.action === 'createOnly') return skipped('1005');
  if (matches.length > 1) return skipped('1007');
  if (partition && instance.people.partitionOf(match).id !== partition.id) {
    return skipped('1010', 'Partition update not allowed');
  }
  return update(instance, match, values.fields);
}

/** The partition that the call names. Only the two actions with which a person may be created there heed it. */
function askedPartition(
  instance: Instance,
  { action, partitionName }: Writing,
): Partition | Skipped | undefined {
  if (partitionName === undefined || (action !== 'createOnly' && action !== 'createOrUpdate'))
    return undefined;
  return writablePartition(instance, partitionName) ?? skipped('1008', deniedPartition(partitionName));
}

/** A partition that the API role may write into: unknown ones are denied too. */
export const writablePartition = (instance: Instance, name: string): Partition | undefined =>
  instance.settings.current.deniedPartitions.includes(name) ? undefined : instance.partitions.byName(name);

export const deniedPartition = (name: string): string => `Access denied to partition '${name}'`;

/** The values to store, or why the record is skipped: the first bad field decides. */
function acceptedValues(
  instance: Instance,
  writing: Writing,
  record: InputRecord,
): { readonly fields: Values } | Skipped {
  const fields = new Map<Field, FieldValue>();
  for (const [name, given] of Object.entries(record)) {
    const field = instance.fields.seen(name);
    if (!field) return skipped('1006', `Field '${name}' not found`);
    if (name === 'id' && writing.lookupField === 'id') continue;
    const refused = refusedField(instance, field);
    if (refused === 'ignore') continue;
    if (refused) return refused;
    const value = instance.settings.current.longTexts === 'cut' ? shortened(field, given) : given;
    const accepted = storable(field, value);
    if (accepted === undefined) return skipped('1003', invalidValue(name, given));
    fields.set(field, accepted);
  }
  return { fields };
}

/** Why a field cannot be written whatever its value, or that its value is passed by. */
function refusedField(instance: Instance, field: Field): Skipped | 'ignore' | undefined {
  const { readOnlyWrites, crmManagedWrites } = instance.settings.current;
  if (!instance.fields.updateable(field)) {
    return readOnlyWrites === 'ignore'
      ? 'ignore'
      : skipped('1003', `Field '${field.name}' is not updateable`);
  }
  if (crmManagedWrites === 'accept' || !instance.fields.crmManaged(field)) return undefined;
  return crmManagedWrites === 'ignore'
    ? 'ignore'
    : skipped('1003', `Field '${field.name}' is managed by the CRM`);
}

const lookUp = (instance: Instance, { lookupField, made }: Writing, value: unknown): Person[] =>
  instance.people.table
    .find(lookupField, text(value))
    .filter((id) => instance.settings.current.sameKeyInCall === 'update' || !made.has(id))
    .map((id) => instance.people.table.get(id))
    .filter((person): person is Person => person !== undefined);

function create(
  instance: Instance,
  writing: Writing,
  values: Values,
  partition: Partition | undefined,
): RecordResult {
  const named = partition !== undefined || writing.action === 'createDuplicate';
  if (!named && instance.settings.current.partitionNameRequired) {
    return skipped('1009', 'Partition name must be specified');
  }
  const link = valueOf(values, 'externalCompanyId');
  if (hasCompanyField(values) && !isBlank(link)) return skipped('1021', 'Company update not allowed');
  const person = instance.people.create(values, WEB_SERVICE.source, partition);
  writing.made.add(person.id);
  if (writing.twin()) writing.made.add(instance.people.create(values, WEB_SERVICE.source, partition).id);
  return { id: person.id, status: 'created' };
}

function update(instance: Instance, person: Person, values: Values): RecordResult {
  const before = person.values.get('externalCompanyId');
  const after = valueOf(values, 'externalCompanyId');
  // A lead can move to another company and never leave one (Adobe REST docs, "Companies").
  if (!isBlank(before) && after === null) return skipped('1003', invalidValue('externalCompanyId', null));
  // When 1021 really applies is not documented; a person without a company record may carry company values.
  if (hasCompanyField(values) && !(isBlank(before) && isBlank(after)))
    return skipped('1021', 'Company update not allowed');
  instance.people.update(person, openValues(instance, person, values), WEB_SERVICE);
  return { id: person.id, status: 'updated' };
}

/** Without the values of blocked fields that have one already: those take their first value only. */
function openValues(instance: Instance, person: Person, values: Values): Values {
  const blocked = new Set(instance.settings.current.blockedFields);
  return new Map(
    [...values].filter(([field]) => !blocked.has(field.name) || instance.people.read(person, field) === null),
  );
}

const hasCompanyField = (values: Values): boolean =>
  [...values.keys()].some((field) => COMPANY_FIELDS.has(field.name));

const valueOf = (values: Values, name: string): FieldValue | undefined =>
  [...values].find(([field]) => field.name === name)?.[1];

/** The text recorded from the live API. */
const invalidValue = (name: string, value: unknown): string =>
  `Invalid value for field '${name}' and value '${text(value)}'`;

export const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export const isBlank = (value: unknown): boolean => value === undefined || value === null || value === '';

export const skipped = (code: string, message?: string): Skipped => ({
  status: 'skipped',
  reasons: [reason(code, message)],
});
