import type { ActivityLog, Origin } from '../activities/activity-log.js';
import type { Cookies } from './cookies.js';
import type { ExternalRecords } from '../companies/external-records.js';
import type { Field, FieldValue } from '../fields/field.js';
import type { FieldCatalog } from '../fields/field-catalog.js';
import { DEFAULT_PARTITION, type Partition, type Partitions } from './partitions.js';
import type { Person, PersonTable } from './person-table.js';
import { PersonTrace } from './person-trace.js';
import { partitionIdOf, PersonValues } from './person-values.js';
import type { Settings } from '../settings.js';

export type FieldValues = ReadonlyMap<Field, FieldValue>;

/** The lead database: persons, and the trace that every change of them leaves in the activity log. */
export class People {
  readonly table: PersonTable;
  readonly trace: PersonTrace;
  readonly #values: PersonValues;
  readonly #fields: FieldCatalog;
  readonly #companies: ExternalRecords;
  readonly #partitions: Partitions;
  readonly #cookies: Cookies;
  readonly #now: () => number;
  #untraced = 0;

  constructor(parts: {
    readonly table: PersonTable;
    readonly log: ActivityLog;
    readonly fields: FieldCatalog;
    readonly companies: ExternalRecords;
    readonly partitions: Partitions;
    readonly cookies: Cookies;
    readonly settings: () => Settings;
    readonly now: () => number;
  }) {
    this.table = parts.table;
    this.trace = new PersonTrace(parts.log, parts.settings, parts.now);
    this.#values = new PersonValues(parts.fields, (key) => parts.companies.byKey(key));
    this.#fields = parts.fields;
    this.#companies = parts.companies;
    this.#partitions = parts.partitions;
    this.#cookies = parts.cookies;
    this.#now = parts.now;
  }

  /** How many changes there were that left no trace. */
  get untraced(): number {
    return this.#untraced;
  }

  create(values: FieldValues, source: string, partition: Partition = DEFAULT_PARTITION): Person {
    const person = this.table.add(this.#now(), stored(values, partition));
    this.trace.created(person, source);
    return person;
  }

  /** A person from before the simulator started: its one trace is a New Lead activity dated then. */
  seed(values: FieldValues, source: string, createdAt: number, id: number | undefined): Person {
    const person = this.table.add(createdAt, stored(values, DEFAULT_PARTITION), id);
    this.trace.seeded(person, source);
    return person;
  }

  /**
   * Sets what differs and logs one activity per changed field. Unchanged values leave no trace; neither do values of
   * the person's company record, which change for all its persons.
   */
  update(person: Person, values: FieldValues, origin: Origin): void {
    for (const [field, value] of values) {
      const before = this.read(person, field);
      if (before === value) continue;
      const company = this.#values.companyOf(person, field);
      if (company) {
        this.#companies.update(company, new Map([[field.name, value]]), this.#now());
        continue;
      }
      this.table.set(person, field.name, value);
      this.trace.changed(person, field, before, value, origin);
      // updatedAt shows changes of standard fields only (Adobe REST docs, "Bulk Lead Extract").
      if (!field.custom) person.updatedAt = this.#now();
    }
  }

  remove(person: Person): void {
    this.table.remove(person);
    this.#cookies.handOver(new Set([person.id]));
    this.trace.removed(person);
  }

  /** Sets values that leave no trace: an entry of the log that was lost, or one that Marketo never writes. */
  overwrite(person: Person, values: FieldValues): void {
    this.#untraced += 1;
    for (const [field, value] of values) this.table.set(person, field.name, value);
  }

  /** Deletes a person without a trace, as one whose deletion is older than the log keeps it. */
  forget(person: Person): void {
    this.#untraced += 1;
    this.table.remove(person);
    this.#cookies.handOver(new Set([person.id]));
  }

  /** Moves a person to another partition; within the same one nothing happens. */
  move(person: Person, to: Partition, origin: Origin): void {
    const from = this.partitionOf(person);
    if (from.id === to.id) return;
    this.table.set(person, 'leadPartitionId', to.id);
    person.updatedAt = this.#now();
    this.trace.moved(person, from, to, origin);
  }

  /**
   * Makes one person of several: the winner keeps its values and takes a loser's where it has none, the first loser
   * that has one. The losers cease to exist; their activities and cookies become the winner's.
   */
  merge(winner: Person, losers: readonly Person[], origin: Origin): void {
    const filled = this.#fillings(winner, losers);
    for (const loser of losers) this.table.remove(loser);
    this.#cookies.handOver(new Set(losers.map(({ id }) => id)), winner.id);
    this.update(winner, filled, origin);
    const names = [...filled.keys()].map(({ displayName }) => displayName);
    this.trace.merged(winner, losers, names, origin);
  }

  partitionOf(person: Person): Partition {
    return this.#partitions.byId(partitionIdOf(person)) ?? DEFAULT_PARTITION;
  }

  /** The value of `field` as the API reads it: a boolean is never null. */
  read(person: Person, field: Field): FieldValue {
    return this.#values.read(person, field);
  }

  /** All fields of a person by name. */
  record(person: Person, fields: Iterable<Field> = this.#fields.all()): Record<string, FieldValue> {
    const record: Record<string, FieldValue> = { id: person.id };
    for (const field of fields) record[field.name] = this.read(person, field);
    return record;
  }

  /** What the losers have and the winner has not. A boolean is never empty; values of company records stay there. */
  #fillings(winner: Person, losers: readonly Person[]): FieldValues {
    const filled = new Map<Field, FieldValue>();
    for (const field of this.#fields.all()) {
      if (field.readOnly || this.read(winner, field) !== null || this.#values.companyOf(winner, field))
        continue;
      const value = losers.map((loser) => loser.values.get(field.name)).find((each) => each !== undefined);
      if (value !== undefined) filled.set(field, value);
    }
    return filled;
  }
}

/** Only what is not empty is stored. */
function stored(values: FieldValues, partition: Partition): Map<string, FieldValue> {
  const kept = new Map<string, FieldValue>([['leadPartitionId', partition.id]]);
  for (const [field, value] of values) if (value !== null && value !== false) kept.set(field.name, value);
  return kept;
}
