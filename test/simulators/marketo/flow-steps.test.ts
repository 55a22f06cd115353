import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { installFlowStep } from '../../../simulators/install-flow-step.js';
import { startMarketoSimulator, type MarketoSimulatorOptions } from '../../../simulators/marketo/index.js';
import { clockAt, start, type Row, type Subject } from './client.js';
import {
  goodDefinition,
  referenceService,
  type Invocation,
  type ReferenceService,
} from './reference-service.js';

const NOW = '2026-11-20T10:00:00Z';

interface Scene {
  readonly service: ReferenceService;
  readonly subject: Subject;
  readonly serviceId: number;
}

async function scene(options: MarketoSimulatorOptions = {}, definition?: unknown): Promise<Scene> {
  const service = await referenceService();
  onTestFinished(() => service.close());
  if (definition !== undefined) service.definition = definition;
  const subject = await start({ now: clockAt(NOW).now, ...options });
  const { serviceId } = await installFlowStep(installation(service, subject.origin));
  await subject.admin('PATCH', '/settings', { flowStepRedeliveryMs: 1 });
  return { service, subject, serviceId };
}

const installation = (service: ReferenceService, marketo: string) => ({
  ...{ marketo, url: `${service.origin}/openapi.json`, credentials: { apiKey: 'sesame' } },
  globals: { region: 'EU' },
  campaign: {
    name: 'To sales',
    parameters: {
      mode: 'lead',
      greeting: 'Dear {{lead.First Name:default=friend}} of {{trigger.Name}}',
      limit: 3,
    },
  },
});

const fill = (subject: Subject, email: string, values: Row = {}) =>
  subject.admin('POST', '/forms/fill', { form: 'Contact us', values: { email, ...values } });
const invoked = async ({ service }: Scene, count: number): Promise<readonly Invocation[]> => {
  await vi.waitFor(() => expect(service.invocations).toHaveLength(count), { timeout: 10_000, interval: 5 });
  return service.invocations;
};
const statistics = async ({ subject, serviceId }: Scene) =>
  (await subject.admin('GET', `/flow-steps/${serviceId}`))['statistics'] as Row;
const chunks = async ({ subject, serviceId }: Scene, query = '') =>
  (await subject.admin('GET', `/flow-steps/${serviceId}/chunks${query}`))['chunks'] as Row[];
const person = async (subject: Subject, id: number) =>
  (await subject.admin('GET', `/persons/${id}`))['person'] as Row;
const stepActivities = async ({ subject }: Scene) => {
  const { activities } = await subject.admin('GET', '/activities?typeId=100001');
  return (activities as { leadId: number; attributes: { apiName: string; value: unknown }[] }[]).map(
    ({ leadId, attributes }): Row => ({
      leadId,
      ...Object.fromEntries(attributes.map(({ apiName, value }) => [apiName, value])),
    }),
  );
};

