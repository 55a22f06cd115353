import { afterEach, describe, expect, it } from 'vitest';
import { fetchDynamics } from '../../activities/fetch-dynamics.js';
import { holdRecord, releaseRecord } from '../../client/hold/hold.js';
import { decideSeparate } from '../../client/resolve/decide.js';
import { readStoreStatus } from '../../client/status/store-status.js';
import { configOf, decide } from '../support/guarded.js';
import { decider, newEmail, recordsIn } from '../support/groups.js';
import { setPlugIns } from '../support/rejections.js';
import { activate, mergePersons, mergeRows, qualify } from '../support/succession.js';
import { elapse } from '../support/elapse.js';
import { newAttempt, startWorld, type World } from '../support/world.js';

let world: World;
afterEach(() => world.close());

const { leads, persons, linkOfRow } = recordsIn(() => world);
const HOLD = { since: '2026-11-20T10:00:00.000Z', by: 'ops', note: null };

const pair = async (values: Readonly<Record<string, string>> = {}) => {
  const [leadid = ''] = await leads(newEmail(), 1, { jobtitle: 'CTO', ...values });
  await world.settled();
  return { leadid, marketoId: (await linkOfRow(leadid)).marketoId ?? 0 };
};

const openRejections = async () =>
  (await world.db.selectFrom('rejections').select('id').where('closed_at', 'is', null).execute()).length;

describe('A refused value that goes back to what was agreed', () => {
  it('is refused no more, and is tried when it is typed again', async () => {
    world = await startWorld();
    const { leadid, marketoId } = await pair();
    await setPlugIns(world.dataverse, [
      { table: 'lead', column: 'jobtitle', contains: 'Robot', message: 'No robots.' },
    ]);
    await world.doors.editPerson(marketoId, { title: 'Robot' });
    await world.settled();
    expect(await openRejections()).toBe(1);
    await world.doors.editPerson(marketoId, { title: 'CTO' });
    await world.settled();
    expect(await openRejections()).toBe(0);
    await setPlugIns(world.dataverse, []);
    await world.doors.editPerson(marketoId, { title: 'Robot' });
    await world.settled();
    expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: 'Robot' });
  });
});

describe('A write that Marketo refuses in silence', () => {
  it('is parked for the value that it carried: an edit of the row meanwhile is still tried', async () => {
    world = await startWorld();
    const { leadid, marketoId } = await pair();
    await world.setting('marketo', { blockedFields: ['title'] });
    await world.doors.editRow('leads', leadid, { jobtitle: 'refused' });
    await world.cycle();
    await elapse(world.db, world.ports.timing.overlapMs);
    await world.doors.editRow('leads', leadid, { jobtitle: 'newer' });
    const input = { cycle: 0, at: new Date().toISOString() };
    await fetchDynamics(world.ports, 'lead', input, newAttempt());
    await world.setting('marketo', { blockedFields: [] });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: 'newer' });
  });
});

/** Many leads whose titles are cleared in Dynamics, which people gave up. */
const discarded = async () => {
  world = await startWorld({ config: configOf('{ atLeast: 5 }') });
  const all: { leadid: string; marketoId: number }[] = [];
  for (let n = 0; n < 8; n += 1) all.push(await pair());
  for (const { leadid } of all) await world.doors.editRow('leads', leadid, { jobtitle: null });
  expect((await world.cycle()).stopped).toBeDefined();
  await decide(world, 'discard');
  await world.settled();
  const [first] = all;
  if (first === undefined) throw new Error('no pair');
  expect(await world.person(first.marketoId)).toMatchObject({ title: 'CTO' });
  return first;
};

describe('A value that was given up by decision', () => {
  it('is synced again once it was mended, also where it went back to what was agreed', async () => {
    const { leadid, marketoId } = await discarded();
    await world.doors.editRow('leads', leadid, { jobtitle: 'CTO' });
    await world.settled();
    await world.doors.editRow('leads', leadid, { jobtitle: null });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: null });
  });

  it('stays given up when its lead is qualified: neither value has moved', async () => {
    const { leadid, marketoId } = await discarded();
    const contact = await qualify(world, leadid);
    await world.settled();
    expect(await linkOfRow(contact)).toMatchObject({ status: 'linked', marketoId });
    expect(await world.person(marketoId)).toMatchObject({ title: 'CTO' });
    await world.doors.editRow('contacts', contact, { jobtitle: 'Chair' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: 'Chair' });
  });

  it.each(['after', 'before'])(
    'gives way to an edit of the person made %s its qualification',
    async (when) => {
      const { leadid, marketoId } = await discarded();
      const contact = await qualify(world, leadid);
      if (when === 'after') await world.settled();
      await world.doors.editPerson(marketoId, { title: 'Chair' });
      await world.settled();
      expect(await world.person(marketoId)).toMatchObject({ title: 'Chair' });
      expect(await world.row('contacts', contact)).toMatchObject({ jobtitle: 'Chair' });
    },
  );

  it('stays given up when its lead is opened again, after it was qualified into a contact of another person', async () => {
    const { leadid, marketoId } = await discarded();
    const row = { lastname: 'Ruiz', emailaddress1: newEmail() };
    const [contact = ''] = await world.doors.createRows('contacts', [row]);
    await world.settled();
    await qualify(world, leadid, contact);
    await world.settled();
    expect((await linkOfRow(leadid)).status).toBe('ambiguous');
    await activate(world, 'leads', leadid);
    await world.settled();
    expect((await linkOfRow(leadid)).status).toBe('linked');
    expect(await world.person(marketoId)).toMatchObject({ title: 'CTO' });
  });
});

