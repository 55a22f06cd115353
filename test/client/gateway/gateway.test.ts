import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChunkActivities, createOnDemandActivities } from '../../../activities/index.js';
import { sweepOnce, type Starter } from '../../../activities/start-chunks.js';
import { buildGateway } from '../../../client/gateway/app.js';
import { keyOfToken } from '../../../client/gateway/chunk-of.js';
import { createIntake } from '../../../client/gateway/intake.js';
import { createPicklists } from '../../../client/gateway/owners.js';
import { readServiceStatus } from '../../../client/gateway/status.js';
import { buildChunkQueue, buildOnDemandQueue } from '../../../config/names.js';
import { callbackPorts, invocationOf, openCallbackDoor, type CallbackDoor } from '../../support/campaign.js';
import { startWorld, type World } from '../../support/world.js';
import { API_KEY, WEBHOOK_SECRET } from '../../support/gateway-process.js';
import { eventually } from '../../support/running.js';
import { temporalServer } from '../../workflows/servers.js';

const server = temporalServer('dev');
const callbacks = callbackPorts();

let world: World;
let door: CallbackDoor;
let app: FastifyInstance;
let origin: string;
let starter: Starter;
const log: string[] = [];

beforeAll(async () => {
  [world, door] = await Promise.all([startWorld(), openCallbackDoor()]);
  starter = { client: server.env.client, db: world.db, installation: 'test' };
  app = gatewayOf(starter);
  origin = await app.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(async () => {
  await app.close();
  callbacks.poster.close();
  await Promise.all([world.close(), door.close()]);
});

const gatewayOf = (own: Starter): FastifyInstance =>
  buildGateway({
    service: {
      ...createIntake({
        ...{ starter: own, keys: callbacks.keys, hosts: callbacks.hosts, munchkinId: '123-abc-456' },
        onNotStarted: () => undefined,
      }),
      picklist: createPicklists(world.ports.dynamics),
      status: () => readServiceStatus({ ...own, namespace: 'default' }),
    },
    apiKey: API_KEY,
    webhookSecret: WEBHOOK_SECRET,
    published: {
      publicUrl: 'https://gateway.example.com',
      supportContact: 'a@example.com',
      version: '1.0.0',
    },
    logger: pino({ level: 'trace' }, { write: (line: string) => void log.push(line) }),
    isReady: () => Promise.resolve(true),
  });

type Headers = Readonly<Record<string, string>>;
const KEY: Headers = { 'x-api-key': API_KEY };

const get = (path: string, headers: Headers = KEY) => fetch(origin + path, { headers });

const post = (path: string, body: unknown, headers: Headers = KEY) =>
  fetch(origin + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const chunks = async (): Promise<number> =>
  Number(
    (
      await world.db
        .selectFrom('chunks')
        .select(({ fn }) => fn.countAll().as('count'))
        .executeTakeFirst()
    )?.count,
  );

const personIn = async (values = {}): Promise<number> => {
  const email = `p${String(Math.random()).slice(2)}@example.com`;
  const [id = 0] = await world.doors.createPersons([{ email, lastName: 'Ito', ...values }]);
  return id;
};

/** A worker of the on-demand queue and the chunks' while the test runs. */
const withWorkers = async (test: () => Promise<void>): Promise<void> => {
  const ports = { ...world.ports, callbacks };
  const [onDemand, bulk] = await Promise.all([
    server.worker(buildOnDemandQueue('test'), createOnDemandActivities(ports)),
    server.worker(buildChunkQueue('test'), createChunkActivities(ports)),
  ]);
  await onDemand.runUntil(() => bulk.runUntil(test));
};

const callbackOf = async (token: string) => {
  const find = () => door.accepted.find(({ body }) => body.token === token);
  await eventually('the callback', () => find() !== undefined);
  return find()?.body.objectData ?? [];
};

describe('Documents', () => {
  it('that must be open are: the OpenAPI document, at both addresses, and pictures', async () => {
    for (const path of ['/openapi.json', '/install', '/brandIcon', '/serviceIcon', '/healthz', '/livez']) {
      expect((await get(path, {})).status, path).toBe(200);
    }
    expect((await get('/brandIcon', {})).headers.get('content-type')).toBe('image/png');
  });

  it('that need not be open are not', async () => {
    for (const path of ['/getServiceDefinition', '/status', '/providerInstructions']) {
      expect((await get(path, {})).status, path).toBe(401);
      expect((await get(path, { 'x-api-key': `${API_KEY}x` })).status, path).toBe(401);
      expect((await get(path)).status, path).toBe(200);
    }
  });

  it('list owners: users who may own rows, and teams', async () => {
    const answer = await post('/getPicklist', { name: 'assignTo', type: 'flow' });
    const { choices } = (await answer.json()) as {
      choices: { displayValue: { en_US: string }; submittedValue: string }[];
    };
    const names = choices.map(({ displayValue }) => displayValue.en_US);
    expect(names).toContain('Maya Lindqvist');
    expect(names).toContain('Team: Integrations');
    // The sync user itself is no person.
    expect(names).not.toContain('# Contact Sync');
    const syncAs = await post('/getPicklist', { name: 'syncAs', type: 'flow' });
    expect(await syncAs.json()).toMatchObject({
      choices: [{ submittedValue: 'lead' }, { submittedValue: 'contact' }],
    });
    expect((await post('/getPicklist', { name: 'other', type: 'flow' })).status).toBe(400);
  });

  it('say that no worker answers', async () => {
    expect(await (await get('/status')).json()).toMatchObject({
      info: ['up'],
      warnings: [expect.stringMatching(/No worker answers/)],
    });
  });
});

describe('A chunk', () => {
  it('is taken with 201, kept without anything personal but ids, and worked on though nobody was there', async () => {
    const ids = [await personIn(), await personIn(), await personIn()];
    const body = invocationOf(ids, { callbackUrl: door.url });
    expect((await post('/submitAsyncAction', body)).status).toBe(201);
    const row = await world.db
      .selectFrom('chunks')
      .selectAll()
      .where('key', '=', keyOfToken(body.token))
      .execute();
    const kept = JSON.stringify([row, await world.db.selectFrom('chunk_persons').selectAll().execute()]);
    for (const secret of [body.token, body.apiCallBackKey, door.url, 'secret.example', 'Contact us'])
      expect(kept).not.toContain(secret);
    await withWorkers(async () => {
      expect(
        (await callbackOf(body.token)).map(({ activityData }) => activityData['dynamicsOutcome']),
      ).toEqual(Array(3).fill('created'));
    });
  });

  it('of a trigger campaign is worked on in real time, by the workflow of its person', async () => {
    const id = await personIn();
    const body = invocationOf([id], { callbackUrl: door.url, type: 'trigger', syncAs: 'contact' });
    await withWorkers(async () => {
      expect((await post('/submitAsyncAction', body)).status).toBe(201);
      expect(await callbackOf(body.token)).toMatchObject([
        { activityData: { dynamicsRecordType: 'contact' } },
      ]);
    });
    const description = await server.env.client.workflow
      .getHandle(`contact-sync/test/create-person/${String(id)}`)
      .describe();
    expect(description.type).toBe('createPerson');
    expect(await world.person(id)).toMatchObject({ dynamicsType: 'contact' });
  });

  it('delivered three times is one chunk, one record and one callback', async () => {
    const id = await personIn();
    const body = invocationOf([id], { callbackUrl: door.url });
    const before = await chunks();
    await withWorkers(async () => {
      for (let times = 0; times < 3; times += 1)
        expect((await post('/submitAsyncAction', body)).status).toBe(201);
      await callbackOf(body.token);
      expect((await post('/submitAsyncAction', body)).status).toBe(201);
      await sleep(300);
    });
    expect(await chunks()).toBe(before + 1);
    expect(door.accepted.filter(({ body: { token } }) => token === body.token)).toHaveLength(1);
  });

  it.each([2, 10, 100])(
    'for one person, %i of them at once: one record, and each has its own callback',
    async (count) => {
      const id = await personIn();
      const bodies = Array.from({ length: count }, () =>
        invocationOf([id], { callbackUrl: door.url, type: 'trigger' }),
      );
      await withWorkers(async () => {
        const answers = await Promise.all(bodies.map((body) => post('/submitAsyncAction', body)));
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
        const told = (await Promise.all(bodies.map(({ token }) => callbackOf(token)))).flat();
        expect(told).toHaveLength(count);
        expect(new Set(told.map(({ activityData }) => activityData['dynamicsRecordId'])).size).toBe(1);
        expect(told.every(({ activityData }) => activityData['success'] === true)).toBe(true);
      });
      const links = (await world.links()).filter(({ marketoId }) => marketoId === id);
      expect(links).toHaveLength(1);
    },
    60_000,
  );

  it('is taken while Temporal does not answer, and started by the sweep', async () => {
    const id = await personIn();
    const body = invocationOf([id], { callbackUrl: door.url });
    const silent = { workflow: { start: () => new Promise(() => undefined) } };
    const deaf = {
      ...starter,
      client: { ...silent, withDeadline: () => new Promise(() => undefined) } as never,
    };
    const other = gatewayOf(deaf);
    const url = '/submitAsyncAction';
    const answer = await other.inject({ method: 'POST', url, headers: KEY, payload: body });
    expect(answer.statusCode).toBe(201);
    await other.close();
    await world.db
      .updateTable('chunks')
      .set({ due_at: new Date(0) })
      .where('started_at', 'is', null)
      .execute();
    await withWorkers(async () => {
      expect(await sweepOnce(starter)).toBe(1);
      expect(await callbackOf(body.token)).toMatchObject([{ activityData: { dynamicsOutcome: 'created' } }]);
    });
  });

  it('whose callback fails at first is answered by the sweep', async () => {
    const id = await personIn();
    const body = invocationOf([id], { callbackUrl: door.url, type: 'trigger' });
    const key = keyOfToken(body.token);
    await withWorkers(async () => {
      door.next(503, 503);
      await post('/submitAsyncAction', body);
      const tried = () =>
        world.db.selectFrom('chunks').select('callback_code').where('key', '=', key).executeTakeFirst();
      await eventually('a callback that failed', async () => (await tried())?.callback_code === 'HTTP 503');
      await sleep(100);
      await world.db
        .updateTable('chunks')
        .set({ due_at: new Date(0) })
        .where('key', '=', key)
        .execute();
      await sweepOnce(starter);
      expect(await callbackOf(body.token)).toHaveLength(1);
    });
  });

  it('of another subscription, or with an address inside, is refused', async () => {
    const before = await chunks();
    const body = invocationOf([1], { callbackUrl: door.url });
    const foreign = { ...body, context: { subscription: { munchkinId: '999-XXX-999' } } };
    expect((await post('/submitAsyncAction', foreign)).status).toBe(403);
    for (const callbackUrl of [
      'http://169.254.169.254/',
      'https://10.0.0.1/',
      'https://example.com/',
      'file:///etc/passwd',
      'http://user:password@127.0.0.1/',
      'http://[::1]/',
      'http://[::ffff:127.0.0.1]/',
    ])
      expect((await post('/submitAsyncAction', { ...body, callbackUrl })).status, callbackUrl).toBe(403);
    expect((await post('/submitAsyncAction', { ...body, callbackUrl: 'nowhere' })).status).toBe(400);
    expect(await chunks()).toBe(before);
  });
});

describe('A webhook', () => {
  const SECRET: Headers = { 'x-webhook-secret': WEBHOOK_SECRET };

  it('is answered within a second, and its person is created', async () => {
    const id = await personIn();
    await withWorkers(async () => {
      const began = performance.now();
      const answer = await post('/webhook', { id: String(id), syncAs: 'lead' }, SECRET);
      expect(performance.now() - began).toBeLessThan(1_000);
      expect([answer.status, await answer.json()]).toEqual([202, { status: 'accepted' }]);
      await eventually('the record', async () => (await world.person(id))['dynamicsId'] != null);
      const chunk = () =>
        world.db.selectFrom('chunks').selectAll().where('source', '=', 'webhook').executeTakeFirst();
      await eventually('its end', async () => (await chunk())?.closed_at != null);
      expect(await chunk()).toMatchObject({ callback: 'none', due_at: null, secrets: null });
    });
  });

  it.each([
    ['no secret', {}, { id: 1 }, 401],
    ['the key of the flow step', KEY, { id: 1 }, 401],
    ['an unknown field', SECRET, { id: 1, sync_as: 'lead' }, 400],
    ['no id', SECRET, { syncAs: 'lead' }, 400],
    ['an id that is none', SECRET, { id: '{{lead.Id}}' }, 400],
    ['another kind', SECRET, { id: 1, syncAs: 'account' }, 400],
    ['a list', SECRET, [{ id: 1 }], 400],
    ['nothing', SECRET, '', 400],
  ])('with %s is refused, and nothing is begun', async (_what, headers, body, status) => {
    const before = await chunks();
    expect((await post('/webhook', body, headers)).status).toBe(status);
    expect(await chunks()).toBe(before);
  });
});

describe('Whatever is sent', () => {
  it.each([
    ['a huge body', () => post('/submitAsyncAction', `"${'x'.repeat(5_000_000)}"`), 413],
    ['a huge body without the key', () => post('/submitAsyncAction', `"${'x'.repeat(5_000_000)}"`, {}), 401],
    ['text', () => post('/submitAsyncAction', 'x', { ...KEY, 'content-type': 'text/plain' }), 415],
    [
      'a form',
      () =>
        post('/submitAsyncAction', 'a=b', { ...KEY, 'content-type': 'application/x-www-form-urlencoded' }),
      415,
    ],
    ['a poisoned object', () => post('/submitAsyncAction', '{"__proto__":{"x":1}}'), 400],
    ['half an object', () => post('/submitAsyncAction', '{"token":'), 400],
    ['another method', () => fetch(`${origin}/submitAsyncAction`, { headers: KEY }), 405],
    ['another page', () => get('/admin'), 404],
    ['an odd address', () => get('/%'), 400],
  ])('as %s has its own answer', async (_what, send, status) => {
    const answer = await send().catch(() => undefined);
    // A server that has refused a body need not read the rest of it: the connection may end first.
    if (answer === undefined) {
      expect([413, 401]).toContain(status);
      return;
    }
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('leaves no secret, address or value in the log', () => {
    const text = log.join('');
    expect(text).toContain('/submitAsyncAction');
    for (const secret of [API_KEY, WEBHOOK_SECRET, 'secret.example', 'key-of-the-gateway', door.url])
      expect(text).not.toContain(secret);
  });
});
