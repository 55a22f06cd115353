import type { FastifyRequest } from 'fastify';
import type { Fault } from '../faults.js';
import type { Service } from '../access/identity.js';

/** What is known about one call while it passes through the server. */
export interface Passage {
  /** The method meant: `POST …?_method=GET` is a GET (Adobe REST docs, "REST API": long queries). */
  method: string;
  /** URL path without the query. */
  readonly path: string;
  /** The endpoint called, for counting. */
  pattern: string;
  query: Readonly<Record<string, string>>;
  write: boolean;
  records: number;
  executed: boolean;
  /** Marketo error code of the answer. */
  code: string | null;
  /** Who calls, once the token is known. */
  service?: Service;
  /** A fault that strikes once the call was carried out. */
  laterFault?: Fault;
}

const passages = new WeakMap<FastifyRequest, Passage>();

/** The passage of a request; the first ask begins it. */
export function passageOf(request: FastifyRequest): Passage {
  const known = passages.get(request);
  if (known) return known;
  const method = overriddenMethod(request.url) ?? request.method;
  const path = request.url.split('?', 1)[0] ?? '';
  const query = flattened(request.query);
  const passage: Passage = {
    method,
    path,
    pattern: `${method} ${path}`,
    query,
    write: false,
    records: 0,
    executed: false,
    code: null,
  };
  passages.set(request, passage);
  return passage;
}

/** The method that `_method` in a URL asks for, unless it is POST itself. */
export function overriddenMethod(url: string): string | undefined {
  const method = /[?&]_method=([A-Za-z]+)/.exec(url)?.[1]?.toUpperCase();
  return method === 'POST' ? undefined : method;
}

/** Parameters by name; those given several times are joined by commas. */
export const flattened = (query: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries((query ?? {}) as Record<string, unknown>).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : String(value),
    ]),
  );
