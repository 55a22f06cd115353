import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { followAndOpen } from '../../activities/cycle.js';
import { fetchDynamics } from '../../activities/fetch-dynamics.js';
import type { Ports } from '../../activities/settings.js';
import { DEFAULT_CONFIG } from '../../config/default-config.js';
import { expectPairMoved, qualify } from '../support/succession.js';
import { Crash, newAttempt, startWorld, type World } from '../support/world.js';

let world: World;
let LEAD: string;
beforeAll(async () => {
  world = await startWorld();
});
beforeEach(() => {
  LEAD = randomUUID();
});
afterAll(() => world.close());

/** One lead with its person, at rest. */
const pair = async (): Promise<number> => {
  await world.doors.createRows('leads', [
    {
      ...{ leadid: LEAD, lastname: 'Ruiz', jobtitle: 'CTO', emailaddress1: `${LEAD}@example.com` },
      ...{ companyname: 'Acme', address1_city: 'Bergen' },
    },
  ]);
  await world.settled();
  return (await world.links()).find(({ dynamicsId }) => dynamicsId === LEAD)?.marketoId ?? 0;
};

const contactOf = (id: string) => world.row('contacts', id);
const expectMoved = (marketoId: number, contact: string) => expectPairMoved(world, LEAD, marketoId, contact);

describe('Values of a qualified lead', () => {
  it('that were edited in Marketo at the same time go to the contact', async () => {
    const marketoId = await pair();
    const contact = await qualify(world, LEAD);
    await world.doors.editPerson(marketoId, { title: 'CEO' });
    await world.settled();
    expect(await contactOf(contact)).toMatchObject({ jobtitle: 'CEO' });
    await expectMoved(marketoId, contact);
  });

  it('that were edited on the lead just before go to Marketo', async () => {
    const marketoId = await pair();
    await world.doors.editRow('leads', LEAD, { jobtitle: 'Chair', address1_city: null });
    const contact = await qualify(world, LEAD);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: 'Chair', city: null });
    expect(await contactOf(contact)).toMatchObject({ jobtitle: 'Chair', address1_city: null });
  });

  it('that were edited on the contact at once go to Marketo, and win there', async () => {
    const marketoId = await pair();
    const contact = await qualify(world, LEAD);
    await world.doors.editRow('contacts', contact, { jobtitle: 'Chair' });
    await world.doors.editPerson(marketoId, { title: 'CEO' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: 'Chair' });
    expect(await contactOf(contact)).toMatchObject({ jobtitle: 'Chair' });
  });

  it('that were on their way to the lead reach the contact', async () => {
    const marketoId = await pair();
    await world.doors.editPerson(marketoId, { title: 'CEO' });
    let contact = '';
    await world.cycle({
      resolved: async () => {
        contact = await qualify(world, LEAD);
      },
    });
    await world.settled();
    expect(await contactOf(contact)).toMatchObject({ jobtitle: 'CEO' });
    await expectMoved(marketoId, contact);
  });

  it('that were on their way to Marketo are no edit there', async () => {
    const marketoId = await pair();
    await world.doors.editRow('leads', LEAD, { jobtitle: 'Chair' });
    await world.cycle();
    const contact = await qualify(world, LEAD);
    await world.doors.editRow('contacts', contact, { jobtitle: 'President' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: 'President' });
    expect(await contactOf(contact)).toMatchObject({ jobtitle: 'President' });
  });

  it('that were refused are tried again with the contact', async () => {
    const marketoId = await pair();
    await world.doors.editPerson(marketoId, { title: 'Test Robot' });
    await world.settled();
    expect(Object.keys((await world.linkOfPerson(marketoId)).parked)).toEqual(['title']);
    await qualify(world, LEAD);
    await world.settled();
    const { id } = await world.linkOfPerson(marketoId);
    const rejections = await world.db
      .selectFrom('rejections')
      .selectAll()
      .where('link_id', '=', id)
      .execute();
    expect(rejections.filter(({ closed_at }) => closed_at === null)).toHaveLength(
      Object.keys((await world.linkOfPerson(marketoId)).parked).length,
    );
    expect(rejections[0]?.closed_at).not.toBeNull();
  });
});

describe('Values that stand in another column of the contact', () => {
  let shared: World;
  beforeAll(async () => {
    shared = world;
    const config = DEFAULT_CONFIG.replace('  - { marketo: department, contact: department }\n', '')
      .replace('lead: jobtitle, contact: jobtitle', 'lead: jobtitle, contact: department')
      .replace('lead: donotbulkemail, contact: donotbulkemail', 'lead: donotbulkemail, contact: donotemail');
    world = await startWorld({ config });
  });
  afterAll(async () => {
    await world.close();
    world = shared;
  });

  it('that qualification does not carry come from Marketo', async () => {
    const marketoId = await pair();
    const contact = await qualify(world, LEAD);
    await world.settled();
    expect(await contactOf(contact)).toMatchObject({ department: 'CTO' });
    expect(await world.person(marketoId)).toMatchObject({ title: 'CTO', city: 'Bergen' });
  });

  it('that are consents are the most restrictive of both', async () => {
    const marketoId = await pair();
    await world.doors.editPerson(marketoId, { unsubscribed: true });
    await world.settled();
    const contact = await qualify(world, LEAD);
    await world.doors.editRow('contacts', contact, { donotphone: true });
    await world.settled();
    expect(await contactOf(contact)).toMatchObject({ donotemail: true, donotphone: true });
    expect(await world.person(marketoId)).toMatchObject({ unsubscribed: true, doNotCall: true });
  });
});

describe('A crash while a pair follows its lead', () => {
  it.each([
    { side: 'marketo', when: 'before' },
    { side: 'marketo', when: 'after' },
    { side: 'dynamics', when: 'before' },
    { side: 'dynamics', when: 'after' },
  ] as const)('$when a call to $side loses and doubles nothing', async ({ side, when }) => {
    const marketoId = await pair();
    await world.doors.editRow('leads', LEAD, { jobtitle: 'Chair' });
    await world.doors.editPerson(marketoId, { city: 'Oslo' });
    const contact = await qualify(world, LEAD);
    world.crash(side, when);
    await expect(world.cycle()).rejects.toBeInstanceOf(Crash);
    await world.settled();
    await expectMoved(marketoId, contact);
    expect(await world.person(marketoId)).toMatchObject({ title: 'Chair', city: 'Oslo' });
    expect(await contactOf(contact)).toMatchObject({ jobtitle: 'Chair', address1_city: 'Oslo' });
  });

  it.each(['reading the contact', 'reading the person'])('when %s forgets nothing', async (step) => {
    const marketoId = await pair();
    const contact = await qualify(world, LEAD);
    const { marketo, dynamics } = world.ports;
    const die = () => Promise.reject(new Crash(step));
    const ports: Ports = {
      ...world.ports,
      marketo: step === 'reading the person' ? { ...marketo, readPersons: die } : marketo,
      dynamics: step === 'reading the contact' ? { ...dynamics, readRows: die } : dynamics,
    };
    const input = { cycle: 99, at: new Date().toISOString() };
    for (const kind of ['lead', 'contact'] as const) await fetchDynamics(ports, kind, input, newAttempt());
    await expect(followAndOpen(ports, input, newAttempt())).rejects.toBeInstanceOf(Crash);
    await world.settled();
    await expectMoved(marketoId, contact);
  });
});
