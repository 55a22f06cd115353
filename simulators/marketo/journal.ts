/** One call that reached the simulator, as the administrative door shows it. */
export interface JournalEntry {
  readonly n: number;
  /** When it was answered, ISO 8601. */
  readonly at: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Query parameters (of a form body too, for `_method=GET`); secrets are replaced, long values cut. */
  readonly query: Readonly<Record<string, string>>;
  /** HTTP status; 0 when the connection was dropped instead. */
  readonly status: number;
  /** Marketo error code of the answer, or null. */
  readonly code: string | null;
  /** Records in `input`, or filter values. */
  readonly records: number;
  /** True for a call that is made to change something, carried out or not. */
  readonly write: boolean;
  /** True when the call was carried out, whatever the answer says. */
  readonly executed: boolean;
}

const KEPT = 100_000;
const LONGEST_VALUE = 200;
const SECRET = new Set(['client_secret', 'access_token']);

/** The calls made so far; keeps the latest 100,000, counts all of them. */
export class Journal {
  #entries: JournalEntry[] = [];
  #counts = new Map<string, number>();
  #last = 0;
  #writes = 0;
  #calls = 0;

  get calls(): number {
    return this.#calls;
  }

  /** Writes that were carried out. */
  get writes(): number {
    return this.#writes;
  }

  /** `pattern` is the endpoint called, such as `GET /rest/v1/lead/:id.json`. */
  add(entry: Omit<JournalEntry, 'n'>, pattern: string): void {
    this.#entries.push({ ...entry, query: presentable(entry.query), n: ++this.#last });
    this.#calls++;
    if (entry.write && entry.executed) this.#writes++;
    this.#counts.set(pattern, (this.#counts.get(pattern) ?? 0) + 1);
    if (this.#entries.length > KEPT * 1.2) this.#entries = this.#entries.slice(-KEPT);
  }

  after(n: number): { readonly calls: readonly JournalEntry[]; readonly next: number } {
    const first = this.#entries.findIndex((entry) => entry.n > n);
    return { calls: first < 0 ? [] : this.#entries.slice(first), next: Math.max(n, this.#last) };
  }

  summary(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** Forgets calls and counts; numbering goes on. */
  clear(): void {
    this.#entries = [];
    this.#counts = new Map();
    this.#calls = 0;
    this.#writes = 0;
  }
}

const presentable = (query: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(query).map(([name, value]) => {
      if (SECRET.has(name)) return [name, '***'];
      return [name, value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)}…` : value];
    }),
  );
