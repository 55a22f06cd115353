/** Which person a visitor's tracking cookie (`_mkto_trk`) belongs to. */
export class Cookies {
  readonly #owners = new Map<string, number>();
  #changes = 0;

  /** Grows with every change. */
  get changes(): number {
    return this.#changes;
  }

  /** From now on the cookie is this person's; another's loses it. */
  associate(cookie: string, personId: number): void {
    this.#owners.set(cookie, personId);
    this.#changes++;
  }

  ownerOf(cookie: string): number | undefined {
    return this.#owners.get(cookie);
  }

  /** Gives the cookies of some persons to another, or to nobody. */
  handOver(from: ReadonlySet<number>, to?: number): void {
    for (const [cookie, owner] of [...this.#owners]) {
      if (!from.has(owner)) continue;
      if (to === undefined) this.#owners.delete(cookie);
      else this.#owners.set(cookie, to);
      this.#changes++;
    }
  }

  entries(): readonly (readonly [cookie: string, personId: number])[] {
    return [...this.#owners];
  }

  /** Takes over what an earlier run held. */
  restore(entries: readonly (readonly [cookie: string, personId: number])[]): void {
    for (const [cookie, owner] of entries) this.#owners.set(cookie, owner);
  }
}
