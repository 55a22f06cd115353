import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChunkActivities, createOnDemandActivities } from '../../../activities/index.js';
import { buildGateway } from '../../../client/gateway/app.js';
import { createIntake } from '../../../client/gateway/intake.js';
import { createPicklists } from '../../../client/gateway/owners.js';
import { readServiceStatus } from '../../../client/gateway/status.js';
import { buildChunkQueue, buildCreatePersonId, buildOnDemandQueue } from '../../../config/names.js';
import { freePorts } from '../../../launch/ports.js';
import type { AdminRecord } from '../../../simulators/admin-doors.js';
import { integrationTeam, people } from '../../../simulators/dataverse/rights/people.js';
import { installFlowStep } from '../../../simulators/install-flow-step.js';
import { callbackPorts } from '../../support/campaign.js';
import { newEmail } from '../../support/groups.js';
import { eventually } from '../../support/running.js';
import { startWorld, type World } from '../../support/world.js';
import { temporalServer } from '../../workflows/servers.js';

const server = temporalServer('dev');
const API_KEY = 'the-key-that-an-administrator-pastes-into-marketo';
const WEBHOOK_SECRET = 'the-secret-that-webhooks-show-in-a-header';
const callbacks = callbackPorts();

let world: World;
let app: FastifyInstance;
let origin: string;
let serviceId: number;

beforeAll(async () => {
  world = await startWorld();
  const [port = 0] = await freePorts(1);
  origin = `http://127.0.0.1:${String(port)}`;
  app = gateway();
  await app.listen({ port, host: '127.0.0.1' });
});
afterAll(async () => {
  await app.close();
  callbacks.poster.close();
  await world.close();
});

const gateway = (): FastifyInstance => {
  const starter = { client: server.env.client, db: world.db, installation: 'test' };
  return buildGateway({
    service: {
      ...createIntake({
        ...{ starter, keys: callbacks.keys, hosts: callbacks.hosts, munchkinId: '123-abc-456' },
        onNotStarted: (error) => {
          throw error;
        },
      }),
      picklist: createPicklists(world.ports.dynamics),
      status: () => readServiceStatus({ ...starter, namespace: 'default' }),
    },
    apiKey: API_KEY,
    webhookSecret: WEBHOOK_SECRET,
    published: { publicUrl: origin, supportContact: 'crm@example.com', version: '1.0.0' },
    logger: pino({ level: 'silent' }),
    isReady: () => Promise.resolve(true),
  });
};

/** A worker of both queues of campaigns while the test runs. */
const withWorkers = async (test: () => Promise<void>): Promise<void> => {
  const ports = { ...world.ports, callbacks };
  const [onDemand, bulk] = await Promise.all([
    server.worker(buildOnDemandQueue('test'), createOnDemandActivities(ports)),
    server.worker(buildChunkQueue('test'), createChunkActivities(ports)),
  ]);
  await onDemand.runUntil(() => bulk.runUntil(test));
};

