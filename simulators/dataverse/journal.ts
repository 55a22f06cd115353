/** One HTTP request as it was answered; status 0 when the connection was dropped. */
export interface Call {
  readonly n: number;
  readonly at: string;
  readonly method: string;
  /** Path with its query, as sent. */
  readonly path: string;
  readonly status: number;
  readonly code: string | null;
  /** Number of requests inside a `$batch`, else 0. */
  readonly parts: number;
  readonly write: boolean;
}

/** One attempt to write a row, also inside a batch; it took effect when the status is below 300. */
export interface Write {
  readonly n: number;
  readonly at: string;
  readonly table: string;
  readonly id: string | null;
  readonly kind: 'create' | 'update' | 'delete';
  readonly columns: readonly string[];
  readonly by: 'sync' | 'user';
  readonly status: number;
  readonly code: string | null;
  /** Number of the `$batch` call that carried it. */
  readonly batch?: number;
}

const keep = 200_000;

/** Path without values: `/api/data/v9.2/leads({id})?$deltatoken`. */
const pattern = (path: string): string => {
  const [bare = '', query = ''] = path.split('?', 2);
  const marker = /\$(deltatoken|skiptoken)=/.exec(query)?.[0].slice(0, -1);
  const named = bare
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, '{id}')
    .replace(/^\/[^/]+\/oauth2\//, '/{tenant}/oauth2/');
  return marker === undefined ? named : `${named}?${marker}`;
};

const since = <T extends { readonly n: number }>(
  entries: readonly T[],
  after: number,
  limit: number,
): { entries: readonly T[]; next: number } => {
  const first = entries[0]?.n ?? 1;
  const start = Math.max(0, after + 1 - first);
  const chosen = entries.slice(start, start + limit);
  return { entries: chosen, next: chosen.at(-1)?.n ?? after };
};

/** What was asked of the environment and what it answered, numbered from 1. */
export class Journal {
  readonly #now: () => number;
  #calls: Call[] = [];
  #writes: Write[] = [];
  #summary = new Map<string, number>();
  #callNumber = 0;
  #writeNumber = 0;
  #applied = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Number for a call that begins now. */
  begin(): number {
    this.#callNumber += 1;
    return this.#callNumber;
  }

  call(entry: Omit<Call, 'at'>): void {
    this.#calls.push({ ...entry, at: new Date(this.#now()).toISOString() });
    // Calls are numbered when they begin and told when they end: keep the list in number order.
    for (let index = this.#calls.length - 1; index > 0; index -= 1) {
      const [before, after] = [this.#calls[index - 1], this.#calls[index]];
      if (before === undefined || after === undefined || before.n < after.n) break;
      this.#calls[index - 1] = after;
      this.#calls[index] = before;
    }
    if (this.#calls.length > keep) this.#calls = this.#calls.slice(keep / 2);
    this.count(entry.method, entry.path);
  }

  /** Counts a request in the summary alone; parts of batches come this way. */
  count(method: string, path: string, inBatch = false): void {
    const key = `${method} ${pattern(path)}${inBatch ? ' in $batch' : ''}`;
    this.#summary.set(key, (this.#summary.get(key) ?? 0) + 1);
  }

  write(entry: Omit<Write, 'n' | 'at'>): void {
    this.#writeNumber += 1;
    if (entry.by === 'sync' && entry.status < 300) this.#applied += 1;
    this.#writes.push({ n: this.#writeNumber, at: new Date(this.#now()).toISOString(), ...entry });
    if (this.#writes.length > keep) this.#writes = this.#writes.slice(keep / 2);
  }

  /** Number of the last write told. */
  lastWrite(): number {
    return this.#writeNumber;
  }

  /** Writes after that number were undone with the transaction that they belonged to. */
  takeBack(after: number): void {
    const first = this.#writes[0]?.n ?? 1;
    for (let index = Math.max(0, after + 1 - first); index < this.#writes.length; index += 1) {
      const write = this.#writes[index];
      if (write === undefined || write.status >= 300) continue;
      if (write.by === 'sync') this.#applied -= 1;
      this.#writes[index] = { ...write, status: 424, code: 'undone' };
    }
  }

  calls(after: number, limit: number): { entries: readonly Call[]; next: number } {
    return since(this.#calls, after, limit);
  }

  writes(after: number, limit: number): { entries: readonly Write[]; next: number } {
    return since(this.#writes, after, limit);
  }

  summary(): Record<string, number> {
    return Object.fromEntries([...this.#summary].sort(([a], [b]) => a.localeCompare(b)));
  }

  stats(): { calls: number; writes: number } {
    return { calls: this.#callNumber, writes: this.#applied };
  }

  /** Forgets entries and counts; numbering goes on, so that `after` of a reader stays right. */
  clear(): void {
    this.#calls = [];
    this.#writes = [];
    this.#summary = new Map();
  }
}
