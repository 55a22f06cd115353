import { asActivity } from './activities/activity-rendering.js';
import type { Origin } from './activities/activity-log.js';
import type { Field, FieldValue } from './fields/field.js';
import type { Instance } from './instance.js';
import type { Person } from './persons/person-table.js';
import { storable } from './fields/values.js';

/** A request that the administrative door cannot carry out; `status` is the HTTP status of the answer. */
export class AdminRefusal extends Error {
  readonly status: 400 | 404;

  constructor(status: 400 | 404, message: string) {
    super(message);
    this.name = 'AdminRefusal';
    this.status = status;
  }
}

/** Field values as a user would enter them: any field that is not read-only, with the checks of its type. */
export function enteredValues(
  instance: Instance,
  given: Readonly<Record<string, unknown>>,
): ReadonlyMap<Field, FieldValue> {
  const values = new Map<Field, FieldValue>();
  for (const [name, value] of Object.entries(given)) {
    const field = instance.fields.get(name);
    if (!field) throw new AdminRefusal(400, `There is no person field '${name}'`);
    if (field.readOnly) throw new AdminRefusal(400, `Field '${name}' is read-only`);
    const accepted = storable(field, value);
    if (accepted === undefined) {
      throw new AdminRefusal(400, `Invalid value for field '${name}' and value '${JSON.stringify(value)}'`);
    }
    values.set(field, accepted);
  }
  return values;
}

export function personById(instance: Instance, id: string): Person {
  const person = instance.people.table.get(Number(id));
  if (!person) throw new AdminRefusal(404, `There is no person ${id}`);
  return person;
}

export function enterPersons(
  instance: Instance,
  input: readonly Readonly<Record<string, unknown>>[],
  source: string,
): number[] {
  const entered = input.map((record) => enteredValues(instance, record));
  return entered.map((values) => instance.people.create(values, source).id);
}

export function editPerson(
  instance: Instance,
  id: string,
  change: Readonly<Record<string, unknown>>,
  origin: Origin,
): Record<string, FieldValue> {
  const person = personById(instance, id);
  instance.people.update(person, enteredValues(instance, change), origin);
  return instance.people.record(person);
}

/** The raw log: every entry with when it was recorded and when readers see it. */
export const rawActivities = (
  instance: Instance,
  typeId: number | undefined,
  leadId: number | undefined,
): Record<string, unknown>[] =>
  instance.log
    .entries()
    .filter(
      (activity) =>
        (typeId === undefined || activity.typeId === typeId) &&
        (leadId === undefined || activity.leadId === leadId),
    )
    .map((activity) => ({
      ...asActivity(activity),
      ...(activity.detail.kind === 'change' || activity.detail.kind === 'score'
        ? { field: activity.detail.field.name }
        : {}),
      recordedAt: new Date(activity.recordedAt).toISOString(),
      visibleAt: new Date(activity.visibleAt).toISOString(),
    }));
