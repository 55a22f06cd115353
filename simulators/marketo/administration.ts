import { AdminRefusal, personById } from './admin.js';
import type { ExternalKind } from './companies/external-kinds.js';
import type { ExternalRecord, ExternalRecords } from './companies/external-records.js';
import type { DataType, Field, FieldValue } from './fields/field.js';
import { fieldsIn } from './fields/formula.js';
import type { Service } from './access/identity.js';
import type { Instance } from './instance.js';
import { USER_EDIT } from './activities/origins.js';
import type { Partition } from './persons/partitions.js';
import { settingsSchema, type Settings } from './settings.js';
import { storable } from './fields/values.js';

/** Merges persons into one, as a user does: the winner's id and values stay. */
export function mergePersons(instance: Instance, winnerId: string, loserIds: readonly number[]): void {
  const winner = personById(instance, winnerId);
  const losers = [...new Set(loserIds)].map((id) => personById(instance, String(id)));
  if (losers.includes(winner)) throw new AdminRefusal(400, `Person ${winnerId} cannot be merged with itself`);
  instance.people.merge(winner, losers, USER_EDIT);
  instance.lists.handOver(new Set(losers.map(({ id }) => id)), winner.id);
}

/** Moves a person into a partition, as a flow step of a user's campaign does. */
export function movePerson(instance: Instance, id: string, partitionName: string): void {
  const person = personById(instance, id);
  const partition = instance.partitions.byName(partitionName);
  if (!partition) throw new AdminRefusal(400, `There is no partition '${partitionName}'`);
  instance.people.move(person, partition, USER_EDIT);
}

export function addPartition(instance: Instance, name: string, description: string): Partition {
  if (instance.partitions.byName(name)) throw new AdminRefusal(400, `There is already a partition '${name}'`);
  return instance.partitions.add(name, description);
}

/** A field of an administrator's making: of any type, or computed by a formula. */
export interface AdminField {
  readonly name: string;
  readonly displayName: string;
  readonly dataType: DataType;
  readonly description?: string | undefined;
  readonly formula?: string | undefined;
}

export function addField(instance: Instance, { description, formula, ...wanted }: AdminField): Field {
  const { fields } = instance;
  if (fields.taken(wanted.name)) throw new AdminRefusal(400, `There is already a field '${wanted.name}'`);
  if ((formula === undefined) !== (wanted.dataType !== 'formula'))
    throw new AdminRefusal(400, "A field of type 'formula', and no other, has a formula");
  for (const name of fieldsIn(formula ?? '')) {
    const shown = fields.get(name);
    if (!shown) throw new AdminRefusal(400, `The formula names '${name}', which is no person field`);
    if (shown.formula !== undefined)
      throw new AdminRefusal(400, `The formula names '${name}', which is a formula itself`);
  }
  const optional = {
    ...(description === undefined ? {} : { description }),
    ...(formula === undefined ? {} : { formula }),
  };
  return fields.create({ ...wanted, ...optional }, false);
}

/** Adds a custom service, with tokens of its own. */
export function addService(instance: Instance, service: Service): void {
  if (instance.identity.services().some(({ id }) => id === service.id))
    throw new AdminRefusal(400, `There is already a service with client id '${service.id}'`);
  instance.identity.addService(service);
}

/** Enters or changes companies or sales persons by their key, as the native sync of a CRM does: never refused by it. */
export function enterRecords(
  instance: Instance,
  kind: ExternalKind,
  records: ExternalRecords,
  input: readonly Readonly<Record<string, unknown>>[],
): number[] {
  const checked = input.map((given) => enteredRecord(kind, given));
  return checked.map((values) => {
    const known = records.byKey(values.get(kind.keyField));
    if (!known) return records.create(values, instance.now()).id;
    values.delete(kind.keyField);
    records.update(known, values, instance.now());
    return known.id;
  });
}

function enteredRecord(
  kind: ExternalKind,
  given: Readonly<Record<string, unknown>>,
): Map<string, FieldValue> {
  const key = given[kind.keyField];
  if (typeof key !== 'string' || key === '')
    throw new AdminRefusal(400, `A record needs its '${kind.keyField}'`);
  const values = new Map<string, FieldValue>([[kind.keyField, key]]);
  for (const [name, value] of Object.entries(given)) {
    if (name === kind.keyField) continue;
    const field = kind.fields.find((each) => each.name === name);
    if (!field) throw new AdminRefusal(400, `There is no ${kind.name} field '${name}'`);
    const accepted = storable(field, value);
    if (accepted === undefined)
      throw new AdminRefusal(400, `Invalid value for field '${name}' and value '${JSON.stringify(value)}'`);
    values.set(name, accepted);
  }
  return values;
}

export const shownRecords = (records: readonly ExternalRecord[]): Record<string, FieldValue>[] =>
  records.map(({ id, values }) => ({ id, ...Object.fromEntries(values) }));

const FIELD_KNOBS = ['blockedFields', 'readOnlyFields', 'hiddenFields', 'crmManagedFields'] as const;

/** Turns knobs. A name that stands for nothing is refused: a misspelt one would change nothing, in silence. */
export function changeSettings(instance: Instance, change: Partial<Settings>): Settings {
  const { settings, fields, partitions } = instance;
  for (const knob of FIELD_KNOBS)
    for (const name of change[knob] ?? [])
      if (!fields.get(name)) throw new AdminRefusal(400, `${knob}: there is no person field '${name}'`);
  for (const name of change.deniedPartitions ?? [])
    if (!partitions.byName(name))
      throw new AdminRefusal(400, `deniedPartitions: there is no partition '${name}'`);
  settings.current = settingsSchema.parse({ ...settings.current, ...change });
  return settings.current;
}
