/** One piece of work that both clients do on the same simulator. */
export interface Job {
  readonly name: string;
  readonly remote: 'marketo' | 'dataverse';
  /** The public client on the other side. */
  readonly peer: string;
  /** True where the clients part many records into calls, or send calls at once, each in its own way. */
  readonly batched: boolean;
  /** Not measured: what must be there before each turn. */
  readonly before?: () => Promise<void>;
  /** Both answer how many records they handled; `turn` counts up, so that every write changes something. */
  readonly ours: (turn: number) => Promise<number>;
  readonly theirs: (turn: number) => Promise<number>;
}

/** `items` in groups of `size`, the last one perhaps smaller. */
export const groups = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
