import type { Instance } from '../instance.js';
import type { Person } from '../persons/person-table.js';
import type { Condition, Filter } from './campaign.js';

/** True for a person whose field is as the condition says. A field that is no more is empty. */
export function fits(instance: Instance, person: Person, { field: name, is, empty }: Condition): boolean {
  const field = instance.fields.get(name);
  const value = field === undefined ? null : instance.people.read(person, field);
  if (empty !== undefined) return (value === null || value === '') === empty;
  return value !== null && String(value).toLowerCase() === String(is).toLowerCase();
}

/** True for a person whom the smart list holds. */
export function isIn(instance: Instance, person: Person, { list: id, where = [] }: Filter): boolean {
  const list = id === undefined ? undefined : instance.lists.byId(id);
  if (id !== undefined && (list === undefined || !instance.lists.has(list, person.id))) return false;
  return where.every((condition) => fits(instance, person, condition));
}

/** Ids of everyone in the smart list, ascending. */
export function audience(instance: Instance, filter: Filter): number[] {
  const list = filter.list === undefined ? undefined : instance.lists.byId(filter.list);
  const candidates =
    filter.list === undefined
      ? instance.people.table.after(0, Infinity)
      : (list ? instance.lists.members(list) : []).flatMap((id) => instance.people.table.get(id) ?? []);
  return candidates.filter((person) => isIn(instance, person, filter)).map(({ id }) => id);
}
