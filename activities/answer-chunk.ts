import { openSecrets, type CallbackSecrets } from '../config/callback-secrets.js';
import { CannotOpen } from '../config/sealing.js';
import { allowUrl, type AllowedUrl } from '../marketo/callbacks/hosts.js';
import type { Posted } from '../marketo/callbacks/post.js';
import { answerPerson } from '../rules/campaign-answer.js';
import { RemoteFailure } from '../rules/failures.js';
import { retryAfterMs } from '../rules/retry-after.js';
import { endCallback, returnCallbackTurn, takeCallbackTurn } from '../store/callbacks.js';
import {
  chunkByKey,
  closeSilentChunk,
  dueAfter,
  personsOfChunk,
  type Chunk,
  type ChunkPerson,
} from '../store/chunks.js';
import { lastRefusedCreations } from '../store/rejections.js';
import type { AnswerChunkResult, AnswerChunksResult, CampaignChunk } from './contract.js';
import { Misconfigured } from './failures.js';
import type { Attempt, CallbackPorts, Ports } from './settings.js';

/** How long one callback may take. */
const CALL_MS = 20_000;
/** What surrounds the call, so that nobody else begins one while it may be under way. */
const MARGIN_MS = 5_000;

/**
 * Makes the one callback that answers every person of a chunk. A call that came to nothing is noted as such and thrown, to
 * be repeated; a 2xx ends it, and so does an answer that the token is of no use (any more). After the last date it is given
 * up. Once it is over, token and address are gone from the store.
 *
 * @throws RemoteFailure to try again
 * @throws Misconfigured where somebody has to mend the allow-list or the keys first
 */
export const answerChunk = async (
  ports: Ports,
  { key }: CampaignChunk,
  attempt: Attempt,
): Promise<AnswerChunkResult> => {
  const { db } = ports;
  const chunk = await chunkByKey(db, key);
  if (chunk?.callback !== 'open') {
    await closeSilentChunk(db, key);
    return { callback: chunk?.callback ?? 'none' };
  }
  if (chunk.expired) {
    const ended = await endCallback(db, key, null, { callback: 'expired', code: 'last-date' });
    return ended ? { callback: 'expired' } : answerChunk(ports, { key }, attempt);
  }
  const persons = await personsOfChunk(db, key);
  if (persons.some(({ outcome }) => outcome === null))
    throw notYet('a chunk has persons without an outcome', 1_000);
  const ready = prepare(ports, chunk);
  const turn = await takeCallbackTurn(db, key, CALL_MS + MARGIN_MS);
  switch (turn.state) {
    case 'over':
      return answerChunk(ports, { key }, attempt);
    case 'taken':
      throw notYet('a callback is under way, or its answer was lost', turn.waitMs + 100);
    case 'yours': {
      const posted = await call(ports, chunk, persons, ready, attempt.signal);
      return judge(ports, key, turn, posted);
    }
  }
};

const notYet = (message: string, waitMs: number): RemoteFailure =>
  new RemoteFailure({ type: 'Busy', code: 'callback', message, retryAfterMs: waitMs, effect: 'none' });

interface Ready {
  readonly callbacks: CallbackPorts;
  readonly secrets: CallbackSecrets;
  readonly to: AllowedUrl;
}

const prepare = ({ callbacks }: Ports, { key, secrets: sealed }: Chunk): Ready => {
  if (callbacks === undefined) {
    throw new Misconfigured('this worker has no GATEWAY_ENCRYPTION_KEY: campaigns cannot be called back');
  }
  const secrets = openOr(callbacks, key, sealed ?? '');
  const to = allowUrl(secrets.callbackUrl, callbacks.hosts);
  if (typeof to !== 'string') return { callbacks, secrets, to };
  throw new Misconfigured('the host of a callback is not in GATEWAY_CALLBACK_HOSTS of this worker');
};

const openOr = ({ keys }: CallbackPorts, key: string, sealed: string): CallbackSecrets => {
  try {
    return openSecrets(keys, key, sealed);
  } catch (error) {
    if (error instanceof CannotOpen) throw new Misconfigured(`the secrets of a callback: ${error.message}`);
    throw error;
  }
};