describe('a person who fills in a form', () => {
  it('is sent to the service with what it asked for, and gets back what it returns', async () => {
    const given = await scene();
    const { service, subject } = given;
    await fill(subject, 'ada@x.io', { firstName: 'Ada', phone: '+44 1', leadScore: 10 });
    const [invocation] = await invoked(given, 1);
    expect(invocation).toMatchObject({
      ...{ campaignId: 2001, type: 'trigger', batchid: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown },
      callbackUrl: `${subject.origin}/customflowaction/submitCustomFlowAction`,
      context: {
        subscription: { munchkinId: '123-ABC-456' },
        admin: { region: 'EU' },
        campaign: { id: 2001, name: 'To sales', type: 'trigger', parentProgramId: 901, flowId: 12001 },
        program: { id: 901, name: 'Default program' },
      },
    });
    expect(invocation?.objectData).toEqual([
      {
        objectType: 'lead',
        objectContext: { id: 1001, emailAddress: 'ada@x.io', phoneNumber: '+44 1' },
        flowStepContext: { mode: 'lead', greeting: 'Dear Ada of Contact us', limit: 3 },
        programMemberContext: {},
        triggeringContext: { name: 'Contact us', triggerName: 'Filled Out Form' },
      },
    ]);
    const leadData = {
      id: 1001,
      job: 'CTO',
      score: '+5',
      optOut: true,
      demoAt: '2026-11-21T10:00:00.123Z',
      x: 1,
    };
    const activityData = { success: true, recordId: 'r-1', tries: 2, unknown: 'x' };
    expect(await service.callBack({ objectData: [{ leadData, activityData }] })).toBe(202);
    expect(await person(subject, 1001)).toMatchObject({
      ...{ title: 'CTO', leadScore: 15, unsubscribed: true, lastDemoAt: '2026-11-21T10:00:00Z' },
    });
    const { activities } = await subject.admin('GET', '/activities?typeId=13&leadId=1001');
    expect((activities as Row[])[0]).toMatchObject({
      attributes: expect.arrayContaining([
        { name: 'Reason', value: 'Smart Campaign: 2001, Step Seq ID: 1' },
        { name: 'Source', value: 'Refer (1)' },
      ]) as unknown,
    });
    expect(await stepActivities(given)).toEqual([
      {
        leadId: 1001,
        greeting: 'Dear Ada of Contact us',
        limit: 3,
        recordId: 'r-1',
        tries: 2,
        success: true,
      },
    ]);
    expect((await chunks(given))[0]).toMatchObject({
      ...{ state: 'answered', waiting: [], deliveries: 1, notes: ["person 1001: 'x' was passed by"] },
    });
    const types = (await subject.get('/activities/types.json')).result;
    expect(types.find(({ id }) => id === 100_001)).toMatchObject({ name: 'Refer', apiName: 'reference' });
    const journal = (await subject.admin('GET', '/journal/summary')) as Record<string, number>;
    expect(journal['POST /customflowaction/submitCustomFlowAction']).toBe(1);
  });

  it('goes on to the next step with the returned values, and the service’s own trigger fires', async () => {
    const given = await scene();
    const { service, subject } = given;
    const flow = [
      { do: 'changeDataValue', field: 'department', value: 'before' },
      { do: 'flowStep', service: 'reference', parameters: { mode: 'contact' } },
      { do: 'changeDataValue', field: 'city', value: 'was {{lead.Job Title}}' },
    ];
    await subject.admin('POST', '/campaigns/2001/deactivate');
    await subject.admin('POST', '/campaigns', { name: 'Long', triggers: [{ on: 'personCreated' }], flow });
    await subject.admin('POST', '/campaigns', {
      ...{ name: 'Refused', triggers: [{ on: 'flowStep', service: 'reference', success: false }] },
      flow: [{ do: 'changeDataValue', field: 'leadStatus', value: 'refused: {{trigger.Trigger Name}}' }],
    });
    const answer = { leadData: { id: 1001, job: 'CEO' }, activityData: { success: false, reason: 'no' } };
    await fill(subject, 'a@x.io');
    await invoked(given, 1);
    expect(await person(subject, 1001)).toMatchObject({ department: 'before', city: null });
    await service.callBack({ objectData: [answer] });
    await vi.waitFor(async () => {
      expect(await person(subject, 1001)).toMatchObject({
        city: 'was CEO',
        leadStatus: 'refused: Is Referred',
      });
    });
    expect(await stepActivities(given)).toMatchObject([{ success: false, reason: 'no' }]);
  });

  it('gets the parameters of the first choice that fits', async () => {
    const given = await scene();
    const { subject } = given;
    const choices = [{ when: { field: 'country', is: 'DE' }, parameters: { mode: 'contact', limit: 1 } }];
    const refused = (step: Row) =>
      subject.admin('POST', '/campaigns', {
        name: 'x',
        flow: [{ do: 'flowStep', service: 'reference', ...step }],
      });
    await expect(refused({ parameters: { mode: 'x' } })).rejects.toThrow("'x' is no choice of 'mode'");
    await expect(refused({ parameters: { limit: 'x' } })).rejects.toThrow("'x' is no integer");
    await expect(refused({ parameters: { other: 1 } })).rejects.toThrow("no parameter 'other'");
    await expect(refused({ parameters: { greeting: '{{lead.Nothing}}' } })).rejects.toThrow(
      '{{lead.Nothing}}',
    );
    await subject.admin('POST', '/campaigns/2001/deactivate');
    await subject.admin('POST', '/campaigns', {
      ...{ name: 'Chosen', triggers: [{ on: 'personCreated' }] },
      flow: [{ do: 'flowStep', service: 'reference', parameters: { mode: 'lead' }, choices }],
    });
    await subject.sync([{ email: 'a@x.io', country: 'de' }, { email: 'b@x.io' }]);
    const all = await invoked(given, 2);
    expect(all.map(({ objectData }) => objectData[0]?.flowStepContext)).toEqual([
      { mode: 'contact', limit: 1 },
      { mode: 'lead' },
    ]);
  });

  it('is asked for by the API with a value for a token', async () => {
    const given = await scene({ persons: [{ email: 'a@x.io' }] });
    const { subject } = given;
    await subject.admin('POST', '/campaigns', {
      ...{ name: 'Asked', tokens: [{ name: '{{my.reason}}', value: 'usual' }] },
      flow: [
        { do: 'flowStep', service: 'reference', parameters: { mode: 'lead', greeting: '{{my.reason}}' } },
      ],
    });
    const tokens = [{ name: '{{my.reason}}', value: 'special' }];
    await subject.post('/campaigns/2002/trigger.json', { input: { leads: [{ id: 1001 }], tokens } });
    const [invocation] = await invoked(given, 1);
    expect(invocation?.objectData[0]?.flowStepContext).toEqual({ mode: 'lead', greeting: 'special' });
    expect(invocation?.context['myTokenContext']).toEqual({ '{{my.reason}}': 'special' });
  });
});

