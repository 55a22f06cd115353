export interface Partition {
  readonly id: number;
  readonly name: string;
  readonly description: string;
}

/** Where a person is who was put nowhere else. */
export const DEFAULT_PARTITION: Partition = {
  id: 1,
  name: 'Default',
  description: 'Initial system lead partition',
};

/** The lead partitions of the instance (Adobe REST docs, "Leads": partitions). Names are case-sensitive. */
export class Partitions {
  #all: readonly Partition[] = [DEFAULT_PARTITION];

  all(): readonly Partition[] {
    return this.#all;
  }

  byId(id: number): Partition | undefined {
    return this.#all.find((partition) => partition.id === id);
  }

  byName(name: string): Partition | undefined {
    return this.#all.find((partition) => partition.name === name);
  }

  /** Adds one under the next id. The caller has checked that the name is free. */
  add(name: string, description: string): Partition {
    const partition = { id: this.#all.length + 1, name, description };
    this.#all = [...this.#all, partition];
    return partition;
  }

  /** Takes over what an earlier run held. */
  restore(partitions: readonly Partition[]): void {
    this.#all = partitions;
  }
}
