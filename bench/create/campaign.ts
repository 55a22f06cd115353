import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Stack } from './stack.js';

/** Marketo's side of a campaign: hands persons to the gateway, and takes its callbacks. */
export interface Campaign {
  /**
   * Hands persons in as one invocation of the flow step. A single one is a trigger campaign's, many are a batch
   * campaign's chunk. Resolves with the gateway's answer, 201.
   */
  readonly request: (ids: readonly number[]) => Promise<Requested>;
  readonly close: () => Promise<void>;
}

export interface Requested {
  /** Milliseconds until the 201. */
  readonly takenMs: number;
  /** Resolves when the campaign was called back, with the outcomes that it was told. */
  readonly told: Promise<readonly string[]>;
}

interface Callback {
  readonly objectData: readonly { readonly activityData?: { readonly dynamicsOutcome?: unknown } }[];
}

export const openCampaign = async ({ gateway, apiKey }: Stack): Promise<Campaign> => {
  const waiting = new Map<string, (outcomes: readonly string[]) => void>();
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => void (text += part.toString()));
    request.on('end', () => {
      const { objectData } = JSON.parse(text) as Callback;
      const token = String(request.headers['x-callback-token']);
      waiting.get(token)?.(objectData.map(({ activityData }) => String(activityData?.dynamicsOutcome)));
      waiting.delete(token);
      response.writeHead(202, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const callbackUrl = `http://127.0.0.1:${port}/customflowaction/submit`;
  return {
    request: async (ids) => {
      const token = randomBytes(24).toString('base64url');
      const told = new Promise<readonly string[]>((resolve) => void waiting.set(token, resolve));
      const body = JSON.stringify(invocation(ids, token, callbackUrl));
      const began = performance.now();
      const answer = await fetch(`${gateway}/submitAsyncAction`, {
        ...{ method: 'POST', body },
        headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
      });
      const takenMs = performance.now() - began;
      if (answer.status !== 201)
        throw new Error(`the gateway answered ${answer.status}: ${await answer.text()}`);
      await answer.arrayBuffer();
      return { takenMs, told };
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};

const invocation = (ids: readonly number[], token: string, callbackUrl: string): object => ({
  ...{ token, callbackUrl, batchid: randomUUID(), apiCallBackKey: 'key-of-the-gateway', campaignId: 1203 },
  context: {
    subscription: { munchkinId: '123-ABC-456', prefix: 'acme' },
    campaign: { id: 1203, name: 'MQL to sales', type: ids.length === 1 ? 'trigger' : 'batch' },
  },
  objectData: ids.map((id) => ({
    ...{ objectType: 'lead', objectContext: { id }, flowStepContext: { syncAs: 'lead', assignTo: '' } },
    triggeringContext: { name: 'Contact us', triggerName: 'Filled Out Form' },
  })),
});
