import type { FieldValue } from '../fields/field.js';

/** A company or a sales person as stored. */
export interface ExternalRecord {
  readonly id: number;
  readonly createdAt: number;
  updatedAt: number;
  /** Only what is not empty; the external key among it. */
  readonly values: Map<string, FieldValue>;
}

/** Records by id and by the key that another system gave them. Keys are compared without case. */
export class ExternalRecords {
  readonly #keyField: string;
  readonly #records = new Map<number, ExternalRecord>();
  readonly #byKey = new Map<string, ExternalRecord>();
  #nextId = 1;
  #changes = 0;

  constructor(keyField: string) {
    this.#keyField = keyField;
  }

  get nextId(): number {
    return this.#nextId;
  }

  /** Grows with every change. */
  get changes(): number {
    return this.#changes;
  }

  all(): ExternalRecord[] {
    return [...this.#records.values()];
  }

  byId(id: number): ExternalRecord | undefined {
    return this.#records.get(id);
  }

  byKey(key: FieldValue | undefined): ExternalRecord | undefined {
    return key === null || key === undefined ? undefined : this.#byKey.get(String(key).toLowerCase());
  }

  /** Records whose `field` has one of the values, in the order of their ids. */
  find(field: string, values: readonly string[]): ExternalRecord[] {
    const wanted = new Set(values.map((value) => value.toLowerCase()));
    const valueOf = (record: ExternalRecord) => (field === 'id' ? record.id : record.values.get(field));
    return this.all().filter((record) => wanted.has(String(valueOf(record)).toLowerCase()));
  }

  create(values: ReadonlyMap<string, FieldValue>, at: number, id = this.#nextId): ExternalRecord {
    const record: ExternalRecord = { id, createdAt: at, updatedAt: at, values: new Map() };
    this.#nextId = Math.max(this.#nextId, id + 1);
    this.#records.set(id, record);
    this.update(record, values, at);
    this.#byKey.set(String(record.values.get(this.#keyField)).toLowerCase(), record);
    return record;
  }

  /** Sets values other than the key. */
  update(record: ExternalRecord, values: ReadonlyMap<string, FieldValue>, at: number): void {
    for (const [name, value] of values) {
      if (value === null) record.values.delete(name);
      else record.values.set(name, value);
    }
    record.updatedAt = at;
    this.#changes++;
  }

  remove(record: ExternalRecord): void {
    this.#records.delete(record.id);
    this.#byKey.delete(String(record.values.get(this.#keyField)).toLowerCase());
    this.#changes++;
  }

  /** Takes over what an earlier run held. */
  restore(saved: SavedRecords): void {
    for (const { id, createdAt, updatedAt, values } of saved.records) {
      this.create(new Map(Object.entries(values)), createdAt, id).updatedAt = updatedAt;
    }
    this.#nextId = saved.nextId;
  }

  save(): SavedRecords {
    const records = this.all().map(({ values, ...record }) => ({
      ...record,
      values: Object.fromEntries(values),
    }));
    return { records, nextId: this.#nextId };
  }
}

export interface SavedRecords {
  readonly records: readonly (Omit<ExternalRecord, 'values'> & {
    readonly values: Readonly<Record<string, FieldValue>>;
  })[];
  readonly nextId: number;
}
