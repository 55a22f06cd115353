import type { Party } from '../campaigns/party.js';
import { secretOf } from '../outbound/made-ids.js';
import type { InvocationBody } from './invocation.js';

/**
 * One invocation of a service. `sending` until it was answered with 201, `accepted` until its callback; `answered`
 * by it, although some persons may be left out and wait on; `failed` and `expired` without one.
 */
export type ChunkState = 'sending' | 'accepted' | 'answered' | 'failed' | 'expired';

export interface Chunk {
  /** Counts all invocations of the instance. */
  readonly n: number;
  /** Opens the callback, once. */
  readonly token: string;
  readonly serviceId: number;
  readonly campaignId: number;
  /** Place of the step in the flow, from 0. */
  readonly step: number;
  /** Epoch ms. */
  readonly submittedAt: number;
  readonly parties: readonly Party[];
  readonly body: InvocationBody;
  state: ChunkState;
  deliveries: number;
  /** Ids of the persons who were not answered yet. */
  waiting: readonly number[];
  /** What went wrong, or was passed by. */
  notes: readonly string[];
}

/** An invocation that is over, as the administrative door shows it. */
export interface PastChunk {
  readonly n: number;
  readonly token: string;
  readonly serviceId: number;
  readonly campaignId: number;
  readonly submittedAt: number;
  readonly state: ChunkState;
  readonly deliveries: number;
  readonly persons: number;
  readonly notes: readonly string[];
}

export interface SavedChunks {
  readonly count: number;
  readonly open: readonly Chunk[];
  readonly past: readonly PastChunk[];
}

const PAST_KEPT = 10_000;

/** Invocations that still await something, and the latest 10,000 that are over. */
export class Chunks {
  readonly #open = new Map<string, Chunk>();
  readonly #past = new Map<string, PastChunk>();
  #count = 0;
  #changes = 0;

  get changes(): number {
    return this.#changes;
  }

  open(
    made: Omit<Chunk, 'n' | 'token' | 'state' | 'deliveries' | 'notes' | 'body'>,
    bodyFor: (token: string) => InvocationBody,
  ): Chunk {
    const n = ++this.#count;
    const token = secretOf(`callback token ${n} ${made.submittedAt}`);
    const chunk: Chunk = {
      ...made,
      n,
      token,
      body: bodyFor(token),
      state: 'sending',
      deliveries: 0,
      notes: [],
    };
    this.#open.set(token, chunk);
    this.#changes++;
    return chunk;
  }

  byToken(token: string): Chunk | PastChunk | undefined {
    return this.#open.get(token) ?? this.#past.get(token);
  }

  /** In the order in which they were submitted. */
  allOpen(): readonly Chunk[] {
    return [...this.#open.values()];
  }

  /** The open one that was submitted first. */
  oldest(): Chunk | undefined {
    return this.#open.values().next().value;
  }

  allPast(): readonly PastChunk[] {
    return [...this.#past.values()];
  }

  changed(): void {
    this.#changes++;
  }

  /** Nothing can happen to the chunk any more: what it was about is forgotten. */
  close(chunk: Chunk): void {
    if (!this.#open.delete(chunk.token)) return;
    const { n, token, serviceId, campaignId, submittedAt, state, deliveries, body, notes } = chunk;
    const persons = body.objectData.length;
    this.#past.set(token, {
      n,
      token,
      serviceId,
      campaignId,
      submittedAt,
      state,
      deliveries,
      persons,
      notes,
    });
    const first = this.#past.keys().next().value;
    if (this.#past.size > PAST_KEPT && first !== undefined) this.#past.delete(first);
    this.#changes++;
  }

  save(): SavedChunks {
    return { count: this.#count, open: this.allOpen(), past: this.allPast() };
  }

  restore({ count, open, past }: SavedChunks): void {
    this.#count = count;
    for (const chunk of open) this.#open.set(chunk.token, { ...chunk });
    for (const chunk of past) this.#past.set(chunk.token, chunk);
  }
}

export const isOpen = (chunk: Chunk | PastChunk): chunk is Chunk => 'body' in chunk;
