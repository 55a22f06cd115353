import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sendEntries } from '../../activities/log-rejections.js';
import { readStoreStatus } from '../../client/status/store-status.js';
import { RemoteFailure } from '../../rules/failures.js';
import { enqueueActivityEntries } from '../../store/rejections.js';
import { elapse } from '../support/elapse.js';
import { newAttempt, retried, startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterEach(() => world.faultsStruck());
afterAll(() => world.close());

/** What may befall the writes of one row each time; none of it is a refusal of the record. */
const FAULTS = [
  { name: 'a gateway refuses', fault: { kind: 'refuse', status: 400, body: 'html' } },
  { name: 'a gateway calls a conflict', fault: { kind: 'refuse', status: 409, body: 'html' } },
  { name: 'makes Dynamics fail', fault: { kind: 'refuse', status: 500, code: '0x80040216' } },
] as const;

describe.each(FAULTS)('A row that $name every time', ({ fault }) => {
  it('holds up none of its neighbours, and is shown as stuck until it passes', async () => {
    const leads = Array.from({ length: 6 }, () => {
      const leadid = randomUUID();
      return { leadid, lastname: 'Ruiz', emailaddress1: `${leadid}@example.com` };
    });
    await world.doors.createRows('leads', leads);
    await world.settled();
    const links = await world.links();
    const personOf = (leadid: string): number =>
      links.find(({ dynamicsId }) => dynamicsId === leadid)?.marketoId ?? 0;
    const [poison, ...others] = leads;
    if (poison === undefined) throw new Error('no lead');
    for (const part of [true, false])
      await world.fault('dynamics', { method: 'PATCH', path: poison.leadid, part, ...fault, times: 1_000 });
    for (const { leadid } of leads) await world.doors.editPerson(personOf(leadid), { title: 'CEO' });
    await world.cycle();
    const jobs = await Promise.all(
      others.map(async ({ leadid }) => (await world.row('leads', leadid))['jobtitle']),
    );
    expect(jobs).toEqual(others.map(() => 'CEO'));
    expect((await readStoreStatus(world.db, 'test')).stuck.count).toBe(0);
    for (let count = 0; count < 3; count += 1) await world.cycle();
    const { stuck } = await readStoreStatus(world.db, 'test');
    expect(stuck).toMatchObject({ count: 1, examples: [{ kind: 'lead', dynamicsId: poison.leadid }] });
    expect((await world.linkOfPerson(personOf(poison.leadid))).parked).toEqual({});
    await world.faultsStruck();
    await world.settled();
    expect((await world.row('leads', poison.leadid))['jobtitle']).toBe('CEO');
    expect((await readStoreStatus(world.db, 'test')).stuck.count).toBe(0);
  });
});

describe('A batch that is refused as a whole each time', () => {
  it('is parted, and every row that is taken alone is written in the same cycle', async () => {
    const leads = Array.from({ length: 6 }, () => {
      const leadid = randomUUID();
      return { leadid, lastname: 'Ruiz', emailaddress1: `${leadid}@example.com` };
    });
    await world.doors.createRows('leads', leads);
    await world.settled();
    const links = (await world.links()).filter(({ dynamicsId }) =>
      leads.some(({ leadid }) => leadid === dynamicsId),
    );
    for (const { marketoId } of links) await world.doors.editPerson(marketoId ?? 0, { title: 'CEO' });
    const fault = { kind: 'refuse', status: 400, body: 'html', times: 1_000 };
    await world.fault('dynamics', { method: 'POST', path: '$batch', ...fault });
    await world.cycle();
    const jobs = await Promise.all(
      leads.map(async ({ leadid }) => (await world.row('leads', leadid))['jobtitle']),
    );
    expect(jobs).toEqual(leads.map(() => 'CEO'));
  });
});

describe('A person whose log entry makes Marketo fail every time', () => {
  it('keeps the entries of others out of their logs for a few calls at most', async () => {
    const people = Array.from({ length: 40 }, () => ({ email: `${randomUUID()}@example.com` }));
    const [poison = 0, ...others] = await world.doors.createPersons(people);
    await enqueueActivityEntries(
      world.db,
      [poison, ...others].map((marketoId) => ({
        ...{ id: randomUUID(), linkId: null, marketoId, type: 'syncPerson', primaryValue: String(marketoId) },
        ...{ attributes: { outcome: 'ambiguous' }, at: new Date().toISOString() },
      })),
    );
    let calls = 0;
    const { marketo, timing } = world.ports;
    const addActivities: typeof marketo.addActivities = async (activities, signal) => {
      calls += 1;
      if (activities.every(({ marketoId }) => marketoId !== poison))
        return marketo.addActivities(activities, signal);
      const failed = { type: 'Unavailable', side: 'marketo', code: '611', effect: 'unknown' } as const;
      throw new RemoteFailure({ ...failed, message: 'System error' });
    };
    const ports = { ...world.ports, marketo: { ...marketo, addActivities } };
    for (let round = 0; round < 4; round += 1) {
      await retried((attempt) => sendEntries(ports, attempt));
      await elapse(world.db, timing.marketoDeadlineMs + timing.doubtMs + 1_000);
    }
    expect(calls).toBeLessThan(30);
    const entries = world.db.selectFrom('activity_entries').select(['marketo_id', 'state']);
    const left = (await entries.execute()).filter(({ state }) => state !== 'logged');
    expect(left).toEqual([{ marketo_id: poison, state: 'sent' }]);
    await sendEntries(world.ports, newAttempt());
    expect((await entries.execute()).filter(({ state }) => state !== 'logged')).toEqual([]);
  });
});
