import { API_KEY, WEBHOOK_SECRET } from '../../support/gateway-process.js';
import { connect, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGateway } from '../../../client/gateway/app.js';
import { createIntake } from '../../../client/gateway/intake.js';
import { openApiDocument } from '../../../client/gateway/openapi.js';
import { callbackPorts, invocationOf } from '../../support/campaign.js';
import { migratedDatabase, type MigratedDatabase } from '../../support/migrated.js';

const PUBLISHED = { publicUrl: 'https://g.example.com', supportContact: 'a@example.com', version: '1.0.0' };
const callbacks = callbackPorts();

let database: MigratedDatabase;
let app: FastifyInstance;
let port: number;
let started = 0;
const log: string[] = [];

const gateway = (): FastifyInstance => {
  const start = (): Promise<void> => Promise.resolve(void (started += 1));
  const client = { withDeadline: start } as never;
  return buildGateway({
    service: {
      ...createIntake({
        starter: { client, db: database.db, installation: 'test' },
        // As in an installation whose address does not tell the subscription.
        ...{ keys: callbacks.keys, hosts: ['*.adobe.io'], munchkinId: undefined },
        onNotStarted: () => undefined,
      }),
      picklist: () => Promise.resolve({ choices: [] }),
      status: () => Promise.resolve({ info: ['up'], warnings: [], errors: [] }),
    },
    ...{ apiKey: API_KEY, webhookSecret: WEBHOOK_SECRET, published: PUBLISHED },
    logger: pino({ level: 'trace' }, { write: (line: string) => void log.push(line) }),
    isReady: () => Promise.resolve(true),
  });
};

beforeAll(async () => {
  database = await migratedDatabase();
  app = gateway();
  await app.listen({ port: 0, host: '127.0.0.1' });
  port = (app.server.address() as AddressInfo).port;
});
afterAll(async () => {
  await app.close();
  callbacks.poster.close();
  await database.close();
});

interface Answer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** Writes bytes as they are, which no client library would, and reads until the server ends the connection. */
const raw = (...parts: readonly (string | Uint8Array)[]): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const read: Buffer[] = [];
    socket.on('data', (part: Buffer) => void read.push(part));
    // What was refused need not be read to its end: a reset after the answer is none of its words.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const text = Buffer.concat(read).toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) reject(new Error(`no answer: ${text}`));
      const headers = text.slice(0, end);
      resolve({ status: Number(headers.slice(9, 12)), headers, body: text.slice(end + 4) });
    });
    for (const part of parts) socket.write(part);
  });

const send = (
  request: string,
  headers: readonly (readonly [string, string])[],
  body: Uint8Array | string,
): Promise<Answer> => {
  const bytes = Buffer.from(body);
  const length = ['content-length', String(bytes.length)] as const;
  const lines = [['host', 'gateway'], ['connection', 'close'], length, ...headers]
    .map(([name = '', value = '']) => `${name}: ${value}\r\n`)
    .join('');
  return raw(Buffer.from(`${request} HTTP/1.1\r\n${lines}\r\n`, 'latin1'), bytes);
};

const JSON_TYPE = ['content-type', 'application/json'] as const;
const KEY = ['x-api-key', API_KEY] as const;
const SECRET = ['x-webhook-secret', WEBHOOK_SECRET] as const;

interface Declared {
  readonly paths: Readonly<
    Record<string, Record<string, { responses: Record<string, unknown>; requestBody?: unknown }>>
  >;
}
const declared = JSON.parse(JSON.stringify(openApiDocument({ ...PUBLISHED, webhook: true }))) as Declared;

/** What the document says that a page may answer, beside a good answer; 404 for a page that is not in it. */
const refusalsOf = (path: string): readonly number[] => {
  const [operation] = Object.values(declared.paths[path] ?? {});
  const statuses = Object.keys(operation?.responses ?? {}).map(Number);
  return operation === undefined ? [404] : statuses.filter((status) => status >= 400 && status < 500);
};

const kept = async (): Promise<number> => {
  const chunks = await database.db.selectFrom('chunks').select('key').execute();
  return chunks.length;
};

const expectRefusal = ({ status, headers, body }: Answer, among: readonly number[]): void => {
  expect(among, body).toContain(status);
  const told = JSON.parse(body) as Record<string, unknown>;
  expect(Object.keys(told)).toEqual(['error', 'requestId']);
  expect(headers).toContain(`x-request-id: ${String(told['requestId'])}`);
};

