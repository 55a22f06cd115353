/** A data type of a custom activity's attribute (Adobe REST docs, "Custom Activities"). */
export const ATTRIBUTE_TYPES: ReadonlySet<string> = new Set([
  'string',
  'boolean',
  'integer',
  'float',
  'link',
  'email',
  'currency',
  'date',
  'datetime',
  'phone',
  'text',
]);

export interface Attribute {
  readonly apiName: string;
  readonly name: string;
  readonly description?: string;
  readonly dataType: string;
}

export interface ActivityDefinition {
  readonly name: string;
  readonly description?: string;
  readonly triggerName: string;
  readonly filterName: string;
  readonly primaryAttribute: Attribute;
  readonly attributes: readonly Attribute[];
}

/** One custom activity type: what is in force, and what waits for approval. */
export interface CustomActivityType {
  readonly id: number;
  readonly apiName: string;
  approved?: ActivityDefinition;
  draft?: ActivityDefinition;
}

const FIRST_ID = 100_001;

/** Custom activity types by apiName, with their life cycle: draft, approved, approved with draft. */
export class CustomActivityTypes {
  readonly #types = new Map<string, CustomActivityType>();
  #nextId = FIRST_ID;

  get size(): number {
    return this.#types.size;
  }

  /** The id of the next type; ids of deleted types are not used again. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Takes over what an earlier run held; only for an instance that has no types yet. */
  restore(types: readonly CustomActivityType[], nextId: number): void {
    for (const type of types) this.#types.set(type.apiName, type);
    this.#nextId = nextId;
  }

  all(): readonly CustomActivityType[] {
    return [...this.#types.values()];
  }

  get(apiName: string): CustomActivityType | undefined {
    return this.#types.get(apiName);
  }

  byId(id: number): CustomActivityType | undefined {
    return this.all().find((type) => type.id === id);
  }

  /** An id for a type that is kept elsewhere: that of a flow step service. */
  takeId(): number {
    return this.#nextId++;
  }

  create(apiName: string, draft: ActivityDefinition): CustomActivityType {
    const type: CustomActivityType = { id: this.takeId(), apiName, draft };
    this.#types.set(apiName, type);
    return type;
  }

  approve(type: CustomActivityType): void {
    if (type.draft) type.approved = type.draft;
    delete type.draft;
  }

  /** Drops the draft; a type that was never approved goes with it. */
  discard(type: CustomActivityType): void {
    delete type.draft;
    if (!type.approved) this.#types.delete(type.apiName);
  }

  delete(type: CustomActivityType): void {
    this.#types.delete(type.apiName);
  }
}

export function statusOf(type: CustomActivityType): 'draft' | 'approved' | 'approved with draft' {
  if (!type.approved) return 'draft';
  return type.draft ? 'approved with draft' : 'approved';
}
