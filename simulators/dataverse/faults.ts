import { z } from 'zod';

export const faultSchema = z.strictObject({
  method: z.string().optional(),
  /** Part of the path with its query, as sent or decoded. */
  path: z.string().optional(),
  /** Applies to requests inside a `$batch` instead of to HTTP requests. */
  part: z.boolean().default(false),
  kind: z.enum(['refuse', 'afterWrite', 'drop', 'dropAfterWrite', 'slow', 'garbage', 'missingPart']),
  status: z.int().min(200).max(599).default(503),
  code: z.string().default('0x80040216'),
  message: z.string().default('An unexpected error occurred.'),
  /** Seconds for the `Retry-After` header. */
  retryAfter: z.int().nonnegative().optional(),
  delayMs: z.number().nonnegative().default(1000),
  times: z.int().positive().default(1),
  /** Matching requests that pass before the fault starts. */
  skip: z.int().nonnegative().default(0),
});

export type FaultOrder = z.infer<typeof faultSchema>;
export type Fault = Readonly<FaultOrder> & { readonly id: string };

const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

const matches = (fault: FaultOrder, method: string, path: string, part: boolean): boolean =>
  (fault.part || fault.kind === 'missingPart') === part &&
  (fault.method === undefined || fault.method.toUpperCase() === method.toUpperCase()) &&
  (fault.path === undefined || path.includes(fault.path) || decoded(path).includes(fault.path));

/** Faults waiting for their request, first come first served. */
export class Faults {
  readonly #waiting = new Map<string, Fault>();
  #number = 0;

  add(order: FaultOrder): string {
    this.#number += 1;
    const id = String(this.#number);
    this.#waiting.set(id, { ...order, id });
    return id;
  }

  list(): Fault[] {
    return [...this.#waiting.values()];
  }

  remove(id: string): boolean {
    return this.#waiting.delete(id);
  }

  clear(): number {
    const count = this.#waiting.size;
    this.#waiting.clear();
    return count;
  }

  /** The fault that this request meets, used up by one; at most one for each request. */
  take(method: string, path: string, part: boolean): Fault | undefined {
    for (const fault of this.#waiting.values()) {
      if (!matches(fault, method, path, part)) continue;
      if (fault.skip > 0) {
        this.#waiting.set(fault.id, { ...fault, skip: fault.skip - 1 });
        continue;
      }
      if (fault.times === 1) this.#waiting.delete(fault.id);
      else this.#waiting.set(fault.id, { ...fault, times: fault.times - 1 });
      return fault;
    }
    return undefined;
  }
}
