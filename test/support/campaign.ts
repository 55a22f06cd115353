import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallbackPorts } from '../../activities/settings.js';
import { sealSecrets } from '../../config/callback-secrets.js';
import { sealingKey, type KeyRing } from '../../config/sealing.js';
import { keyOfToken, personsOf } from '../../client/gateway/chunk-of.js';
import { invocation } from '../../client/gateway/schemas.js';
import { createPoster } from '../../marketo/callbacks/post.js';
import { insertChunk } from '../../store/chunks.js';
import type { Database } from '../../store/database.js';

export interface Callback {
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly munchkinId: string;
    readonly token: string;
    readonly objectData: readonly {
      readonly leadData: Readonly<Record<string, unknown>> & { readonly id: number };
      readonly activityData: Readonly<Record<string, unknown>>;
    }[];
  };
}

/** What the door does with the next callback: a status, or no answer at all after it was taken or instead of it. */
export type Answer = number | 'drop-after' | 'drop-before' | { readonly redirect: string };

/** Marketo's side of a campaign: the door for callbacks, whose tokens work once. */
export interface CallbackDoor {
  readonly url: string;
  /** Callbacks that were taken. */
  readonly accepted: Callback[];
  /** Every call, taken or not. */
  readonly calls: { count: number };
  readonly next: (...answers: Answer[]) => void;
  readonly close: () => Promise<void>;
}

export const openCallbackDoor = async (): Promise<CallbackDoor> => {
  const accepted: Callback[] = [];
  const calls = { count: 0 };
  const answers: Answer[] = [];
  const used = new Set<string>();
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => (text += part.toString()));
    request.on('end', () => {
      calls.count += 1;
      const answer = answers.shift() ?? 202;
      if (typeof answer === 'object')
        return void response.writeHead(307, { location: answer.redirect }).end();
      if (answer === 'drop-before') return void request.socket.destroy();
      if (typeof answer === 'number' && answer >= 300) return void response.writeHead(answer).end();
      const token = String(request.headers['x-callback-token']);
      if (used.has(token)) return void response.writeHead(401).end();
      used.add(token);
      accepted.push({ headers: request.headers, body: JSON.parse(text) as Callback['body'] });
      if (answer === 'drop-after') return void request.socket.destroy();
      response.writeHead(answer).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/customflowaction/submit`,
    accepted,
    calls,
    next: (...more) => void answers.push(...more),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};

export const newKeys = (): KeyRing => [sealingKey(randomBytes(32))];

export const callbackPorts = (keys: KeyRing = newKeys()): CallbackPorts => ({
  poster: createPoster(),
  hosts: ['127.0.0.1'],
  keys,
});

export interface ChunkOptions {
  readonly callbackUrl: string;
  readonly syncAs?: string;
  readonly assignTo?: string;
  readonly type?: 'trigger' | 'batch';
  readonly token?: string;
}

/** The body of an invocation, as Marketo sends it. */
export const invocationOf = (ids: readonly number[], options: ChunkOptions) => ({
  token: options.token ?? randomBytes(24).toString('base64url'),
  batchid: randomUUID(),
  apiCallBackKey: 'key-of-the-gateway',
  campaignId: 1203,
  callbackUrl: options.callbackUrl,
  context: {
    subscription: { munchkinId: '123-ABC-456', prefix: 'acme' },
    campaign: { id: 1203, name: 'MQL to sales', type: options.type ?? 'batch' },
  },
  objectData: ids.map((id) => ({
    objectType: 'lead' as const,
    objectContext: { id, emailAddress: `person-${String(id)}@secret.example` },
    flowStepContext: { syncAs: options.syncAs ?? 'lead', assignTo: options.assignTo ?? '' },
    triggeringContext: { name: 'Contact us', triggerName: 'Filled Out Form' },
  })),
});

/** Keeps a chunk as the gateway does, and gives its key. */
export const keepChunk = async (
  db: Database,
  keys: KeyRing,
  ids: readonly number[],
  options: ChunkOptions & { readonly patienceMs?: number },
): Promise<string> => {
  const asked = invocation.parse(invocationOf(ids, options));
  const { token, apiCallBackKey, callbackUrl } = asked;
  const key = keyOfToken(token);
  await insertChunk(db, {
    ...{ key, source: 'flow-step', campaignId: '1203', munchkinId: '123-ABC-456', realTime: false },
    secrets: sealSecrets(keys, key, { token, apiCallBackKey, callbackUrl }),
    patienceMs: options.patienceMs ?? 60_000,
    persons: personsOf(key, asked),
  });
  return key;
};
