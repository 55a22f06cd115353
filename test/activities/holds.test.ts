import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPerson } from '../../activities/create-person.js';
import { releaseRecord } from '../../client/hold/hold.js';
import { readStoreStatus } from '../../client/status/store-status.js';
import { explainRecord } from '../../client/why/read.js';
import { renderWhy } from '../../client/why/render.js';
import { explanationsOf, readAccount } from '../../launch/start/explanations.js';
import { pairsIn } from '../support/scoped-pairs.js';
import { startScopedWorld } from '../support/scope.js';
import { elapse } from '../support/elapse.js';
import { Crash, newAttempt, requestOf, retried, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startScopedWorld();
});
afterAll(() => world.close());

const { linkOfRow, pair, titles, hold } = pairsIn(() => world);

const writes = async (): Promise<number> => {
  const { marketo, dynamics } = await world.calls();
  const toDynamics = Object.keys(dynamics).filter((call) => /\$batch|PATCH/.test(call));
  return (marketo['POST /rest/v1/leads.json'] ?? 0) + toDynamics.length;
};

describe('A hold', () => {
  it('counts at once, also for what is planned and not yet sent', async () => {
    const both = await pair();
    await world.doors.editPerson(both.marketoId, { title: 'Chief' });
    await world.doors.editRow('leads', both.leadid, { address1_city: 'Oslo' });
    await world.cycle({ resolved: () => hold({ dynamicsId: both.leadid }).then(() => undefined) });
    await world.settled();
    expect(await titles(both)).toEqual(['CTO', 'Chief']);
    expect(await world.person(both.marketoId)).toMatchObject({ city: null });
    await releaseRecord(world.db, { marketoId: both.marketoId });
    await world.settled();
    expect(await titles(both)).toEqual(['Chief', 'Chief']);
    expect(await world.person(both.marketoId)).toMatchObject({ city: 'Oslo' });
  });

  it('stops a person from being made for a row, also when the creation is planned', async () => {
    const [leadid = ''] = await world.doors.createRows('leads', [{ lastname: 'Ito' }]);
    await world.cycle({ resolved: () => hold({ dynamicsId: leadid }).then(() => undefined) });
    await world.settled();
    expect(await linkOfRow(leadid)).toMatchObject({ status: 'unmatched', marketoId: null, creation: null });
    await releaseRecord(world.db, { dynamicsId: leadid });
    await world.settled();
    expect(await linkOfRow(leadid)).toMatchObject({ status: 'linked' });
  });

  it('on a person without a record goes over to the link that it gets', async () => {
    const email = `${randomUUID()}@example.com`;
    const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz', title: 'Chief' }]);
    await hold({ marketoId });
    const [leadid = ''] = await world.doors.createRows('leads', [{ lastname: 'Ito', emailaddress1: email }]);
    await world.settled();
    expect(await linkOfRow(leadid)).toMatchObject({
      status: 'linked',
      marketoId,
      outOfScope: { hold: { by: 'ana' } },
    });
    expect(await world.db.selectFrom('held_persons').selectAll().execute()).toEqual([]);
    expect(await world.row('leads', leadid)).toMatchObject({ lastname: 'Ito', jobtitle: null });
    await releaseRecord(world.db, { dynamicsId: leadid });
    await world.settled();
    expect(await world.row('leads', leadid)).toMatchObject({ lastname: 'Ruiz', jobtitle: 'Chief' });
  });

  it('that comes while a request looks for rows lets it make none', async () => {
    const email = `${randomUUID()}@example.com`;
    const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ito' }]);
    const { dynamics } = world.ports;
    const findByEmail: typeof dynamics.findByEmail = async (...asked) => {
      await hold({ marketoId });
      return dynamics.findByEmail(...asked);
    };
    const ports = { ...world.ports, dynamics: { ...dynamics, findByEmail } };
    const result = await retried((attempt) => createPerson(ports, requestOf(marketoId), attempt));
    expect(result).toMatchObject({ outcome: 'out-of-scope' });
    await world.settled();
    expect((await world.links()).filter((link) => link.marketoId === marketoId)).toEqual([]);
    await releaseRecord(world.db, { marketoId });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
  });

  it('that comes while its person is linked stands on the link', async () => {
    const email = `${randomUUID()}@example.com`;
    const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz' }]);
    const [leadid = ''] = await world.doors.createRows('leads', [{ lastname: 'Ito', emailaddress1: email }]);
    await Promise.all([world.cycle(), hold({ marketoId })]);
    await world.settled();
    expect(await linkOfRow(leadid)).toMatchObject({ marketoId, outOfScope: { hold: { by: 'ana' } } });
    expect(await world.db.selectFrom('held_persons').selectAll().execute()).toEqual([]);
  });

  it('given twice stays the first, and released twice ends once', async () => {
    const { marketoId, leadid } = await pair();
    expect(await hold({ marketoId }, 'legal')).toMatchObject({ already: false });
    expect(await hold({ dynamicsId: leadid }, 'again')).toMatchObject({
      already: true,
      hold: { note: 'legal' },
    });
    expect(await releaseRecord(world.db, { marketoId })).toMatchObject({ released: true });
    expect(await releaseRecord(world.db, { marketoId })).toMatchObject({ released: false });
  });

  it('ends for nothing as long as a flag leaves the pair out too', async () => {
    const { marketoId, leadid } = await pair();
    await hold({ marketoId });
    await world.doors.editRow('leads', leadid, { new_synctomkto: false, jobtitle: 'Boss' });
    await world.settled();
    expect(await releaseRecord(world.db, { marketoId })).toMatchObject({ released: true, stillOut: ['row'] });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: 'CTO' });
  });

  // Found by the model (seed 79000001).
  it.each(['before', 'after'] as const)(
    'ends what a request had reserved whose worker died %s its call, unless the row is there',
    async (when) => {
      const email = `${randomUUID()}@example.com`;
      const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz' }]);
      const request = () => createPerson(world.ports, requestOf(marketoId), newAttempt());
      world.crash('dynamics', when);
      await expect(request()).rejects.toBeInstanceOf(Crash);
      await elapse(world.db, world.ports.timing.takeoverMs * 100);
      await hold({ marketoId });
      const { outcome } = await request();
      expect(outcome).toBe(when === 'after' ? 'created' : 'out-of-scope');
      await releaseRecord(world.db, { marketoId });
      const row = { lastname: 'Ruiz', emailaddress1: email };
      const [lead = ''] = when === 'before' ? await world.doors.createRows('leads', [row]) : [];
      await world.settled();
      const { status, dynamicsId } = await world.linkOfPerson(marketoId);
      expect(status).toBe('linked');
      if (when === 'before') expect(dynamicsId).toBe(lead);
      expect((await world.duplicates()).filter((key) => key.includes(email))).toEqual([]);
    },
  );

  it('waits with that for a call that may still make the row', async () => {
    const email = `${randomUUID()}@example.com`;
    const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz' }]);
    const request = () => createPerson(world.ports, requestOf(marketoId), newAttempt());
    world.crash('dynamics', 'before');
    await expect(request()).rejects.toBeInstanceOf(Crash);
    await world.db
      .updateTable('email_claims')
      .set({ held_until: new Date(0) })
      .execute();
    await hold({ marketoId });
    await expect(request()).rejects.toMatchObject({ type: 'Busy' });
    await elapse(world.db, world.ports.timing.dynamicsDeadlineMs);
    expect(await request()).toMatchObject({ outcome: 'out-of-scope' });
  });

  it('takes a row out of the group that it made ambiguous', async () => {
    const email = `${randomUUID()}@example.com`;
    const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz' }]);
    const row = { lastname: 'Ruiz', emailaddress1: email };
    const [first = '', second = ''] = await world.doors.createRows('leads', [row, row]);
    await world.settled();
    await hold({ dynamicsId: second });
    await world.settled();
    expect(await linkOfRow(first)).toMatchObject({ status: 'linked', marketoId });
  });
});

describe('What is out of scope', () => {
  it('is counted by cause, explained by why, and costs nothing in a cycle', async () => {
    const { marketoId } = await pair();
    await hold({ marketoId }, 'under legal review');
    await world.doors.editPerson(marketoId, { title: 'Chief' });
    await world.settled();
    const { outOfScope } = await readStoreStatus(world.db, 'test');
    expect(outOfScope.hold).toBeGreaterThan(0);
    const text = renderWhy(await explainRecord(world.db, { marketoId }), false, false);
    expect(text).toMatch(/out of scope since \S+Z: on hold by ana: under legal review/);
    const explained = explanationsOf(await readAccount(world.db));
    expect(explained.find((each) => each.marketoId === marketoId)?.reason).toBe('out of scope: on hold');
    await writes();
    await world.cycle();
    expect(await writes()).toBe(0);
  });
});
