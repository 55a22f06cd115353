import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { fetchDynamics } from '../../activities/fetch-dynamics.js';
import { releaseRecord } from '../../client/hold/hold.js';
import { newEmail } from '../support/groups.js';
import { startScopedWorld } from '../support/scope.js';
import { pairsIn } from '../support/scoped-pairs.js';
import { Crash, retried, startWorld, type World, type WorldOptions } from '../support/world.js';

let world: World;
afterEach(() => world.close());

const LEAD = '11111111-1111-4111-8111-111111111111';

/** One lead with its person, at rest. */
const pair = async (options: WorldOptions = {}): Promise<number> => {
  world = await startWorld({
    leads: [{ leadid: LEAD, lastname: 'Ruiz', jobtitle: 'CTO', emailaddress1: 'ana@example.com' }],
    ...options,
  });
  await world.settled();
  return (await world.links())[0]?.marketoId ?? 0;
};

const PATCH = { kind: 'refuse', method: 'PATCH', path: '/leads(' };

const persons = async (): Promise<number> => {
  let count = 0;
  for await (const page of world.doors.persons()) count += page.length;
  return count;
};

const personWithKey = async (key: string): Promise<number> => {
  for await (const page of world.doors.persons())
    for (const { id, dynamicsId } of page) if (dynamicsId === key) return Number(id);
  throw new Error(`no person has the key ${key}`);
};

const expireDeltas = () => fetch(`${world.dataverse}/admin/delta/expire`, { method: 'POST' });

describe('A row that is there', () => {
  it.each([
    ['0x80060891', 'A record with the specified key values does not exist in account entity'],
    ['0x80040217', 'The price list of this region no longer exists.'],
  ])('stays in the sync where a plug-in misses another one: %s, %s', async (code, message) => {
    const marketoId = await pair();
    await world.doors.editPerson(marketoId, { title: 'CEO' });
    await world.fault('dynamics', { ...PATCH, status: 404, code, message });
    await world.settled();
    expect(await world.faultsStruck()).toBe(true);
    expect(await world.linkOfPerson(marketoId)).toMatchObject({
      status: 'linked',
      parked: { title: { reason: 'refused' } },
    });
    await world.doors.editRow('leads', LEAD, { firstname: 'Ana' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: 'CEO', firstName: 'Ana' });
    expect((await world.person(marketoId))['dynamicsDeleted']).not.toBe(true);
  });
});

describe('A row deleted in Dynamics', () => {
  it('leaves its person, flagged, and the person comes back to no row by itself', async () => {
    const marketoId = await pair();
    await world.doors.deleteRow('leads', LEAD);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ lastName: 'Ruiz', dynamicsDeleted: true });
    await world.doors.editPerson(marketoId, { title: 'CEO' });
    await world.settled();
    await expect(world.row('leads', LEAD)).rejects.toThrow('404');
    expect((await world.links()).map(({ status }) => status)).toEqual(['ended']);
  });

  it.each(['afterWrite', 'dropAfterWrite', 'drop'])('is flagged though the call meets "%s"', async (kind) => {
    const marketoId = await pair();
    await world.doors.deleteRow('leads', LEAD);
    await world.fault('marketo', { method: 'POST', path: '/rest/v1/leads.json', kind });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: true });
  });

  // Found by the model (seed 77000001).
  it.each(['before', 'after'] as const)(
    'while the creation of its person has no answer (killed %s the call) leaves that person flagged, if there is one',
    async (when) => {
      world = await startWorld();
      const email = `${randomUUID()}@example.com`;
      const [lead = ''] = await world.doors.createRows('leads', [{ lastname: 'Ruiz', emailaddress1: email }]);
      world.crash('marketo', when);
      await expect(world.cycle()).rejects.toBeInstanceOf(Crash);
      await world.doors.deleteRow('leads', lead);
      await world.settled();
      expect(await persons()).toBe(when === 'after' ? 1 : 0);
      for await (const page of world.doors.persons())
        expect(page).toMatchObject([{ dynamicsId: lead, dynamicsDeleted: true }]);
      expect(await world.links()).toMatchObject([
        { status: 'ended', dirty: false, creation: null, stamp: null },
      ]);
    },
  );

  it.each(['flag', 'hold'] as const)(
    'before its person was found tells that person nothing while it is out of scope (%s)',
    async (by) => {
      world = await startScopedWorld();
      const [lead = ''] = await world.doors.createRows('leads', [
        { lastname: 'Ruiz', emailaddress1: newEmail() },
      ]);
      world.crash('marketo', 'after');
      await expect(world.cycle()).rejects.toBeInstanceOf(Crash);
      const marketoId = await personWithKey(lead);
      await world.doors.deleteRow('leads', lead);
      if (by === 'hold') await pairsIn(() => world).hold({ marketoId });
      else await world.doors.editPerson(marketoId, { syncExcluded: true });
      await world.settled();
      expect((await world.person(marketoId))['dynamicsDeleted']).not.toBe(true);
      if (by === 'hold') await releaseRecord(world.db, { marketoId });
      else await world.doors.editPerson(marketoId, { syncExcluded: false });
      await world.settled();
      expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: true });
    },
  );

  it('is not written again by a push that was under way', async () => {
    const marketoId = await pair();
    await world.doors.editPerson(marketoId, { title: 'CEO' });
    await world.cycle({ resolved: () => world.doors.deleteRow('leads', LEAD) });
    await world.settled();
    await expect(world.row('leads', LEAD)).rejects.toThrow('404');
    expect(await world.person(marketoId)).toMatchObject({ title: 'CEO', dynamicsDeleted: true });
  });

  it('ends its link although the answer does not say which row is missing', async () => {
    const marketoId = await pair();
    await world.doors.editPerson(marketoId, { title: 'CEO' });
    await world.fault('dynamics', {
      ...PATCH,
      status: 404,
      code: '0x80040217',
      message: 'It does not exist.',
    });
    await world.cycle({ resolved: () => world.doors.deleteRow('leads', LEAD) });
    expect(await world.faultsStruck()).toBe(true);
    expect((await world.links()).map(({ status }) => status)).toEqual(['ended']);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: true });
  });

  it('and made again under the same e-mail is the same person, not flagged', async () => {
    const marketoId = await pair();
    await world.doors.deleteRow('leads', LEAD);
    const leadid = randomUUID();
    await world.doors.createRows('leads', [
      { leadid, lastname: 'Ruiz', jobtitle: 'CTO', emailaddress1: 'ana@example.com' },
    ]);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsId: leadid, dynamicsDeleted: false });
    expect(await persons()).toBe(1);
  });
});

