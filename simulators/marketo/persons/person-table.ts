import type { FieldValue } from '../fields/field.js';

/** A person as stored; `id`, `createdAt` and `updatedAt` (epoch ms) stand beside the field values. */
export interface Person {
  readonly id: number;
  readonly createdAt: number;
  updatedAt: number;
  /** Only what is not empty. */
  readonly values: Map<string, FieldValue>;
}

/** Persons by id, and by the value of any field that was once searched by. Comparison ignores case. */
export class PersonTable {
  readonly #people = new Map<number, Person>();
  readonly #indexes = new Map<string, Map<string, Set<number>>>();
  #ids: number[] = [];
  #idsSorted = true;
  #nextId: number;

  constructor(firstId: number) {
    this.#nextId = firstId;
  }

  get size(): number {
    return this.#people.size;
  }

  /** The id of the next person; ids of deleted persons are not used again. */
  get nextId(): number {
    return this.#nextId;
  }

  get(id: number): Person | undefined {
    return this.#people.get(id);
  }

  /** Adds a person under the next id, or under a given one that nobody has. */
  add(createdAt: number, values: Map<string, FieldValue>, id = this.#nextId): Person {
    const person: Person = { id, createdAt, updatedAt: createdAt, values };
    this.#nextId = Math.max(this.#nextId, id + 1);
    this.#idsSorted &&= id > (this.#ids.at(-1) ?? 0);
    this.#ids.push(id);
    this.#people.set(id, person);
    for (const [field, index] of this.#indexes) enter(index, values.get(field), id);
    return person;
  }

  set(person: Person, field: string, value: FieldValue): void {
    const index = this.#indexes.get(field);
    if (index) leave(index, person.values.get(field), person.id);
    if (value === null) person.values.delete(field);
    else person.values.set(field, value);
    if (index) enter(index, value, person.id);
  }

  remove(person: Person): void {
    for (const [field, index] of this.#indexes) leave(index, person.values.get(field), person.id);
    this.#people.delete(person.id);
  }

  /** Without a trace. */
  clear(): void {
    this.#people.clear();
    this.#indexes.clear();
    this.#ids = [];
    this.#idsSorted = true;
  }

  /** Ids of the persons whose `field` equals `value`, ascending. The first search by a field builds its index. */
  find(field: string, value: FieldValue): number[] {
    if (field === 'id') return this.#people.has(Number(value)) ? [Number(value)] : [];
    const index = this.#indexes.get(field) ?? this.#build(field);
    return [...(index.get(key(value)) ?? [])].sort((left, right) => left - right);
  }

  /** Up to `limit` persons with an id above `id`, ascending. */
  after(id: number, limit: number): Person[] {
    const found: Person[] = [];
    const ids = this.#sortedIds();
    for (let at = firstAbove(ids, id); at < ids.length && found.length < limit; at++) {
      const person = this.#people.get(ids[at] ?? 0);
      if (person) found.push(person);
    }
    return found;
  }

  #build(field: string): Map<string, Set<number>> {
    const index = new Map<string, Set<number>>();
    for (const person of this.#people.values()) enter(index, person.values.get(field), person.id);
    this.#indexes.set(field, index);
    return index;
  }

  #sortedIds(): readonly number[] {
    if (!this.#idsSorted) this.#ids.sort((left, right) => left - right);
    this.#idsSorted = true;
    // Deleted ids are dropped once they are the larger part.
    if (this.#ids.length > 2 * this.#people.size + 1000)
      this.#ids = this.#ids.filter((id) => this.#people.has(id));
    return this.#ids;
  }
}

const key = (value: FieldValue): string => String(value).toLowerCase();

function enter(index: Map<string, Set<number>>, value: FieldValue | undefined, id: number): void {
  if (value === undefined || value === null) return;
  const ids = index.get(key(value));
  if (ids) ids.add(id);
  else index.set(key(value), new Set([id]));
}

function leave(index: Map<string, Set<number>>, value: FieldValue | undefined, id: number): void {
  if (value === undefined || value === null) return;
  const ids = index.get(key(value));
  ids?.delete(id);
  if (ids?.size === 0) index.delete(key(value));
}

function firstAbove(ids: readonly number[], id: number): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ids[middle] ?? 0) > id) high = middle;
    else low = middle + 1;
  }
  return low;
}
