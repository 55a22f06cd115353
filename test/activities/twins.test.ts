import { afterEach, describe, expect, it } from 'vitest';
import { Crash, startWorld, type World } from '../support/world.js';

let world: World;
afterEach(() => world.close());

const LEAD = '11111111-1111-4111-8111-111111111111';
const OTHER = '22222222-2222-4222-8222-222222222222';
const lead = { leadid: LEAD, lastname: 'Ruiz', jobtitle: 'CTO', emailaddress1: 'ana@example.com' };

const personIds = async (): Promise<number[]> => {
  const ids: number[] = [];
  for await (const page of world.doors.persons()) ids.push(...page.map(({ id }) => Number(id)));
  return ids;
};

/** What a cycle at rest still does. */
const idle = async () => {
  await world.calls();
  const { resolved } = await world.cycle();
  const { marketo } = await world.calls();
  return { resolved, writes: marketo['POST /rest/v1/leads.json'] ?? 0 };
};

describe('Two persons with one row id, both of our making,', () => {
  it('are set aside with both candidates, and the cycle comes to rest', async () => {
    world = await startWorld({ leads: [lead] });
    await world.fault('marketo', { method: 'POST', path: '/rest/v1/leads.json', kind: 'twin' });
    world.crash('marketo', 'after');
    await expect(world.cycle()).rejects.toBeInstanceOf(Crash);
    await world.settled();
    const ids = await personIds();
    expect(ids).toHaveLength(2);
    const [link] = await world.links();
    expect(link).toMatchObject({
      status: 'ambiguous',
      candidates: ids.map((id) => ({ side: 'marketo', id: String(id) })),
    });
    expect(await idle()).toEqual({ resolved: [], writes: 0 });
  });

  it('are one again when somebody deletes the other', async () => {
    world = await startWorld({ leads: [lead] });
    await world.fault('marketo', { method: 'POST', path: '/rest/v1/leads.json', kind: 'twin' });
    world.crash('marketo', 'after');
    await expect(world.cycle()).rejects.toBeInstanceOf(Crash);
    await world.settled();
    const [first = 0, second = 0] = await personIds();
    await world.doors.deletePerson(second);
    await world.settled();
    expect(await world.linkOfPerson(first)).toMatchObject({ status: 'linked', dynamicsId: LEAD });
  });

  it('never lead to a second row, although a campaign asks for the one that is not linked', async () => {
    world = await startWorld({ leads: [lead] });
    await world.fault('marketo', { method: 'POST', path: '/rest/v1/leads.json', kind: 'twin' });
    await world.settled();
    const linked = (await world.links())[0]?.marketoId ?? 0;
    const twin = (await personIds()).find((id) => id !== linked) ?? 0;
    expect(await world.request(twin)).toMatchObject({ outcome: 'ambiguous' });
    await world.settled();
    expect(await world.links()).toHaveLength(1);
  });
});

describe('A row whose id stands on the person of another row', () => {
  it('is set aside; that person keeps its values, and the cycle comes to rest', async () => {
    world = await startWorld({ leads: [lead] });
    await world.settled();
    const [marketoId = 0] = await personIds();
    await world.doors.editPerson(marketoId, { dynamicsId: OTHER });
    await world.doors.createRows('leads', [
      { leadid: OTHER, lastname: 'Ito', emailaddress1: 'ito@example.com' },
    ]);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ lastName: 'Ruiz', email: 'ana@example.com' });
    const links = await world.links();
    expect(links.map(({ status }) => status)).toEqual(['linked', 'ambiguous']);
    expect(await idle()).toEqual({ resolved: [], writes: 0 });
  });

  it('is set aside too when that shows only in the answer to the creation', async () => {
    world = await startWorld({ leads: [lead] });
    await world.settled();
    const [marketoId = 0] = await personIds();
    await world.doors.createRows('leads', [
      { leadid: OTHER, lastname: 'Ito', emailaddress1: 'ito@example.com' },
    ]);
    await world.cycle({ resolved: () => world.doors.editPerson(marketoId, { dynamicsId: OTHER }) });
    await world.settled();
    expect((await world.links()).map(({ status }) => status)).toEqual(['linked', 'ambiguous']);
    expect(await personIds()).toEqual([marketoId]);
  });
});

describe('A person whose creation got no answer', () => {
  it('keeps an edit that was made in Dynamics before it was found again', async () => {
    world = await startWorld({ leads: [lead] });
    world.crash('marketo', 'after');
    await expect(world.cycle()).rejects.toBeInstanceOf(Crash);
    await world.doors.editRow('leads', LEAD, { jobtitle: 'edited' });
    await world.settled();
    expect(await world.row('leads', LEAD)).toMatchObject({ jobtitle: 'edited' });
    const [id = 0] = await personIds();
    expect(await world.person(id)).toMatchObject({ title: 'edited' });
  });

  it('is not created again before the doubt is over', async () => {
    world = await startWorld({ leads: [lead] });
    world.crash('marketo', 'before');
    await expect(world.cycle()).rejects.toBeInstanceOf(Crash);
    await world.cycle();
    await world.cycle();
    expect(await personIds()).toEqual([]);
    await world.settled();
    expect(await personIds()).toHaveLength(1);
  });

  it('is told what it could not take once it is there', async () => {
    world = await startWorld({ leads: [{ ...lead, emailaddress1: 'josé@exämple.com' }] });
    await world.fault('marketo', {
      method: 'POST',
      path: '/rest/v1/leads.json',
      kind: 'dropAfterWrite',
    });
    await world.settled();
    const entries = await world.db.selectFrom('activity_entries').selectAll().execute();
    expect(entries.map(({ state, attributes }) => [state, attributes['field']])).toEqual([
      ['logged', 'email'],
    ]);
  });
});
