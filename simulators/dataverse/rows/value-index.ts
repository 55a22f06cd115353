import type { Cells } from './values.js';

/** Ids of rows by the value of one property, text without regard to case: what a database index is for. */
export class ValueIndex {
  readonly #property: string;
  /** Most values have one row, which needs no set. */
  readonly #ids = new Map<string, string | Set<string>>();

  constructor(property: string) {
    this.#property = property;
  }

  /** A row's cells changed; undefined before a row is made and after it is gone. */
  move(id: string, before: Cells | undefined, after: Cells | undefined): void {
    const [from, to] = [this.#key(before), this.#key(after)];
    if (from === to) return;
    if (from !== undefined) this.#remove(from, id);
    if (to !== undefined) this.#add(to, id);
  }

  find(value: string): Iterable<string> {
    const found = this.#ids.get(value.toLowerCase());
    return typeof found === 'string' ? [found] : (found ?? []);
  }

  #add(key: string, id: string): void {
    const found = this.#ids.get(key);
    if (found === undefined) this.#ids.set(key, id);
    else if (typeof found === 'string') this.#ids.set(key, new Set([found, id]));
    else found.add(id);
  }

  #remove(key: string, id: string): void {
    const found = this.#ids.get(key);
    if (found instanceof Set && found.size > 1) found.delete(id);
    else this.#ids.delete(key);
  }

  #key(cells: Cells | undefined): string | undefined {
    const value = cells?.[this.#property] ?? null;
    return value === null ? undefined : String(value).toLowerCase();
  }
}
