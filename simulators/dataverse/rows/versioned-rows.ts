import { ValueIndex } from './value-index.js';
import type { Cells } from './values.js';

export interface StoredRow {
  readonly id: string;
  readonly version: number;
  readonly cells: Cells;
}

export interface Change {
  readonly version: number;
  readonly id: string;
}

/** First index whose version is greater than the given one; the log is in version order. */
const firstAfter = (log: readonly Change[], version: number): number => {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((log[middle]?.version ?? 0) > version) high = middle;
    else low = middle + 1;
  }
  return low;
};

/** Puts an entry that tidying up has dropped back to its place. */
const bringBack = (log: Change[], change: Change): void => {
  const at = firstAfter(log, change.version);
  if (log[at - 1]?.version !== change.version) log.splice(at, 0, change);
};

/** Rows by id, and what changed since a version without looking at the rows that did not. */
export class VersionedRows {
  readonly #byId = new Map<string, StoredRow>();
  readonly #deletedAt = new Map<string, number>();
  readonly #indexes: Map<string, ValueIndex>;
  #changes: Change[] = [];
  #deletions: Change[] = [];
  #ordered: readonly string[] = [];
  #unordered: string[] = [];
  #untold = 0;

  constructor(indexed: readonly string[] = []) {
    this.#indexes = new Map(indexed.map((property) => [property, new ValueIndex(property)]));
  }

  get size(): number {
    return this.#byId.size;
  }

  /** How many changes there were that no version tells of. */
  get untold(): number {
    return this.#untold;
  }

  get(id: string): StoredRow | undefined {
    return this.#byId.get(id);
  }

  /** Inserts or replaces; versions must grow from call to call. */
  put(row: StoredRow): void {
    const before = this.#byId.get(row.id);
    if (before === undefined) this.#unordered.push(row.id);
    for (const index of this.#indexes.values()) index.move(row.id, before?.cells, row.cells);
    this.#byId.set(row.id, row);
    this.#deletedAt.delete(row.id);
    this.#changes.push({ version: row.version, id: row.id });
    if (this.#changes.length > 2 * this.#byId.size + 1024) this.#forgetSuperseded();
  }

  /** New cells under the version that the row has: nobody who asks for changes is told. */
  overwrite(id: string, cells: Cells): StoredRow | undefined {
    const before = this.#byId.get(id);
    if (before === undefined) return undefined;
    for (const index of this.#indexes.values()) index.move(id, before.cells, cells);
    const row = { ...before, cells };
    this.#byId.set(id, row);
    this.#untold += 1;
    return row;
  }

  delete(id: string, version: number): boolean {
    const before = this.#byId.get(id);
    if (before === undefined) return false;
    for (const index of this.#indexes.values()) index.move(id, before.cells, undefined);
    this.#byId.delete(id);
    this.#deletedAt.set(id, version);
    this.#deletions.push({ version, id });
    return true;
  }

  /** A deletion that change tracking does not tell of, as one that is older than it keeps. */
  forget(id: string): boolean {
    const before = this.#byId.get(id);
    if (before === undefined) return false;
    for (const index of this.#indexes.values()) index.move(id, before.cells, undefined);
    this.#untold += 1;
    return this.#byId.delete(id);
  }

  /** Drops all rows and what is known of deleted ones; changes after any version are none then. */
  clear(): void {
    for (const { id, cells } of this.#byId.values())
      for (const index of this.#indexes.values()) index.move(id, cells, undefined);
    this.#byId.clear();
    this.#deletedAt.clear();
    this.#changes = [];
    this.#deletions = [];
    this.#ordered = [];
    this.#unordered = [];
  }

  /** A way back for one row: to be called, latest first, when all that was written since must not have been. */
  restorePoint(id: string): () => void {
    const [before, deletedAt] = [this.#byId.get(id), this.#deletedAt.get(id)];
    return () => {
      this.#reset(id, before, deletedAt);
    };
  }

  /** From now on `withValues` finds rows by this property. */
  addIndex(property: string): void {
    if (this.#indexes.has(property)) return;
    const index = new ValueIndex(property);
    for (const { id, cells } of this.#byId.values()) index.move(id, undefined, cells);
    this.#indexes.set(property, index);
  }

  /** Rows whose current version is greater, in version order. */
  *changedAfter(version: number): Generator<StoredRow> {
    const changes = this.#changes;
    for (let index = firstAfter(changes, version); index < changes.length; index += 1) {
      const change = changes[index];
      const row = change === undefined ? undefined : this.#byId.get(change.id);
      if (row !== undefined && row.version === change?.version) yield row;
    }
  }

  /** Deletions of rows that are still gone, in version order. */
  *deletedAfter(version: number): Generator<Change> {
    const deletions = this.#deletions;
    for (let index = firstAfter(deletions, version); index < deletions.length; index += 1) {
      const deletion = deletions[index];
      if (deletion !== undefined && this.#deletedAt.get(deletion.id) === deletion.version) yield deletion;
    }
  }

  /** Rows in key order, those after the given key only. */
  *inKeyOrder(afterId: string | null = null): Generator<StoredRow> {
    const ids = this.#keys();
    let low = 0;
    let high = afterId === null ? 0 : ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ids[middle] ?? '') > (afterId ?? '')) high = middle;
      else low = middle + 1;
    }
    for (let index = low; index < ids.length; index += 1) {
      const row = this.#byId.get(ids[index] ?? '');
      if (row !== undefined) yield row;
    }
  }

  /** Rows with one of these values, in key order; undefined when the property has no index. */
  withValues(property: string, values: readonly string[]): StoredRow[] | undefined {
    const index = this.#indexes.get(property);
    if (index === undefined) return undefined;
    const ids = new Set(values.flatMap((value) => [...index.find(value)]));
    return [...ids].sort().flatMap((id) => this.#byId.get(id) ?? []);
  }

  /** What the log tells about versions that are no longer current is passed over by its readers. */
  #reset(id: string, before: StoredRow | undefined, deletedAt: number | undefined): void {
    for (const index of this.#indexes.values()) index.move(id, this.#byId.get(id)?.cells, before?.cells);
    this.#deletedAt.delete(id);
    if (deletedAt !== undefined) {
      this.#deletedAt.set(id, deletedAt);
      bringBack(this.#deletions, { version: deletedAt, id });
    }
    if (before === undefined) {
      this.#byId.delete(id);
      return;
    }
    if (!this.#byId.has(id)) this.#unordered.push(id);
    this.#byId.set(id, before);
    bringBack(this.#changes, { version: before.version, id });
  }

  /** The key index is brought up to date when it is read, not with each insert. */
  #keys(): readonly string[] {
    if (this.#unordered.length === 0) return this.#ordered;
    const known = this.#ordered.filter((id) => this.#byId.has(id));
    const merged = [...known, ...this.#unordered.sort()].sort();
    this.#ordered = merged.filter((id, index) => id !== merged[index - 1]);
    this.#unordered = [];
    return this.#ordered;
  }

  #forgetSuperseded(): void {
    this.#changes = this.#changes.filter(({ id, version }) => this.#byId.get(id)?.version === version);
    this.#deletions = this.#deletions.filter(({ id, version }) => this.#deletedAt.get(id) === version);
  }
}