describe('the callback', () => {
  it('is accepted once, with the right key and token, by POST, for this subscription', async () => {
    const given = await scene();
    const { service, subject } = given;
    await fill(subject, 'a@x.io');
    await invoked(given, 1);
    const url = `${subject.origin}/customflowaction`;
    expect((await fetch(`${url}/other`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${url}/submitCustomFlowAction`)).status).toBe(405);
    expect(await service.callBack({}, undefined, { 'x-api-key': 'wrong' })).toBe(401);
    expect(await service.callBack({}, undefined, { 'x-callback-token': 'unknown' })).toBe(404);
    expect(await service.callBack({ munchkinId: undefined })).toBe(400);
    expect(await service.callBack({ munchkinId: '999-XXX-999' })).toBe(400);
    expect(await service.callBack({ objectData: 'nobody' })).toBe(400);
    expect(await stepActivities(given)).toEqual([]);
    expect(await service.callBack()).toBe(202);
    expect(await service.callBack()).toBe(401);
    expect(await stepActivities(given)).toHaveLength(1);
  });

  it('leaves those waiting whom it does not name; defaults fill what an entry omits', async () => {
    const persons = ['a', 'b', 'c'].map((name) => ({ email: `${name}@x.io`, title: 'Old' }));
    const given = await scene({ persons });
    const { service, subject } = given;
    await batch(subject);
    await invoked(given, 1);
    const defaultValues = {
      leadDefaults: { job: 'Default' },
      activityDefaults: { success: true, recordId: 'd' },
    };
    const objectData = [
      { leadData: { id: 1001 } },
      { leadData: { id: 1001, job: 'Twice' } },
      { leadData: { id: 1002, job: 'null' }, activityData: { success: false } },
      { leadData: { job: 'Nobody' }, activityData: { success: true } },
      { leadData: { id: 77 } },
    ];
    expect(await service.callBack({ defaultValues, objectData })).toBe(202);
    const titles = [1001, 1002, 1003].map(async (id) => (await person(subject, id))['title']);
    expect(await Promise.all(titles)).toEqual(['Default', null, 'Old']);
    expect(await stepActivities(given)).toMatchObject([
      { leadId: 1001, success: true, recordId: 'd' },
      { leadId: 1002, success: false, recordId: 'd' },
    ]);
    expect(await chunks(given, '?state=waiting')).toMatchObject([{ state: 'answered', waiting: [1003] }]);
    expect(await statistics(given)).toMatchObject({
      ...{ personsSucceeded: 1, personsUnsuccessful: 1, entriesUnidentified: 1, personsWaiting: 1 },
    });
  });

  it('of a chunk that failed as a whole ends the step for everybody in it, without a value', async () => {
    const given = await scene({ persons: [{ email: 'a@x.io' }, { email: 'b@x.io' }] });
    await batch(given.subject);
    await invoked(given, 1);
    const objectData = [{ leadData: { id: 1001, job: 'CTO' }, activityData: { success: true } }];
    await given.service.callBack({ errorCode: 'DOWN', errorMessage: 'later', objectData });
    expect((await person(given.subject, 1001))['title']).toBeNull();
    expect(await stepActivities(given)).toMatchObject([
      { leadId: 1001, success: false, errorCode: 'DOWN', reason: 'later' },
      { leadId: 1002, success: false, errorCode: 'DOWN' },
    ]);
    expect(await statistics(given)).toMatchObject({ errors: 1, answered: 1 });
  });

  it('writes what each type can hold, and nothing else', async () => {
    const given = await scene();
    const { service, subject } = given;
    const back = async (fields: Row) => {
      await fill(subject, 'a@x.io');
      await invoked(given, service.invocations.length + 1);
      await service.callBack({
        objectData: [{ leadData: { id: 1001, ...fields }, activityData: { success: true } }],
      });
      return person(subject, 1001);
    };
    expect(await back({ job: 'é'.repeat(200), score: 7 })).toMatchObject({
      title: 'é'.repeat(127),
      leadScore: 7,
    });
    expect(await back({ score: '-3', optOut: true })).toMatchObject({ leadScore: 4, unsubscribed: true });
    expect(await back({ job: null, score: 'many', optOut: null })).toMatchObject({
      ...{ title: 'é'.repeat(127), leadScore: 4, unsubscribed: false },
    });
    expect(await back({ demoAt: '2026-01-02T03:04:05.678+01:00', score: 3_000_000_000 })).toMatchObject({
      ...{ lastDemoAt: '2026-01-02T02:04:05Z', leadScore: 4 },
    });
    const id = String(given.serviceId);
    await subject.admin('PATCH', `/flow-steps/${id}`, {
      incoming: [{ serviceAttribute: 'job', active: false }],
    });
    expect(await back({ job: 'Ignored' })).toMatchObject({ title: 'é'.repeat(127) });
  });

  it('is accepted for a day; then the persons go on without an answer', async () => {
    const clock = clockAt(NOW);
    const given = await scene({ now: clock.now });
    await fill(given.subject, 'a@x.io');
    await invoked(given, 1);
    clock.forward(86_399_000);
    expect(await chunks(given, '?state=accepted')).toHaveLength(1);
    clock.forward(1000);
    expect(await chunks(given)).toMatchObject([{ state: 'expired' }]);
    expect(await given.service.callBack()).toBe(404);
    expect(await stepActivities(given)).toMatchObject([{ success: false, errorCode: 'NO_CALLBACK' }]);
  });

  it('can be made to fail: refused so often, or dropped after it was accepted', async () => {
    const given = await scene();
    const { service, subject } = given;
    await fill(subject, 'a@x.io');
    await fill(subject, 'b@x.io');
    const [first, second] = await invoked(given, 2);
    const fault = { path: '/customflowaction', kind: 'refuse', status: 503, times: 2 };
    await subject.admin('POST', '/faults', { kind: 'refuse', status: 500, times: 1 });
    await subject.admin('POST', '/faults', fault);
    const answers = [];
    for (let count = 0; count < 3; count++) answers.push(await service.callBack({}, first));
    expect(answers).toEqual([503, 503, 202]);
    await subject.admin('POST', '/faults', { path: '/customflowaction', kind: 'dropAfterWrite' });
    await expect(service.callBack({}, second)).rejects.toThrow();
    expect(await service.callBack({}, second)).toBe(401);
    expect(await stepActivities(given)).toHaveLength(2);
  });
});

/** Everybody goes through the step, in one run. */
async function batch(subject: Subject): Promise<void> {
  const flow = [{ do: 'flowStep', service: 'reference', parameters: { mode: 'lead' } }];
  const { id } = await subject.admin('POST', '/campaigns', { name: 'All', type: 'batch', flow });
  await subject.admin('POST', `/campaigns/${String(id)}/run`);
}

describe('a batch', () => {
  it('is sent in chunks that share the id of the run; each has its own token', async () => {
    const persons = Array.from({ length: 620 }, (_, index) => ({ email: `p${index}@x.io` }));
    const given = await scene({ persons });
    await batch(given.subject);
    const all = await invoked(given, 3);
    expect(all.map(({ objectData }) => objectData.length).sort()).toEqual([20, 300, 300]);
    expect(new Set(all.map(({ batchid }) => batchid)).size).toBe(1);
    expect(new Set(all.map(({ token }) => token)).size).toBe(3);
    expect(all[0]?.context['campaign']).toMatchObject({ type: 'batch' });
    expect(all[0]?.objectData[0]).not.toHaveProperty('triggeringContext');
    for (const invocation of all) await given.service.callBack({}, invocation);
    expect(await statistics(given)).toMatchObject({
      ...{ sent: 3, accepted: 3, answered: 3, personsSent: 620, personsSucceeded: 620, personsWaiting: 0 },
    });
    await given.subject.admin('PATCH', '/settings', { flowStepChunk: 500 });
    await given.subject.admin('POST', '/campaigns/2002/run');
    const again = (await invoked(given, 5)).slice(3);
    expect(again.map(({ objectData }) => objectData.length).sort()).toEqual([120, 500]);
    expect(again[0]?.batchid).not.toBe(all[0]?.batchid);
  });

  it('of triggers can be gathered: events at one time, one person once', async () => {
    const given = await scene();
    const { subject } = given;
    await subject.admin('PATCH', '/settings', { flowStepTriggerChunk: 3, flowStepGatherMs: 60_000 });
    for (const name of ['a', 'b', 'a', 'c', 'd']) await fill(subject, `${name}@x.io`);
    const all = await invoked(given, 2);
    expect(
      all.map(({ objectData }) => objectData.map(({ objectContext }) => objectContext['emailAddress'])),
    ).toEqual([
      ['a@x.io', 'b@x.io'],
      ['a@x.io', 'c@x.io', 'd@x.io'],
    ]);
  });
});

describe('delivery', () => {
  it('is repeated with the same token after 429, 5xx and a lost connection, three times at most', async () => {
    const given = await scene();
    const { service, subject } = given;
    service.answers.push(429, 0, 500, 201);
    await fill(subject, 'a@x.io');
    const all = await invoked(given, 4);
    expect(new Set(all.map(({ token }) => token)).size).toBe(1);
    await vi.waitFor(async () => {
      expect(await chunks(given)).toMatchObject([{ state: 'accepted', deliveries: 4 }]);
    });
    expect(await statistics(given)).toMatchObject({ sent: 1, refused: 3, redelivered: 3, accepted: 1 });
    service.answers.push(503, 503, 503, 503);
    await fill(subject, 'b@x.io');
    await vi.waitFor(async () => expect(await chunks(given, '?state=failed')).toHaveLength(1));
    expect(service.invocations).toHaveLength(8);
    expect(await service.callBack()).toBe(404);
    expect(await stepActivities(given)).toMatchObject([
      { leadId: 1002, success: false, errorCode: 'SUBMISSION_FAILED', reason: 'the service answered 503' },
    ]);
  });

  it('is not repeated after another answer, and 200 is one', async () => {
    const given = await scene();
    given.service.answers.push(400, 200);
    await fill(given.subject, 'a@x.io');
    await fill(given.subject, 'b@x.io');
    await vi.waitFor(async () => expect(await chunks(given, '?state=failed')).toHaveLength(2));
    expect(given.service.invocations).toHaveLength(2);
  });

  it('can be doubled although it was answered with 201; a callback meanwhile ends it', async () => {
    const given = await scene();
    const { service, subject } = given;
    await subject.admin('PATCH', '/settings', { flowStepDuplicateEvery: 2 });
    await fill(subject, 'a@x.io');
    await fill(subject, 'b@x.io');
    const all = await invoked(given, 3);
    expect(new Set(all.map(({ token }) => token)).size).toBe(2);
    expect(await statistics(given)).toMatchObject({ duplicated: 1 });
    await subject.admin('PATCH', '/settings', { flowStepRedeliveryMs: 100_000 });
    service.answers.push(500);
    await fill(subject, 'c@x.io');
    await invoked(given, 4);
    await vi.waitFor(async () => expect(await statistics(given)).toMatchObject({ refused: 1 }));
    expect(await service.callBack()).toBe(202);
    expect((await chunks(given))[0]).toMatchObject({ state: 'answered', deliveries: 1 });
  });
});

it('a user-driven mapping sends the fields that the administrator picks, under their Marketo names', async () => {
  const definition = goodDefinition();
  definition.invocationPayloadDef.userDrivenMapping = true;
  const given = await scene({}, definition);
  const path = `/flow-steps/${given.serviceId}`;
  await given.subject.admin('PATCH', path, { outgoing: [{ marketoAttribute: 'country' }] });
  await fill(given.subject, 'a@x.io', { country: 'DE' });
  const [invocation] = await invoked(given, 1);
  expect(invocation?.objectData[0]?.objectContext).toEqual({ id: 1001, country: 'DE' });
});

describe('over a restart', () => {
  it('everything is kept: who waits, tokens, services; what was not accepted is delivered again', async () => {
    const service = await referenceService();
    onTestFinished(() => service.close());
    const first = await startMarketoSimulator();
    const admin = async (origin: string, method: string, path: string, body?: Row): Promise<Row> => {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
      return (await (await fetch(`${origin}/admin${path}`, init)).json()) as Row;
    };
    const form = (origin: string, email: string) =>
      admin(origin, 'POST', '/forms/fill', { values: { email } });
    await installFlowStep(installation(service, first.origin));
    await form(first.origin, 'a@x.io');
    await vi.waitFor(async () => {
      const { services } = await admin(first.origin, 'GET', '/flow-steps');
      expect(services).toMatchObject([{ statistics: { accepted: 1 } }]);
    });
    const before = first.revision();
    await admin(first.origin, 'PATCH', '/settings', { flowStepRedeliveryMs: 1_000_000 });
    service.answers.push(500);
    await form(first.origin, 'b@x.io');
    await vi.waitFor(() => expect(service.invocations).toHaveLength(2));
    expect(first.revision()).not.toBe(before);
    await first.close();
    const state = JSON.parse(JSON.stringify(first.state())) as ReturnType<typeof first.state>;
    const second = await startMarketoSimulator({ state });
    onTestFinished(() => second.close());
    await vi.waitFor(() => expect(service.invocations).toHaveLength(3));
    const [waiting, , redelivered] = service.invocations;
    expect(redelivered?.token).toBe(service.invocations[1]?.token);
    const path = new URL(waiting?.callbackUrl ?? '').pathname;
    const moved = (invocation: Invocation | undefined) =>
      invocation && { ...invocation, callbackUrl: `${second.origin}${path}` };
    expect(await service.callBack({}, moved(waiting))).toBe(202);
    expect(await service.callBack({}, moved(redelivered))).toBe(202);
    expect(await service.callBack({}, moved(waiting))).toBe(401);
    expect(await installFlowStep(installation(service, second.origin))).toEqual({
      serviceId: 1,
      campaignId: 2001,
    });
    await form(second.origin, 'c@x.io');
    await vi.waitFor(() => expect(service.invocations).toHaveLength(4));
    expect(new Set(service.invocations.map(({ token }) => token)).size).toBe(3);
  });
});
