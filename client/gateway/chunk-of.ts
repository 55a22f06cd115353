import { createHash } from 'node:crypto';
import { v5 as uuidFrom } from 'uuid';
import type { ChunkPerson } from '../../store/chunks.js';
import type { Invocation, WebhookRequest } from './schemas.js';

/** One-time tokens are long and random: their hash tells nothing of them. */
export const keyOfToken = (token: string): string =>
  createHash('sha256').update(`chunk\n${token}`).digest('hex');

/** Name space of the ids of requests that came in chunks. */
const REQUESTS = '0b9f6c1e-9d4b-4e0e-8f5a-6f0a6a1d7c11';

type Asked = Omit<ChunkPerson, 'kind' | 'dynamicsId'>;

/** What a flow step was given for one person; what cannot be used is that person's refusal, and nobody else's. */
const personOf = (key: string, marketoId: number, syncAs: unknown, assignTo: unknown): Asked => {
  const kind = typeof syncAs === 'string' ? syncAs.trim().toLowerCase() : '';
  const owner = ownerOf(assignTo);
  const code =
    kind !== 'lead' && kind !== 'contact'
      ? 'invalid-sync-as'
      : owner === undefined
        ? 'invalid-assign-to'
        : null;
  return {
    marketoId,
    requestId: uuidFrom(`${key}/${String(marketoId)}`, REQUESTS),
    syncAs: kind === 'contact' ? 'contact' : 'lead',
    ownerId: owner?.id ?? null,
    ownerType: owner?.type ?? null,
    outcome: code === null ? null : 'refused',
    code,
  };
};

type Owner =
  { readonly id: string; readonly type: 'systemuser' | 'team' } | { readonly id: null; readonly type: null };

const OWNER = /^(?:(user|team):)?([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i;

/** `<user id>`, `user:<id>` or `team:<id>`, as the list of choices has them; undefined for anything else. */
const ownerOf = (assignTo: unknown): Owner | undefined => {
  if (assignTo === undefined || assignTo === null) return { id: null, type: null };
  if (typeof assignTo !== 'string') return undefined;
  const text = assignTo.trim();
  if (text === '') return { id: null, type: null };
  const [, type, id] = OWNER.exec(text) ?? [];
  if (id === undefined) return undefined;
  return { id: id.toLowerCase(), type: type?.toLowerCase() === 'team' ? 'team' : 'systemuser' };
};

/** The persons of an invocation, each once. */
export const personsOf = (key: string, { objectData }: Invocation): Asked[] => {
  const persons = new Map<number, Asked>();
  for (const { objectContext, flowStepContext } of objectData) {
    const { id } = objectContext;
    if (persons.has(id)) continue;
    persons.set(id, personOf(key, id, flowStepContext?.syncAs, flowStepContext?.assignTo));
  }
  return [...persons.values()];
};

export const personOfWebhook = (key: string, { id, syncAs = 'lead', assignTo }: WebhookRequest): Asked =>
  personOf(key, Number(id), syncAs, assignTo);

/** A trigger campaign's chunk is one person; a few are still quicker each by itself. */
const MOST_IN_REAL_TIME = 10;

/** Whether each person is worked on at once by itself: trigger campaigns. A single person always is: it costs the least. */
export const isRealTime = ({ context, objectData }: Invocation): boolean =>
  objectData.length === 1 ||
  (context.campaign?.type?.toLowerCase() === 'trigger' && objectData.length <= MOST_IN_REAL_TIME);
