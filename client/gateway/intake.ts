import { randomUUID } from 'node:crypto';
import { startChunk, startStoredChunk, type Starter } from '../../activities/start-chunks.js';
import { sealSecrets } from '../../config/callback-secrets.js';
import type { KeyRing } from '../../config/sealing.js';
import { allowUrl, type AllowedHosts } from '../../marketo/callbacks/hosts.js';
import { insertChunk, type NewChunk } from '../../store/chunks.js';
import { isRealTime, keyOfToken, personOfWebhook, personsOf } from './chunk-of.js';
import { Refused, within } from './refused.js';
import type { Service } from './routes.js';

export interface Intake {
  readonly starter: Starter;
  readonly keys: KeyRing;
  readonly hosts: AllowedHosts;
  /** Of the subscription that we are set up for, where its address tells. */
  readonly munchkinId: string | undefined;
  /** Told of a start that did not come about; the sweep makes up for it. */
  readonly onNotStarted: (error: unknown) => void;
}

/** How long campaigns are tried to be called back: over a weekend on which nobody mends anything. */
const PATIENCE_MS = 3 * 24 * 60 * 60 * 1000;
/** Marketo waits 30 s at least for its 201; a webhook is to be answered within a second. */
const STEP = { storeMs: 8_000, startMs: 3_000 };
const WEBHOOK = { storeMs: 700, startMs: 200 };

/**
 * Takes what campaigns hand in: kept in the store first, then started, then answered. What is in the store is worked on
 * whatever becomes of this process. The same chunk again is taken again, and changes nothing.
 */
export const createIntake = (intake: Intake): Pick<Service, 'submit' | 'webhook'> => ({
  submit: async (invocation) => {
    const { callbackUrl, token, apiCallBackKey, campaignId, context } = invocation;
    const { munchkinId } = context.subscription;
    if (intake.munchkinId !== undefined && munchkinId.toLowerCase() !== intake.munchkinId) {
      throw new Refused(403, 'context.subscription.munchkinId: this gateway serves another subscription');
    }
    if (typeof allowUrl(callbackUrl, intake.hosts) === 'string') {
      throw new Refused(403, 'callbackUrl: this gateway may not call there (GATEWAY_CALLBACK_HOSTS)');
    }
    const key = keyOfToken(token);
    const secrets = sealSecrets(intake.keys, key, { token, apiCallBackKey, callbackUrl });
    const chunk: NewChunk = {
      ...{ key, source: 'flow-step', campaignId: String(campaignId), munchkinId, secrets },
      ...{ realTime: isRealTime(invocation), patienceMs: PATIENCE_MS, persons: personsOf(key, invocation) },
    };
    await keepAndStart(intake, chunk, STEP);
  },
  webhook: async (request) => {
    // Webhooks have no delivery id: each call is a request of its own.
    const key = keyOfToken(randomUUID());
    const campaignId = request.campaignId === undefined ? null : String(request.campaignId);
    const chunk: NewChunk = {
      ...{ key, source: 'webhook', campaignId, munchkinId: null, secrets: null, realTime: true },
      ...{ patienceMs: PATIENCE_MS, persons: [personOfWebhook(key, request)] },
    };
    await keepAndStart(intake, chunk, WEBHOOK);
  },
});

const keepAndStart = async (
  { starter, onNotStarted }: Intake,
  chunk: NewChunk,
  { storeMs, startMs }: typeof STEP,
): Promise<void> => {
  const fresh = await within(storeMs, 'keeping the request', insertChunk(starter.db, chunk));
  const receivedAt = new Date().toISOString();
  const persons = chunk.persons.map((person) => ({ ...person, kind: null, dynamicsId: null }));
  const start = fresh
    ? startChunk(starter, { ...chunk, receivedAt, started: false, persons })
    : startAgain(starter, chunk.key);
  try {
    await within(startMs, 'starting the work', start);
  } catch (error) {
    onNotStarted(error);
  }
};

/** Delivered again: started again only if it was not started the first time. */
const startAgain = async (starter: Starter, key: string): Promise<void> => {
  await startStoredChunk(starter, key, { onlyIfNotStarted: true });
};