describe('A hold on a person', () => {
  it('goes with it when a merge gives it a row', async () => {
    world = await startWorld();
    const { leadid, marketoId } = await pair();
    const [free = 0] = await persons(newEmail(), 1);
    await holdRecord(world.db, { marketoId: free }, HOLD);
    await mergePersons(world, free, [marketoId]);
    await world.doors.editPerson(free, { title: 'held' });
    await world.settled();
    expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: 'CTO' });
    expect((await linkOfRow(leadid)).outOfScope).toMatchObject({ hold: { by: 'ops' } });
  });

  it('goes with it when it gets the row that waited for it', async () => {
    world = await startWorld();
    const [a, b] = [await pair(), await pair()];
    await mergePersons(world, a.marketoId, [b.marketoId]);
    await world.settled();
    await holdRecord(world.db, { marketoId: a.marketoId }, HOLD);
    await world.doors.editPerson(a.marketoId, { title: 'held' });
    await world.doors.deleteRow('leads', a.leadid);
    await world.settled();
    expect(await world.row('leads', b.leadid)).toMatchObject({ jobtitle: 'CTO' });
  });

  it('goes with it when one that has a row is merged into it while it waits', async () => {
    world = await startWorld();
    const [a, b] = [await pair(), await pair()];
    await mergeRows(world, 'leads', { winner: b.leadid, loser: a.leadid });
    await world.settled();
    expect(await world.linkOfPerson(a.marketoId)).toMatchObject({ status: 'merged-away' });
    await holdRecord(world.db, { marketoId: a.marketoId }, HOLD);
    await mergePersons(world, a.marketoId, [b.marketoId]);
    await world.doors.editPerson(a.marketoId, { title: 'held' });
    await world.settled();
    expect(await linkOfRow(b.leadid)).toMatchObject({ marketoId: a.marketoId, outOfScope: { hold: HOLD } });
    expect(await world.row('leads', b.leadid)).toMatchObject({ jobtitle: 'CTO' });
    expect(await linkOfRow(a.leadid)).toMatchObject({ status: 'excluded', outOfScope: null });
  });

  it('stays when its lead is separated from the contact that it was qualified into', async () => {
    world = await startWorld();
    const { leadid, marketoId } = await pair();
    const [contact = ''] = await world.doors.createRows('contacts', [
      { lastname: 'Ruiz', emailaddress1: newEmail() },
    ]);
    await world.settled();
    await holdRecord(world.db, { marketoId }, HOLD);
    await qualify(world, leadid, contact);
    await world.settled();
    await decideSeparate(world.db, { dynamicsId: leadid }, decider());
    await world.settled();
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'out-of-scope' });
    expect(await releaseRecord(world.db, { marketoId })).toMatchObject({ released: true, stillOut: [] });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
  });

  it.each(['the row that it has', 'the row that it lost'])('ends for good by the id of %s', async (which) => {
    world = await startWorld();
    const email = newEmail();
    const row = async (): Promise<string> => {
      const [leadid = ''] = await leads(email, 1, { jobtitle: 'CTO' });
      await world.settled();
      return leadid;
    };
    const lost = await row();
    const marketoId = (await linkOfRow(lost)).marketoId ?? 0;
    await holdRecord(world.db, { marketoId }, HOLD);
    await world.doors.deleteRow('leads', lost);
    await world.settled();
    const living = await row();
    expect(await linkOfRow(living)).toMatchObject({ marketoId, outOfScope: { hold: HOLD } });
    const dynamicsId = which === 'the row that it has' ? living : lost;
    expect(await releaseRecord(world.db, { dynamicsId })).toMatchObject({
      ...{ released: true, stillOut: [] },
      pair: { marketoId, dynamicsId: living },
    });
    expect((await readStoreStatus(world.db, 'test')).outOfScope).toMatchObject({ hold: 0 });
    await world.doors.deleteRow('leads', living);
    await world.settled();
    expect(await linkOfRow(await row())).toMatchObject({ marketoId, outOfScope: null });
  });

  it('by the id of its qualified lead is a hold on its contact, and ends by that id too', async () => {
    world = await startWorld();
    const { leadid, marketoId } = await pair();
    const contact = await qualify(world, leadid);
    await world.settled();
    expect(await holdRecord(world.db, { dynamicsId: leadid }, HOLD)).toMatchObject({
      pair: { kind: 'contact', dynamicsId: contact },
    });
    await world.doors.editPerson(marketoId, { title: 'held' });
    await world.settled();
    expect(await world.row('contacts', contact)).not.toMatchObject({ jobtitle: 'held' });
    expect(await releaseRecord(world.db, { dynamicsId: leadid })).toMatchObject({ released: true });
    await world.settled();
    expect(await world.row('contacts', contact)).toMatchObject({ jobtitle: 'held' });
  });
});

describe('A tombstone', () => {
  it('stays when the row is deleted too: restored, it brings nobody back', async () => {
    world = await startWorld();
    const { leadid, marketoId } = await pair();
    await world.doors.deletePerson(marketoId);
    await world.settled();
    await world.doors.deleteRow('leads', leadid);
    await world.settled();
    await world.doors.createRows('leads', [{ leadid, lastname: 'Ruiz', jobtitle: 'CTO' }]);
    await world.settled();
    expect(await linkOfRow(leadid)).toMatchObject({ status: 'tombstone' });
  });
});
