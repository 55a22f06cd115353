import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createBackfillActivities,
  createCycleActivities,
  createOnDemandActivities,
} from '../../activities/index.js';
import type { CreatePersonResult, PersonRequest } from '../../activities/contract.js';
import {
  BACKFILL_CRON,
  buildBackfillId,
  buildBackfillQueue,
  buildCreatePersonId,
  buildCycleId,
  buildCycleQueue,
  buildOnDemandQueue,
  CYCLE_CRON,
} from '../../config/names.js';
import { requestedSignal } from '../../workflows/names.js';
import { askForPass, lastCompletedPass } from '../../store/reconciliations.js';
import { startWorld, type World } from '../support/world.js';
import { detailsOf, temporalServer } from './servers.js';
import { textsIn } from './texts.js';

const server = temporalServer('dev');
const INSTALLATION = 'test';

const planted: string[] = [];
/** A value that occurs nowhere else, in letters that encodings like to spoil. */
const plant = (value: string): string => {
  planted.push(value);
  return value;
};

const tellTale = (name: string) => ({
  first: plant(`Zqfirst-Åse-${name}`),
  last: plant(`Zqlast-Ŵöller-${name}`),
  mail: plant(`zqmail-${name}@planted.example`),
  phone: plant(`+99 5550 ${String(100_000 + planted.length)}`),
});

const personOf = (
  { first, last, mail, phone }: ReturnType<typeof tellTale>,
  title: string | null = null,
) => ({
  firstName: first,
  lastName: last,
  email: mail,
  phone,
  title,
});

const rowOf = ({ first, last, mail, phone }: ReturnType<typeof tellTale>, title: string | null = null) => ({
  firstname: first,
  lastname: last,
  emailaddress1: mail,
  telephone1: phone,
  jobtitle: title,
});

const [both, unlinked, refused] = [tellTale('both'), tellTale('unlinked'), tellTale('refused')];
const [lead, contact, twin] = [tellTale('lead'), tellTale('contact'), tellTale('twin')];
const robot = plant('Zqtitle Test Robot');
const oddIndustry = plant('Zqindustry');
const overlong = plant('+47 5552 7777 '.repeat(6).trim());
const ruleText = plant('Zqrule: Åse may not be called a robot');
const faultText = plant('Zqfault: the row of Åse Ŵöller is locked');

let world: World;
beforeAll(async () => {
  world = await startWorld({
    persons: [
      { ...personOf(both), industry: oddIndustry, mobilePhone: overlong },
      personOf(unlinked),
      personOf(refused, robot),
      personOf(twin),
      personOf(twin),
    ],
    leads: [rowOf(both), rowOf(lead), rowOf(twin)],
    contacts: [rowOf(contact)],
  });
  await ask('PUT', `${world.dataverse}/admin/rules`, {
    rules: [{ table: '*', column: 'jobtitle', contains: 'Test Robot', message: ruleText }],
  });
});
afterAll(() => world.close());

const ask = async (method: string, url: string, body?: unknown): Promise<void> => {
  const content = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(url, { method, ...(body === undefined ? {} : content) });
  expect(response.ok).toBe(true);
};

const waitFor = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 200 });

const cycles = async (outcome: 'completed' | 'failed'): Promise<number> =>
  (await world.db.selectFrom('cycles').select('number').where('outcome', '=', outcome).execute()).length;

/** Waits until as many more cycles have ended so. */
const more = async (outcome: 'completed' | 'failed', count: number): Promise<void> => {
  const before = await cycles(outcome);
  await waitFor(async () => expect(await cycles(outcome)).toBeGreaterThanOrEqual(before + count));
};

const request = async (marketoId: number): Promise<CreatePersonResult> => {
  const handle = await server.env.client.workflow.signalWithStart('createPerson', {
    taskQueue: buildOnDemandQueue(INSTALLATION),
    workflowId: buildCreatePersonId({ installation: INSTALLATION, marketoId }),
    args: [{ marketoId }],
    signal: requestedSignal,
    signalArgs: [
      {
        requestId: randomUUID(),
        campaignId: '4711',
        requestedAt: '2026-11-23T12:00:00.000Z',
        syncAs: 'lead',
      } satisfies PersonRequest,
    ],
  });
  return (await handle.result()) as CreatePersonResult;
};

const idOf = async (mail: string): Promise<number> => {
  for await (const page of world.doors.persons())
    for (const { id, email } of page) if (email === mail) return Number(id);
  return expect.fail(`no person ${mail}`);
};

