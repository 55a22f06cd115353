import {
  CHANGE_DATA_VALUE,
  CHANGE_SCORE,
  DELETE_LEAD,
  NEW_LEAD,
  type ActivityDetail,
  type ActivityLog,
  type Origin,
} from './activity-log.js';
import { asText, type Field, type FieldValue } from './field.js';
import type { FieldCatalog } from './field-catalog.js';
import type { Person, PersonTable } from './person-table.js';
import type { Settings } from './settings.js';
import { isoSeconds } from './values.js';

const DEFAULT_PARTITION = 1;

export type FieldValues = ReadonlyMap<Field, FieldValue>;

/** The lead database: persons, and the trace that every change of them leaves in the activity log. */
export class People {
  readonly table: PersonTable;
  readonly #log: ActivityLog;
  readonly #fields: FieldCatalog;
  readonly #settings: () => Settings;
  readonly #now: () => number;

  constructor(parts: {
    readonly table: PersonTable;
    readonly log: ActivityLog;
    readonly fields: FieldCatalog;
    readonly settings: () => Settings;
    readonly now: () => number;
  }) {
    this.table = parts.table;
    this.#log = parts.log;
    this.#fields = parts.fields;
    this.#settings = parts.settings;
    this.#now = parts.now;
  }

  create(values: FieldValues, source: string): Person {
    return this.#enter(values, source, this.#now(), undefined, this.#settings().commitLagMs);
  }

  /** A person from before the simulator started: its one trace is a New Lead activity dated then. */
  seed(values: FieldValues, source: string, createdAt: number, id: number | undefined): Person {
    return this.#enter(values, source, createdAt, id, 0);
  }

  /** Sets what differs and logs one activity per changed field. Unchanged values leave no trace. */
  update(person: Person, values: FieldValues, origin: Origin): void {
    for (const [field, value] of values) {
      const before = this.read(person, field);
      if (before === value) continue;
      this.table.set(person, field.name, value);
      this.#logChange(person, field, before, value, origin);
      // updatedAt shows changes of standard fields only (Adobe REST docs, "Bulk Lead Extract").
      if (!field.custom) person.updatedAt = this.#now();
    }
  }

  remove(person: Person): void {
    this.table.remove(person);
    this.#append(person, DELETE_LEAD, { kind: 'deleted', name: fullName(person) ?? '' });
  }

  /** The value of `field` as the API reads it: a boolean is never null. */
  read(person: Person, field: Field): FieldValue {
    switch (field.name) {
      case 'id':
        return person.id;
      case 'createdAt':
        return isoSeconds(person.createdAt);
      case 'updatedAt':
        return isoSeconds(person.updatedAt);
      case 'leadPartitionId':
        return DEFAULT_PARTITION;
      case 'mktoName':
        return fullName(person);
      default:
        return person.values.get(field.name) ?? (field.dataType === 'boolean' ? false : null);
    }
  }

  /** All fields of a person by name. */
  record(person: Person, fields: Iterable<Field> = this.#fields.all()): Record<string, FieldValue> {
    const record: Record<string, FieldValue> = { id: person.id };
    for (const field of fields) record[field.name] = this.read(person, field);
    return record;
  }

  #enter(values: FieldValues, source: string, at: number, id: number | undefined, lagMs: number): Person {
    const kept = new Map<string, FieldValue>();
    for (const [field, value] of values) if (value !== null && value !== false) kept.set(field.name, value);
    const person = this.table.add(at, kept, id);
    const detail: ActivityDetail = { kind: 'new', name: fullName(person) ?? '', source };
    this.#log.append({ leadId: person.id, typeId: NEW_LEAD, recordedAt: at, lagMs, detail });
    return person;
  }

  #logChange(person: Person, field: Field, before: FieldValue, after: FieldValue, origin: Origin): void {
    const change = { field, oldValue: asText(before), newValue: asText(after), origin };
    const as = field.dataType === 'score' ? this.#settings().scoreActivity : '13';
    if (as !== '13') this.#append(person, CHANGE_SCORE, { kind: 'score', ...change });
    if (as !== '22') this.#append(person, CHANGE_DATA_VALUE, { kind: 'change', ...change });
  }

  #append(person: Person, typeId: number, detail: ActivityDetail): void {
    const lagMs = this.#settings().commitLagMs;
    this.#log.append({ leadId: person.id, typeId, recordedAt: this.#now(), lagMs, detail });
  }
}

function fullName(person: Person): string | null {
  const parts = ['firstName', 'lastName']
    .map((name) => person.values.get(name))
    .filter((part) => part !== undefined);
  return parts.length === 0 ? null : parts.join(' ');
}
