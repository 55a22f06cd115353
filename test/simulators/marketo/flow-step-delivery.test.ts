import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { installFlowStep } from '../../../simulators/install-flow-step.js';
import { startMarketoSimulator } from '../../../simulators/marketo/index.js';
import type { Row } from './client.js';
import {
  batch,
  chunks,
  fill,
  installation,
  invoked,
  scene,
  statistics,
  stepActivities,
} from './flow-step-scene.js';
import { referenceService, type Invocation } from './reference-service.js';

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

  it('is repeated when there is no answer in time', async () => {
    const given = await scene();
    await given.subject.admin('PATCH', '/settings', { flowStepTimeoutMs: 300 });
    given.service.answers.push(-1);
    await fill(given.subject, 'a@x.io');
    await invoked(given, 2);
    await vi.waitFor(async () => {
      expect(await chunks(given)).toMatchObject([{ state: 'accepted', notes: ['no answer within 300 ms'] }]);
    });
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