/** Marketo's own administrative door. */
const admin = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${world.marketo}/admin${path}`, { method, ...content });
  const text = await response.text();
  expect(response.ok, `${method} ${path}: ${text}`).toBe(true);
  return JSON.parse(text) as Record<string, unknown>;
};

const chunks = async (): Promise<readonly Record<string, unknown>[]> =>
  (await admin('GET', `/flow-steps/${String(serviceId)}/chunks`))['chunks'] as Record<string, unknown>[];

const fillIn = async (values: AdminRecord): Promise<number> =>
  (await admin('POST', '/forms/fill', { form: 'Contact us', values }))['id'] as number;

/** Every invocation of the step so far has been answered. */
const answered = async (count: number): Promise<void> =>
  eventually(`${String(count)} answered invocations`, async () => {
    const states = (await chunks()).map(({ state }) => state);
    return states.length === count && states.every((state) => state === 'answered');
  });

/** Calls at Marketo's door for callbacks since the last look, taken or not. */
const callbackCalls = async (): Promise<number> => {
  const { marketo } = await world.calls();
  const calls = Object.entries(marketo).filter(([call]) => call.includes('/customflowaction'));
  return calls.reduce((sum, [, count]) => sum + count, 0);
};

/** What the step left on the person's log. */
const told = async (id: number): Promise<readonly Record<string, unknown>[]> => {
  const { typeId } = await admin('GET', `/flow-steps/${String(serviceId)}`);
  const { activities } = await admin('GET', `/activities?typeId=${String(typeId)}`);
  const found = activities as { leadId: number; attributes: { apiName: string; value: unknown }[] }[];
  return found
    .filter(({ leadId }) => leadId === id)
    .map(({ attributes }) => Object.fromEntries(attributes.map(({ apiName, value }) => [apiName, value])));
};

const installation = () => ({
  ...{ marketo: world.marketo, url: `${origin}/install`, credentials: { apiKey: API_KEY } },
  campaign: { name: 'To sales', parameters: { syncAs: 'lead', assignTo: people.sales.id } },
});

describe('The flow step, installed in Marketo as its administrator does', () => {
  it('passes every rule for services, with its choices and mappings', async () => {
    ({ serviceId } = await installFlowStep(installation()));
    const service = await admin('GET', `/flow-steps/${String(serviceId)}`);
    const incoming = ['dynamicsId', 'dynamicsType'].map((name) => ({
      ...{ serviceAttribute: name, dataType: 'string', marketoAttribute: name, active: true },
    }));
    expect(service).toMatchObject({ apiName: 'syncPersonToMicrosoft', incoming });
    const choices = (service['picklists'] as Record<string, { submittedValue: string }[]>)['flow:assignTo'];
    expect(choices?.map(({ submittedValue }) => submittedValue)).toEqual(
      expect.arrayContaining([people.sales.id, `team:${integrationTeam.id}`]),
    );
  });

  it('makes the record of a person who fills in a form, and one callback writes its id back', async () => {
    await withWorkers(async () => {
      await world.calls();
      const email = newEmail();
      const id = await fillIn({ email, lastName: 'Lovelace' });
      await answered(1);
      expect(await callbackCalls()).toBe(1);
      const { dynamicsId, dynamicsType } = await world.person(id);
      expect(dynamicsType).toBe('lead');
      expect(await world.row('leads', String(dynamicsId))).toMatchObject({
        ...{ emailaddress1: email, lastname: 'Lovelace', _ownerid_value: people.sales.id },
      });
      expect(await told(id)).toMatchObject([
        { success: true, dynamicsOutcome: 'created', dynamicsRecordId: dynamicsId },
      ]);
    });
  });

  it('answers a person who fills in a form again without touching its record', async () => {
    await withWorkers(async () => {
      const email = newEmail();
      const id = await fillIn({ email, lastName: 'Byron' });
      await answered(2);
      const { dynamicsId } = await world.person(id);
      // A request that meets the run that made the record joins it, and gets its answer.
      const run = buildCreatePersonId({ installation: 'test', marketoId: id });
      await server.env.client.workflow.getHandle(run).result();
      expect(await fillIn({ email, lastName: 'King' })).toBe(id);
      await answered(3);
      expect((await told(id)).map(({ dynamicsOutcome: outcome }) => outcome).toSorted()).toEqual([
        'already-there',
        'created',
      ]);
      expect(await world.row('leads', String(dynamicsId))).toMatchObject({ lastname: 'Byron' });
    });
  });

  it('works the chunk of a batch campaign off at once: one callback for all, and each has its answer', async () => {
    const company = `Engines ${randomUUID()}`;
    const some = (count: number, values: AdminRecord = {}): AdminRecord[] =>
      Array.from({ length: count }, () => ({ email: newEmail(), lastName: 'Ito', company, ...values }));
    const ids = await world.doors.createPersons(some(19));
    const [refused = 0] = await world.doors.createPersons(some(1, { title: 'Test Robot' }));
    const flow = [{ do: 'flowStep', service: 'syncPersonToMicrosoft', parameters: { syncAs: 'contact' } }];
    const filter = { where: [{ field: 'company', is: company }] };
    const { id: campaign } = await admin('POST', '/campaigns', { name: 'All', type: 'batch', filter, flow });
    await withWorkers(async () => {
      await world.calls();
      await admin('POST', `/campaigns/${String(campaign)}/run`, {});
      await answered(4);
      expect(await callbackCalls()).toBe(1);
    });
    expect((await chunks())[0]).toMatchObject({ persons: 20, deliveries: 1, notes: [], waiting: [] });
    for (const id of ids) {
      const { dynamicsId, dynamicsType, email } = await world.person(id);
      expect(dynamicsType).toBe('contact');
      expect(await world.row('contacts', String(dynamicsId))).toMatchObject({ emailaddress1: email });
    }
    expect(await world.person(refused)).toMatchObject({ dynamicsId: null, dynamicsType: null });
    expect(await told(refused)).toMatchObject([{ success: false, errorCode: 'REFUSED' }]);
    await world.settled();
    expect(await world.duplicates()).toEqual([]);
  });
});

describe('The webhook, set up in Marketo as docs/campaigns.md says', () => {
  it('makes the record of the person whose trigger campaign calls it', async () => {
    await admin('POST', '/webhooks', {
      ...{ name: 'Sync Person to Dynamics', url: `${origin}/webhook`, method: 'POST', encoding: 'json' },
      payload: '{"id":{{lead.Id}},"syncAs":"contact","campaignId":{{campaign.id}}}',
      headers: { 'x-webhook-secret': WEBHOOK_SECRET, 'Content-Type': 'application/json' },
      responseType: 'json',
    });
    const flow = [{ do: 'callWebhook', webhook: 'Sync Person to Dynamics' }];
    const triggers = [{ on: 'personCreated' }];
    const { id: campaign } = await admin('POST', '/campaigns', { name: 'Hook', triggers, flow });
    await withWorkers(async () => {
      const email = newEmail();
      const [id = 0] = await world.doors.createPersons([{ email, lastName: 'Hamilton' }]);
      const requests = () =>
        world.db.selectFrom('requests').selectAll().where('marketo_id', '=', id).execute();
      await eventually('the request', async () => (await requests()).length > 0);
      expect(await requests()).toMatchObject([{ campaign_id: String(campaign), outcome: 'created' }]);
      const { dynamicsId, dynamicsType } = await world.person(id);
      expect(dynamicsType).toBe('contact');
      expect(await world.row('contacts', String(dynamicsId))).toMatchObject({ emailaddress1: email });
    });
  });
});