const expectUntouched = async (): Promise<void> => {
  expect([await kept(), started]).toEqual([0, 0]);
  expect((await send('GET /livez', [], '')).status).toBe(200);
  expect(log.filter((line) => line.includes('"level":50'))).toEqual([]);
};

const GOOD = invocationOf([501], { callbackUrl: 'https://mkto.adobe.io/x', type: 'trigger' });
const GOOD_WEBHOOK = { id: 501, syncAs: 'lead' };

/** No text at all, no object, or one whose required member is gone or of another type: none can be taken. */
const spoiltBody = (good: object): fc.Arbitrary<string | Uint8Array> => {
  const required = Object.keys(good).filter((name) => !['batchid', 'syncAs'].includes(name));
  const wrong = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.array(fc.jsonValue()).filter((list) => list.every((each) => typeof each !== 'object')),
    fc.record({ __proto__: fc.constant(null), x: fc.jsonValue() }),
    fc.constantFrom(-1, 0.5, '', 'x\u0000y', 'x\r\ny: z', '\ud800', '{{lead.Id}}', '9'.repeat(400)),
  );
  return fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: 'binary' }),
    fc
      .jsonValue()
      .filter((value) => typeof value !== 'object')
      .map((value) => JSON.stringify(value)),
    fc.constantFrom('__proto__', 'constructor').map((name) => `{"${name}":{"prototype":{}},"x":1}`),
    fc.constantFrom(...required).map((name) => JSON.stringify({ ...good, [name]: undefined })),
    fc
      .tuple(fc.constantFrom(...required), wrong)
      .map(([name, value]) => JSON.stringify({ ...good, [name]: value })),
    fc.nat({ max: JSON.stringify(good).length - 1 }).map((end) => JSON.stringify(good).slice(0, end)),
  );
};

/** Values of headers as bytes may come; an own end of line would begin another header. */
const headerValue = fc.uint8Array({ maxLength: 60 }).map((bytes) =>
  Buffer.from(bytes)
    .toString('latin1')
    .replace(/[\r\n\0]/g, ''),
);
const wrongSecret = (ours: string) =>
  fc.oneof(
    headerValue,
    fc.constantFrom('', ours.slice(1), ours.slice(0, -1), `${ours}x`, ours.toUpperCase(), `${ours},${ours}`),
    fc.constantFrom(API_KEY, WEBHOOK_SECRET).filter((value) => value !== ours),
  );
const oddHeaders = fc.array(
  fc.tuple(
    fc.oneof(
      fc.constantFrom('accept', 'content-encoding', 'x-forwarded-for', 'cookie', 'authorization', 'origin'),
      fc
        .stringMatching(/^x-[a-z0-9]{1,20}$/)
        .filter((name) => !['x-api-key', 'x-webhook-secret'].includes(name)),
    ),
    headerValue,
  ),
  { maxLength: 4 },
);

