import { z } from 'zod';
import { faultPresets, presetNames } from './fault-presets.js';
import { oddShapes } from './odd-batch.js';

const order = z.strictObject({
  method: z.string().optional(),
  /** Part of the path with its query, as sent or decoded. */
  path: z.string().optional(),
  /** Applies to requests inside a `$batch` instead of to HTTP requests. */
  part: z.boolean().default(false),
  kind: z
    .enum([
      'refuse',
      'afterWrite',
      'drop',
      'dropAfterWrite',
      'slow',
      'garbage',
      'missingPart',
      'stopBatch',
      'throttleRest',
      'cutBatch',
      'oddBatch',
    ])
    .default('refuse'),
  /** How a refusal is written: as the Web API does, or as something in between does. */
  body: z.enum(['odata', 'message', 'html', 'empty', 'codeless', 'innerError']).default('odata'),
  /** For `oddBatch`: how the multipart answer is written. */
  shape: z.enum(oddShapes).default('lf'),
  /** For `cutBatch`: parts that arrive whole before the cut. */
  wholeParts: z.int().nonnegative().default(1),
  status: z.int().min(200).max(599).default(503),
  code: z.string().default('0x80040216'),
  message: z.string().default('An unexpected error occurred.'),
  /** Seconds for the `Retry-After` header. */
  retryAfter: z.int().nonnegative().optional(),
  /** Writes `Retry-After` as an HTTP date. */
  retryAfterDate: z.boolean().default(false),
  /** At most what a timer of Node holds. */
  delayMs: z.number().nonnegative().max(2_147_483_647).default(1000),
  times: z.int().positive().default(1),
  /** Matching requests that pass before the fault starts. */
  skip: z.int().nonnegative().default(0),
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const named = z.object({ preset: z.enum(presetNames) });

/** An order; with `preset` it begins with that one's values, and needs no kind. */
export const faultSchema = z.preprocess((value, context) => {
  if (!isObject(value)) return value;
  if (value['preset'] === undefined) {
    if (value['kind'] === undefined) context.addIssue('Give a kind or a preset.');
    return value;
  }
  const { preset, ...given } = value;
  const found = named.safeParse({ preset });
  if (found.success) return { ...faultPresets[found.data.preset], ...given };
  context.addIssue(`There is no preset ${JSON.stringify(preset)}: choose one of ${presetNames.join(', ')}.`);
  return value;
}, order);

export type FaultOrder = z.infer<typeof order>;
export type Fault = Readonly<FaultOrder> & { readonly id: string };

const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

const partKinds: readonly string[] = ['missingPart', 'stopBatch', 'throttleRest'];

/** Pieces of a path that can mean nothing else than Microsoft Entra ID, which is another product than the Web API. */
const signInPiece = /oauth2|token|openid|discovery/;

/** Where a fault may strike: requests over HTTP, parts of batches, the sign-in. */
export type Place = 'request' | 'part' | 'signIn';

const isPlacedAt = (fault: FaultOrder, place: Place): boolean =>
  (fault.part || partKinds.includes(fault.kind)) === (place === 'part') &&
  (place !== 'signIn' || signInPiece.test(fault.path ?? ''));

const matches = (fault: FaultOrder, method: string, path: string, place: Place): boolean =>
  isPlacedAt(fault, place) &&
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
  take(method: string, path: string, place: Place): Fault | undefined {
    for (const fault of this.#waiting.values()) {
      if (!matches(fault, method, path, place)) continue;
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
