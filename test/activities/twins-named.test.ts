import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterEach(() => world.faultsStruck());
afterAll(() => world.close());

interface Pair {
  readonly leadid: string;
  readonly marketoId: number;
  readonly email: string;
}

const twoPairs = async (): Promise<readonly [Pair, Pair]> => {
  const leads = [1, 2].map(() => {
    const leadid = randomUUID();
    return { leadid, lastname: 'Ruiz', emailaddress1: `${leadid}@example.com` };
  });
  await world.doors.createRows('leads', leads);
  await world.settled();
  const links = await world.links();
  const [one, two] = leads.map(({ leadid, emailaddress1: email }) => {
    const link = links.find(({ dynamicsId }) => dynamicsId === leadid);
    return { leadid, email, marketoId: link?.marketoId ?? 0 };
  });
  if (one === undefined || two === undefined) throw new Error('no pairs');
  return [one, two];
};

const told = async (marketoId: number) => {
  const entries = await world.db
    .selectFrom('activity_entries')
    .selectAll()
    .where('marketo_id', '=', marketoId)
    .orderBy('at')
    .execute();
  return entries.map(({ attributes }) => attributes);
};

const openMessages = async (linkId: number): Promise<string[]> => {
  const found = world.db.selectFrom('rejections').select('message').where('link_id', '=', linkId);
  return (await found.where('closed_at', 'is', null).execute()).map(({ message }) => message);
};

describe('A row that a duplicate rule of Dynamics refuses', () => {
  it('names its twin in the store and on the person; other fields go', async () => {
    const [one, two] = await twoPairs();
    await world.doors.editPerson(one.marketoId, { email: two.email, title: 'CEO' });
    await world.settled();
    expect(await world.row('leads', one.leadid)).toMatchObject({ emailaddress1: one.email, jobtitle: 'CEO' });
    const link = await world.linkOfPerson(one.marketoId);
    const words = `A lead with this e-mail exists: ${two.leadid}.`;
    expect((await openMessages(link.id)).map((text) => text.startsWith(words))).toEqual([true]);
    const [entry, ...more] = await told(one.marketoId);
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ field: 'email', code: '0x80040333' });
    expect(entry?.['message']).toContain(words);
  });

  it('finds the twin by one read where the refusal does not name it', async () => {
    const [one, two] = await twoPairs();
    const fault = { kind: 'refuse', status: 412, code: '0x80040333', message: 'A duplicate exists.' };
    await world.fault('dynamics', { method: 'PATCH', path: one.leadid, ...fault });
    await world.doors.editPerson(one.marketoId, { email: two.email });
    await world.settled();
    const link = await world.linkOfPerson(one.marketoId);
    expect(await openMessages(link.id)).toEqual([
      `A lead with this e-mail exists: ${two.leadid}. A duplicate exists.`,
    ]);
  });

  it('is told to the campaign that asked for it, and may be asked for again', async () => {
    const [one] = await twoPairs();
    const [marketoId = 0] = await world.doors.createPersons([{ email: one.email, lastName: 'Ito' }]);
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'refused', code: '0x80040333' });
    const [entry] = await told(marketoId);
    expect(entry?.['message']).toContain(`A lead with this e-mail exists: ${one.leadid}.`);
    await world.doors.editRow('leads', one.leadid, { emailaddress1: `${randomUUID()}@example.com` });
    await world.settled();
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
    const links = (await world.links()).filter((link) => link.marketoId === marketoId);
    expect(links.map(({ status }) => status).toSorted()).toEqual(['ended', 'linked']);
    for (const { id } of links) expect(await openMessages(id)).toEqual([]);
  });
});

describe('A row that an alternate key of Dynamics refuses', () => {
  it('names its twin', async () => {
    const key = { table: 'lead', name: 'new_fax_key', columns: ['fax'] };
    await fetch(`${world.dataverse}/admin/keys`, {
      method: 'POST',
      body: JSON.stringify(key),
      headers: { 'content-type': 'application/json' },
    });
    const [one, two] = await twoPairs();
    await world.doors.editPerson(two.marketoId, { fax: '+1 555 0101' });
    await world.settled();
    await world.doors.editPerson(one.marketoId, { fax: '+1 555 0101', title: 'CEO' });
    await world.settled();
    expect(await world.row('leads', one.leadid)).toMatchObject({ fax: null, jobtitle: 'CEO' });
    const [entry] = await told(one.marketoId);
    expect(entry).toMatchObject({ field: 'fax', code: '0x80060892' });
    expect(entry?.['message']).toContain(`A lead with this key exists: ${two.leadid}.`);
  });
});