describe('Whatever bytes come', () => {
  it('with the key, and a body that cannot be taken: a declared refusal, and nothing is begun', async () => {
    const doors = [
      ['/submitAsyncAction', GOOD, KEY],
      ['/webhook', GOOD_WEBHOOK, SECRET],
      ['/getPicklist', { name: 'assignTo', type: 'flow' }, KEY],
    ] as const;
    const cases = fc
      .constantFrom(...doors)
      .chain(([path, good, secret]) => fc.tuple(fc.constant(path), fc.constant(secret), spoiltBody(good)));
    await fc.assert(
      fc.asyncProperty(cases, oddHeaders, async ([path, secret, body], headers) => {
        expectRefusal(await send(`POST ${path}`, [JSON_TYPE, secret, ...headers], body), refusalsOf(path));
      }),
      { numRuns: 400, seed: 11 },
    );
    await expectUntouched();
  });

  it('with a wrong secret, also with a good body: 401 or 429, and nothing is begun', async () => {
    const doors = [
      ['POST', '/submitAsyncAction', GOOD, 'x-api-key', API_KEY],
      ['POST', '/webhook', GOOD_WEBHOOK, 'x-webhook-secret', WEBHOOK_SECRET],
      ['GET', '/status', undefined, 'x-api-key', API_KEY],
    ] as const;
    const cases = fc
      .constantFrom(...doors)
      .chain((door) => fc.tuple(fc.constant(door), fc.option(wrongSecret(door[4]))));
    await fc.assert(
      fc.asyncProperty(cases, oddHeaders, async ([[method, path, body, header], secret], headers) => {
        const shown = secret === null ? [] : ([[header, secret]] as const);
        const content = body === undefined ? '' : JSON.stringify(body);
        const answer = await send(`${method} ${path}`, [JSON_TYPE, ...shown, ...headers], content);
        expectRefusal(answer, [401, 429, 400]);
      }),
      { numRuns: 300, seed: 12 },
    );
    await expectUntouched();
  });

  it('by any method at any page: what is not there says so', async () => {
    const path = fc.oneof(
      fc.constantFrom(...Object.keys(declared.paths)),
      fc.webPath().map((text) => (text.startsWith('/') ? text : `/${text}`)),
      fc.constantFrom(
        '/../etc/passwd',
        '/%00',
        '/%',
        '//submitAsyncAction',
        '/status/',
        '/STATUS',
        '/a?b=%ff',
      ),
    );
    const method = fc.constantFrom('PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'SEARCH');
    await fc.assert(
      fc.asyncProperty(method, path, async (verb, page) => {
        const answer = await send(`${verb} ${page}`, [KEY, SECRET], '');
        expectRefusal(answer, [404, 405, 400]);
      }),
      { numRuns: 200, seed: 13 },
    );
    await expectUntouched();
  });
});

const HEAD = `POST /submitAsyncAction HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-api-key: ${API_KEY}\r\ncontent-type: application/json\r\n`;
const many = (count: number, value: string): string =>
  Array.from({ length: count }, (_, index) => `x-h${String(index)}: ${value}\r\n`).join('');

describe('What no request can be made of', () => {
  it.each([
    ['a flood of headers', `GET /livez HTTP/1.1\r\nhost: x\r\n${many(1_000, 'a'.repeat(100))}\r\n`, 431],
    ['a handshake of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n', 400],
    ['two lengths', `${HEAD}content-length: 3\r\ncontent-length: 4\r\n\r\n{}`, 400],
    [
      'a length beside chunks',
      `${HEAD}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['a broken chunk', `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`, 400],
    ['an expectation that nobody has', `${HEAD}expect: wonders\r\ncontent-length: 0\r\n\r\n`, 400],
  ])('%s: is answered in our form', async (_what, bytes, status) => {
    expectRefusal(await raw(bytes), [status]);
    await expectUntouched();
  });

  it.each([
    ['says that it is compressed', ['content-encoding', 'gzip'], JSON.stringify(GOOD), 415],
    ['is not UTF-8', ['accept', '*/*'], Buffer.from('{"token":"\xff\xfe"}', 'latin1'), 400],
    ['nests a million deep', ['accept', '*/*'], '{"token":'.repeat(400_000), 400],
    [
      'has 10,000 persons',
      ['accept', '*/*'],
      JSON.stringify({ ...GOOD, objectData: Array.from({ length: 10_000 }, () => GOOD.objectData[0]) }),
      400,
    ],
  ] as const)('a body that %s', async (_what, header, body, status) => {
    expectRefusal(await send('POST /submitAsyncAction', [JSON_TYPE, KEY, header], body), [status, 413]);
    await expectUntouched();
  });

  it('a body that comes too slowly ends after the time for it, and others are answered meanwhile', async () => {
    expect([app.server.requestTimeout, app.server.headersTimeout]).toEqual([20_000, 10_000]);
    Object.assign(app.server, { requestTimeout: 500, headersTimeout: 500 });
    const began = performance.now();
    const slow = raw(`${HEAD}content-length: 100\r\n\r\n{`);
    await expectUntouched();
    expectRefusal(await slow, [408]);
    // Looked after every second.
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});

describe('A flood', () => {
  const floodOf = (other: FastifyInstance, url: string, headers: Readonly<Record<string, string>>) =>
    Promise.all(Array.from({ length: 300 }, () => other.inject({ url, headers })));

  it('of strangers is slowed down, and those with the key, and probes, are not', async () => {
    const other = gateway();
    const answers = await floodOf(other, '/status', { 'x-api-key': 'wrong' });
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([401, 429]));
    expect(answers.find(({ statusCode }) => statusCode === 429)?.headers['retry-after']).toBe('1');
    const ours = await other.inject({ url: '/getServiceDefinition', headers: { 'x-api-key': API_KEY } });
    expect(ours.statusCode).toBe(200);
    // Or an orchestrator would end a gateway that is well because of somebody without a key.
    for (const url of ['/healthz', '/livez']) {
      const probes = await floodOf(other, url, {});
      expect(new Set(probes.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    }
    await other.close();
  });
});
