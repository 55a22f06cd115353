import { z } from 'zod';
import { MOST_TIMER_MS } from './timers.js';

const number = z.union([z.number(), z.string().regex(/^\d+$/)]).transform(Number);
const atLeast = (least: number) => number.pipe(z.int().min(least));

/** A fault as the administrative door takes it. */
export const faultSchema = z
  .strictObject({
    method: z.string().toUpperCase().optional(),
    /** Part of the URL path. */
    path: z.string().optional(),
    kind: z.enum(['refuse', 'afterWrite', 'drop', 'dropAfterWrite', 'slow', 'code', 'garbage', 'twin']),
    /** Marketo error code of the answer. */
    code: z.union([z.string(), z.number()]).transform(String).optional(),
    /** HTTP status of the answer; without a code the body is a gateway's HTML. */
    status: number.pipe(z.int().min(200).max(599)).optional(),
    /** How long `slow` waits. */
    delayMs: atLeast(0).pipe(z.int().max(MOST_TIMER_MS)).optional(),
    times: atLeast(1).default(1),
    /** Matching calls that go through before the first fault. */
    skip: atLeast(0).default(0),
  })
  .refine((fault) => fault.kind !== 'code' || fault.code !== undefined, {
    error: 'kind "code" needs a code',
  })
  .refine((fault) => fault.kind !== 'slow' || fault.delayMs !== undefined, {
    error: 'kind "slow" needs delayMs',
  });

export type FaultSpec = z.output<typeof faultSchema>;

export interface Fault extends FaultSpec {
  readonly id: number;
}

interface Armed {
  readonly fault: Fault;
  remaining: number;
  toSkip: number;
}

/** Struck only by a fault whose path names them: the others mean calls that have a token. */
const NAMED_ONLY = ['/identity/', '/customflowaction/'];

/** Faults waiting for calls to strike. One call is struck by one fault at most, the oldest first. */
export class Faults {
  #armed: Armed[] = [];
  #nextId = 1;

  add(spec: FaultSpec): number {
    const fault: Fault = { ...spec, id: this.#nextId++ };
    this.#armed.push({ fault, remaining: fault.times, toSkip: fault.skip });
    return fault.id;
  }

  /** The fault that strikes this call, or undefined; uses it up. Twins strike creates only, through `takeTwin`. */
  take(methods: readonly string[], path: string): Fault | undefined {
    return this.#strike((fault) => fault.kind !== 'twin' && matches(fault, methods, path));
  }

  takeTwin(methods: readonly string[], path: string): boolean {
    return this.#strike((fault) => fault.kind === 'twin' && matches(fault, methods, path)) !== undefined;
  }

  list(): (Fault & { readonly remaining: number })[] {
    return this.#armed.map(({ fault, remaining }) => ({ ...fault, remaining }));
  }

  clear(): void {
    this.#armed = [];
  }

  #strike(matching: (fault: Fault) => boolean): Fault | undefined {
    for (const armed of this.#armed) {
      if (!matching(armed.fault)) continue;
      if (armed.toSkip > 0) {
        armed.toSkip--;
        continue;
      }
      armed.remaining--;
      if (armed.remaining <= 0) this.#armed = this.#armed.filter((other) => other !== armed);
      return armed.fault;
    }
    return undefined;
  }
}

const matches = (fault: Fault, methods: readonly string[], path: string): boolean =>
  (fault.method === undefined || methods.includes(fault.method)) &&
  (fault.path === undefined
    ? !NAMED_ONLY.some((prefix) => path.startsWith(prefix))
    : path.includes(fault.path));
