import type { Cells } from './values.js';

/** Ids of rows by the value of one text property, without regard to case: what a database index is for. */
export class ValueIndex {
  readonly #property: string;
  readonly #ids = new Map<string, readonly string[]>();

  constructor(property: string) {
    this.#property = property;
  }

  /** A row's cells changed; undefined before a row is made and after it is gone. */
  move(id: string, before: Cells | undefined, after: Cells | undefined): void {
    const [from, to] = [this.#key(before), this.#key(after)];
    if (from === to) return;
    if (from !== undefined) {
      const rest = this.find(from).filter((one) => one !== id);
      if (rest.length === 0) this.#ids.delete(from);
      else this.#ids.set(from, rest);
    }
    if (to !== undefined) this.#ids.set(to, [...this.find(to), id]);
  }

  find(value: string): readonly string[] {
    return this.#ids.get(value.toLowerCase()) ?? [];
  }

  #key(cells: Cells | undefined): string | undefined {
    const value = cells?.[this.#property];
    return typeof value === 'string' ? value.toLowerCase() : undefined;
  }
}
