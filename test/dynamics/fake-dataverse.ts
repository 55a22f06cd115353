import type { AddressInfo } from 'node:net';

import fastify from 'fastify';

import {
  createDynamics,
  type Dynamics,
  type DynamicsOptions,
  type DynamicsSettings,
} from '../../dynamics/index.js';
import { unlimitedBudget } from '../../rules/budget.js';

export interface Heard {
  readonly method: string;
  /** As it came over the wire. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** An answer to give; `drop` ends the connection without one, `cut` in the middle of it, `hang` never answers. */
export type Reply =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | 'drop'
  | 'cut'
  | 'hang';

export interface FakeDataverse {
  readonly url: string;
  readonly heard: Heard[];
  readonly tokenRequests: Heard[];
  /** Answers every request below the API root. */
  answer: (request: Heard) => Reply | Promise<Reply>;
  /** Answers the token endpoint. */
  token: (count: number) => Reply | Promise<Reply>;
  connect(options?: Partial<DynamicsOptions>, settings?: Partial<DynamicsSettings>): Dynamics;
  close(): Promise<void>;
}

export const SECRET = 'sekret-of-the-app';
export const API = '/api/data/v9.2/';

/** A server on loopback whose every answer the test decides, with a token endpoint beside it. */
export async function startFakeDataverse(): Promise<FakeDataverse> {
  const server = fastify({ forceCloseConnections: true });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  const connected: Dynamics[] = [];
  const fake: FakeDataverse = {
    url: '',
    heard: [],
    tokenRequests: [],
    answer: () => ({ status: 204 }),
    token: (count) => ({ status: 200, body: tokenBody(`token-${count}`) }),
    connect(options, settings) {
      const dynamics = createDynamics(
        {
          url: fake.url,
          tenantId: 'tenant-1',
          clientId: '11111111-0000-4000-8000-000000000001',
          clientSecret: SECRET,
          tokenEndpoint: `${fake.url}/tenant-1/oauth2/v2.0/token`,
          ...settings,
        },
        { budget: unlimitedBudget, ...options },
      );
      connected.push(dynamics);
      return dynamics;
    },
    async close() {
      for (const dynamics of connected) dynamics.close();
      await server.close();
    },
  };
  server.all('/*', async (request, reply) => {
    const heard: Heard = {
      method: request.method,
      url: request.raw.url ?? '',
      headers: request.headers as Record<string, string | undefined>,
      body: typeof request.body === 'string' ? request.body : '',
    };
    const isToken = heard.url.includes('/oauth2/v2.0/token');
    (isToken ? fake.tokenRequests : fake.heard).push(heard);
    const answer = await (isToken ? fake.token(fake.tokenRequests.length) : fake.answer(heard));
    if (answer === 'drop') return request.raw.socket.destroy();
    if (answer === 'cut') {
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
      reply.raw.write('{"value":[', () => request.raw.socket.destroy());
      return reply;
    }
    if (answer === 'hang') return new Promise<never>(() => undefined);
    const body = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? '');
    const type = typeof answer.body === 'string' ? 'text/html' : 'application/json; odata.metadata=minimal';
    return reply
      .code(answer.status)
      .headers({ 'content-type': type, 'odata-version': '4.0', ...answer.headers })
      .send(answer.body === undefined ? '' : body);
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  return Object.assign(fake, { url: `http://127.0.0.1:${port}` });
}

export const tokenBody = (token: string, expiresIn = 3599): Record<string, unknown> => ({
  token_type: 'Bearer',
  expires_in: expiresIn,
  ext_expires_in: expiresIn,
  access_token: token,
});

/** Dataverse's error envelope. */
export const errorReply = (
  status: number,
  code: string | undefined,
  message = 'Refused.',
  headers: Readonly<Record<string, string>> = {},
): Exclude<Reply, string> => ({
  status,
  headers,
  body: { error: { ...(code !== undefined && { code }), message } },
});

/** An invented GUID by number. */
export const id = (number: number): string =>
  `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