const call = async (
  { db }: Ports,
  { munchkinId }: Chunk,
  persons: readonly ChunkPerson[],
  { callbacks, secrets, to }: Ready,
  signal: AbortSignal,
): Promise<Posted> => {
  const { token, apiCallBackKey } = secrets;
  const refused = persons.filter(({ outcome }) => outcome === 'refused');
  const words = await lastRefusedCreations(
    db,
    refused.map(({ marketoId }) => marketoId),
  );
  const body = {
    munchkinId,
    token,
    time: new Date().toISOString(),
    objectData: persons.map((person) =>
      answerPerson({
        ...person,
        outcome: person.outcome ?? '',
        words: person.outcome === 'refused' ? (words.get(person.marketoId) ?? null) : null,
      }),
    ),
  };
  return callbacks.poster.post({
    to,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'contact-sync',
      'x-api-key': apiCallBackKey,
      'x-callback-token': token,
    },
    body: JSON.stringify(body),
    timeoutMs: CALL_MS,
    signal,
  });
};

/** Statuses of a call that may go better another time, beside all of 5xx; a redirect is not followed, and may be mended. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

const judge = async (
  { db }: Ports,
  key: string,
  { attempt, doubtful }: { readonly attempt: number; readonly doubtful: boolean },
  posted: Posted,
): Promise<AnswerChunkResult> => {
  if ('inside' in posted) {
    await returnCallbackTurn(db, key, attempt, { code: 'inside-address', doubtful: false });
    throw new Misconfigured('the host of a callback leads to an address inside: nothing was sent there');
  }
  if ('noAnswer' in posted) {
    await returnCallbackTurn(db, key, attempt, { code: posted.noAnswer, doubtful: posted.sent });
    throw unanswered(posted.noAnswer);
  }
  const { status } = posted;
  const code = `HTTP ${String(status)}`;
  if (status >= 200 && status < 300) {
    await endCallback(db, key, attempt, { callback: 'accepted', code });
    return { callback: 'accepted' };
  }
  if (status >= 500 || status < 400 || PASSING.has(status)) {
    await returnCallbackTurn(db, key, attempt, { code, doubtful: status >= 500 });
    throw unanswered(`HTTP-${String(status)}`, retryAfterMs(posted.retryAfter, undefined));
  }
  // The token works once: after a call whose answer was lost, its refusal says that that call was accepted.
  const usedUp = doubtful && (status === 401 || status === 404);
  const end = usedUp
    ? ({ callback: 'accepted', code: `${code} after a lost answer` } as const)
    : ({ callback: 'refused', code } as const);
  await endCallback(db, key, attempt, end);
  return { callback: end.callback };
};

const unanswered = (code: string, waitMs?: number): RemoteFailure =>
  new RemoteFailure({
    type: 'Unavailable',
    side: 'marketo',
    code: `callback.${code}`,
    message: `the callback of a campaign was not taken (${code})`,
    effect: 'unknown',
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  });

/** The sweep tries again so long after a callback came to nothing; what people have to mend takes them longer. */
const AGAIN_MS = 5_000;
const MENDED_MS = 5 * 60_000;

/** Tries the callbacks of chunks whose person has its outcome, once each; what fails is left to the sweep. */
export const answerChunks = async (
  ports: Ports,
  { chunks }: { readonly chunks: readonly string[] },
  attempt: Attempt,
): Promise<AnswerChunksResult> => {
  let left = 0;
  for (const key of chunks) {
    try {
      await answerChunk(ports, { key }, attempt);
    } catch (error) {
      if (!(error instanceof RemoteFailure || error instanceof Misconfigured)) throw error;
      left += 1;
      const { retryAfterMs: wait = AGAIN_MS } = error instanceof RemoteFailure ? error.details : {};
      await dueAfter(ports.db, key, error instanceof Misconfigured ? MENDED_MS : wait);
    }
    attempt.progress();
  }
  return { answered: chunks.length - left, left };
};