describe('An expired change link', () => {
  it('hides no row that was deleted, made or edited in the gap', async () => {
    const marketoId = await pair();
    const kept = randomUUID();
    await world.doors.createRows('leads', [
      { leadid: kept, lastname: 'Ito', emailaddress1: 'ito@example.com' },
    ]);
    await world.settled();
    await world.doors.deleteRow('leads', LEAD);
    await world.doors.editRow('leads', kept, { jobtitle: 'Chair' });
    const added = randomUUID();
    await world.doors.createRows('leads', [
      { leadid: added, lastname: 'Oz', emailaddress1: 'oz@example.com' },
    ]);
    await expireDeltas();
    const { leads } = await world.cycle();
    expect(leads).toMatchObject({ full: true, deleted: 1 });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: true });
    const links = await world.links();
    const personOf = (id: string) =>
      world.person(links.find(({ dynamicsId }) => dynamicsId === id)?.marketoId ?? 0);
    expect(await personOf(kept)).toMatchObject({ title: 'Chair' });
    expect(await personOf(added)).toMatchObject({ lastName: 'Oz' });
    expect(await world.duplicates()).toEqual([]);
  });

  it('does not end the link of a row that is made on demand while the table is read', async () => {
    await pair();
    const [marketoId = 0] = await world.doors.createPersons([{ lastName: 'Ito', email: 'ito@example.com' }]);
    await expireDeltas();
    const { dynamics } = world.ports;
    let made: string | null = null;
    const changes: typeof dynamics.changes = async function* (...args) {
      yield* dynamics.changes(...args);
      made = (await world.request(marketoId)).dynamicsId;
    };
    const ports = { ...world.ports, dynamics: { ...dynamics, changes } };
    const input = { cycle: 99, at: new Date().toISOString() };
    await retried((attempt) => fetchDynamics(ports, 'lead', input, attempt));
    expect(made).not.toBeNull();
    await world.settled();
    expect((await world.linkOfPerson(marketoId)).dynamicsId).toBe(made);
    expect(await world.person(marketoId)).toMatchObject({ dynamicsId: made, dynamicsDeleted: false });
  });
});

describe('A person deleted in Marketo', () => {
  it('does not come back by a later edit of its row', async () => {
    const marketoId = await pair();
    await world.doors.deletePerson(marketoId);
    await world.settled();
    await world.doors.editRow('leads', LEAD, { jobtitle: 'CEO' });
    await world.settled();
    expect(await persons()).toBe(0);
    expect(await world.row('leads', LEAD)).toMatchObject({ jobtitle: 'CEO' });
    expect((await world.links()).map(({ status }) => status)).toEqual(['tombstone']);
  });

  it('is not written again by a push that was under way', async () => {
    const marketoId = await pair();
    await world.doors.editRow('leads', LEAD, { jobtitle: 'CEO' });
    await world.cycle({ resolved: () => world.doors.deletePerson(marketoId) });
    await world.settled();
    expect(await persons()).toBe(0);
    expect((await world.links()).map(({ status }) => status)).toEqual(['tombstone']);
  });

  it('comes back by an edit of its row where recreate is chosen, and by nothing else', async () => {
    const marketoId = await pair({ onMarketoDelete: 'recreate' });
    await world.doors.deletePerson(marketoId);
    await world.settled();
    await expireDeltas();
    await world.doors.editRow('leads', LEAD, { subject: 'not synced' });
    await world.settled();
    expect(await persons()).toBe(0);
    await world.doors.editRow('leads', LEAD, { jobtitle: 'CEO' });
    await world.settled();
    expect(await persons()).toBe(1);
    const link = (await world.links())[0];
    expect(link?.marketoId).not.toBe(marketoId);
    expect(await world.person(link?.marketoId ?? 0)).toMatchObject({ title: 'CEO', dynamicsId: LEAD });
  });
});

describe('Deleted on both sides', () => {
  it('nothing is left to do', async () => {
    const marketoId = await pair();
    await Promise.all([world.doors.deletePerson(marketoId), world.doors.deleteRow('leads', LEAD)]);
    await world.settled();
    expect(await persons()).toBe(0);
    await expect(world.row('leads', LEAD)).rejects.toThrow('404');
  });
});
