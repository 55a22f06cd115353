import type { PersonRecord } from '../../marketo/index.js';
import type { RemoteFailure } from '../../rules/failures.js';
import { emailKey } from '../../rules/email.js';
import type { Mapping } from '../../rules/mapping.js';
import { keepOutcomes, type ChunkPerson } from '../../store/chunks.js';
import type { Database } from '../../store/database.js';
import type { CreatePersonResult, PersonRequest } from '../contract.js';
import type { Request } from '../request.js';
import { textOf } from '../rows.js';
import type { Attempt, Ports } from '../settings.js';

/** One attempt at some hundred persons of a chunk. */
export interface Group {
  readonly ports: Ports;
  readonly mapping: Mapping;
  readonly attempt: Attempt;
  readonly campaignId: string | null;
  /** What kept persons from their outcome; told if nothing else went on. */
  readonly hindrances: RemoteFailure[];
}

/** A person of the chunk with what was read of it: the same as a request in real time, for it alone. */
export interface Member {
  readonly asked: ChunkPerson;
  readonly request: Request;
}

export const memberOf = (group: Group, asked: ChunkPerson, person: PersonRecord): Member => {
  const { ports, mapping, attempt } = group;
  const input = { marketoId: asked.marketoId, requests: [requestOf(asked, group.campaignId)] };
  const key = emailKey(textOf(person.values['email'])) ?? `person ${String(person.id)}`;
  return { asked, request: { ports, mapping, attempt, input, person, key } };
};

/** A chunk's person as a request. */
export const requestOf = (
  { requestId, syncAs, ownerId, ownerType }: ChunkPerson,
  campaignId: string | null,
  requestedAt = new Date().toISOString(),
): PersonRequest => ({
  ...{ requestId, campaignId, requestedAt, syncAs },
  ...(ownerId !== null && { ownerId, ownerType: ownerType ?? 'systemuser' }),
});

/** Keeps outcomes: in the transaction that makes them true, where there is one. */
export const conclude = (
  db: Database,
  results: readonly { readonly asked: ChunkPerson; readonly result: CreatePersonResult }[],
): Promise<void> =>
  keepOutcomes(
    db,
    results.map(({ asked, result }) => ({ requestId: asked.requestId, ...result })),
  );