/** A pass finds a value that nobody was told of. */
const lookOverEverything = async (): Promise<void> => {
  await world.beneath.editPerson(await idOf(lead.mail), { phone: plant('+99 5550 777777') });
  await askForPass(world.db, 'request', new Date().toISOString());
  await server.env.client.workflow.start('backfill', {
    taskQueue: buildBackfillQueue(INSTALLATION),
    workflowId: buildBackfillId(INSTALLATION),
    cronSchedule: BACKFILL_CRON,
  });
  await waitFor(async () => {
    const { counts = {} } = (await lastCompletedPass(world.db)) ?? {};
    expect((counts['recent'] ?? 0) + (counts['drift.marketo.phone'] ?? 0)).toBeGreaterThan(0);
  });
};

/** Everything that the server keeps of all runs: events with their payloads and failures, descriptions, answers. */
const everythingKept = async (): Promise<string[]> => {
  const texts: string[] = [];
  for await (const { workflowId, runId } of server.env.client.workflow.list()) {
    const handle = server.env.client.workflow.getHandle(workflowId, runId);
    texts.push(...textsIn(await handle.fetchHistory()), ...textsIn((await handle.describe()).raw));
    texts.push(await detailsOf(handle));
    if (workflowId === buildCycleId(INSTALLATION)) texts.push(...textsIn(await handle.query('progress')));
  }
  return texts;
};

const expectNoPersonalData = (texts: readonly string[]): void => {
  const all = texts.join('\n').toLowerCase();
  for (const value of planted) expect(all).not.toContain(value.toLowerCase());
  for (const fragment of ['zq', 'planted.example', 'ŵöller', 'åse', '5550 1', '5552 7777'])
    expect(all).not.toContain(fragment);
};

describe('No personal data', () => {
  it(
    'is in any history, heartbeat, failure, description or answer, whatever happens to the records',
    { timeout: 60_000 },
    async () => {
      const { client } = server.env;
      const workflowId = buildCycleId(INSTALLATION);
      const taskQueue = buildCycleQueue(INSTALLATION);
      const cycle = await server.worker(taskQueue, createCycleActivities(world.ports));
      const onDemand = await server.worker(
        buildOnDemandQueue(INSTALLATION),
        createOnDemandActivities(world.ports),
      );
      const lane = await server.worker(
        buildBackfillQueue(INSTALLATION),
        createBackfillActivities(world.ports),
      );
      const sideBySide = (work: () => Promise<void>) =>
        onDemand.runUntil(() => lane.runUntil(() => cycle.runUntil(work)));
      await sideBySide(async () => {
        const handle = await client.workflow.start('syncCycle', {
          taskQueue,
          workflowId,
          cronSchedule: CYCLE_CRON,
        });
        await more('completed', 2);
        await lookOverEverything();
        expect(await request(await idOf(unlinked.mail))).toMatchObject({ outcome: 'created' });
        expect(await request(await idOf(refused.mail))).toMatchObject({ outcome: 'refused' });
        expect(await request(await idOf(twin.mail))).toMatchObject({ outcome: 'ambiguous' });
        await world.doors.editPerson(await idOf(lead.mail), { title: robot });
        await more('completed', 2);

        // A remote that quotes a record, for a while: the step waits between two attempts.
        await world.fault('dynamics', {
          kind: 'refuse',
          method: 'GET',
          path: '/leads',
          message: faultText,
          times: 99,
        });
        await world.fault('marketo', { kind: 'garbage', path: 'leadchanges' });
        await waitFor(async () => {
          const { pendingActivities = [] } = (await handle.describe()).raw;
          expect(pendingActivities?.some(({ lastFailure }) => lastFailure != null)).toBe(true);
        });
        expectNoPersonalData(await everythingKept());
        await ask('DELETE', `${world.dataverse}/admin/faults`);

        // And for good: the cycle fails.
        await world.fault('dynamics', {
          kind: 'refuse',
          method: 'GET',
          path: '/contacts',
          status: 403,
          code: '0x80040220',
          message: faultText,
        });
        await more('failed', 1);
        await more('completed', 1);
        const texts = await everythingKept();
        expectNoPersonalData(texts);
        await handle.terminate();

        // The test sees what it says it sees: payloads, failures, results; and the records did travel.
        expect(() =>
          expectNoPersonalData(textsIn({ payloads: [{ data: Buffer.from(faultText) }] })),
        ).toThrow();
        const all = texts.join('\n');
        for (const sign of [
          '"campaignId":"4711"',
          'Dynamics: Forbidden',
          '"outcome":"refused"',
          '"resolve.toDynamics"',
        ])
          expect(all).toContain(sign);
        expect(await world.person(await idOf(contact.mail))).toMatchObject({
          firstName: contact.first,
          phone: contact.phone,
        });
        const rejections = await world.db.selectFrom('rejections').select('message').execute();
        expect(rejections.map(({ message }) => message)).toEqual(expect.arrayContaining([ruleText]));
      });
    },
  );
});
