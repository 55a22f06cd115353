import { describe, expect, it, vi } from 'vitest';
import { clockAt, type Row } from './client.js';
import {
  batch,
  chunks,
  fill,
  invoked,
  NOW,
  person,
  scene,
  statistics,
  stepActivities,
} from './flow-step-scene.js';
import { goodDefinition } from './reference-service.js';

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
