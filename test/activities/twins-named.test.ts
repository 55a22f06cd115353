import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { holdRecord, releaseRecord } from '../../client/hold/hold.js';
import { setPlugIns, trialsFallDue } from '../support/rejections.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterEach(async () => {
  await world.faultsStruck();
  await setPlugIns(world.dataverse, []);
});
afterAll(() => world.close());

interface Pair {
  readonly id: string;
  readonly marketoId: number;
  readonly email: string;
}

const addressOf = (id: string): string => `${id}@example.com`;

const twoPairs = async (table: 'leads' | 'contacts' = 'leads'): Promise<readonly [Pair, Pair]> => {
  const ids = [randomUUID(), randomUUID()];
  const key = table === 'leads' ? 'leadid' : 'contactid';
  await world.doors.createRows(
    table,
    ids.map((id) => ({ [key]: id, lastname: 'Ruiz', emailaddress1: addressOf(id) })),
  );
  await world.settled();
  const links = await world.links();
  const [one, two] = ids.map((id) => {
    const link = links.find(({ dynamicsId }) => dynamicsId === id);
    return { id, email: addressOf(id), marketoId: link?.marketoId ?? 0 };
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
    expect(await world.row('leads', one.id)).toMatchObject({ emailaddress1: one.email, jobtitle: 'CEO' });
    const link = await world.linkOfPerson(one.marketoId);
    const words = `A lead with this e-mail exists: ${two.id}.`;
    expect((await openMessages(link.id)).map((text) => text.startsWith(words))).toEqual([true]);
    const [entry, ...more] = await told(one.marketoId);
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ field: 'email', code: '0x80040333' });
    expect(entry?.['message']).toContain(words);
  });

  it('finds the twin by one read where the refusal does not name it', async () => {
    const [one, two] = await twoPairs();
    const fault = { kind: 'refuse', status: 412, code: '0x80040333', message: 'A duplicate exists.' };
    await world.fault('dynamics', { method: 'PATCH', path: one.id, ...fault });
    await world.doors.editPerson(one.marketoId, { email: two.email });
    await world.settled();
    const link = await world.linkOfPerson(one.marketoId);
    expect(await openMessages(link.id)).toEqual([
      `A lead with this e-mail exists: ${two.id}. A duplicate exists.`,
    ]);
  });

  it('is told to the campaign that asked for it, and may be asked for again', async () => {
    const [one] = await twoPairs();
    const [marketoId = 0] = await world.doors.createPersons([{ email: one.email, lastName: 'Ito' }]);
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'refused', code: '0x80040333' });
    const [entry] = await told(marketoId);
    expect(entry?.['message']).toContain(`A lead with this e-mail exists: ${one.id}.`);
    await world.doors.editRow('leads', one.id, { emailaddress1: `${randomUUID()}@example.com` });
    await world.settled();
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
    const links = (await world.links()).filter((link) => link.marketoId === marketoId);
    expect(links.map(({ status }) => status).toSorted()).toEqual(['ended', 'linked']);
    for (const { id } of links) expect(await openMessages(id)).toEqual([]);
  });
});

describe('A row whose twin keeps its address, although its person holds another one,', () => {
  const hold = { since: new Date().toISOString(), by: 'ana', note: null };

  /** The first person is given the address of the second one's row, which is refused and told. */
  const refusedBeside = async (table: 'leads' | 'contacts', one: Pair, wanted: string): Promise<void> => {
    await world.doors.editPerson(one.marketoId, { email: wanted });
    await world.settled();
    expect(await world.row(table, one.id)).toMatchObject({ emailaddress1: one.email });
    expect(await told(one.marketoId)).toMatchObject([{ code: '0x80040333' }]);
  };

  it('is refused while the twin is on hold, and gets the address once it was released', async () => {
    const [one, two] = await twoPairs();
    await holdRecord(world.db, { marketoId: two.marketoId }, hold);
    await world.doors.editPerson(two.marketoId, { email: `${randomUUID()}@example.com` });
    await world.settled();
    await refusedBeside('leads', one, two.email);
    await releaseRecord(world.db, { marketoId: two.marketoId });
    await world.settled();
    // One record of a cause is tried each hour, and tests before left theirs.
    for (let hour = 0; hour < 6; hour += 1) {
      await trialsFallDue(world.db);
      await world.settled();
    }
    expect(await world.row('leads', one.id)).toMatchObject({ emailaddress1: two.email });
    expect((await world.row('leads', two.id))['emailaddress1']).not.toBe(two.email);
  });

  it('is refused where Dynamics wins the address of the twin', async () => {
    const [one, two] = await twoPairs('contacts');
    const wanted = `${randomUUID()}@example.com`;
    await world.doors.editRow('contacts', two.id, { emailaddress1: wanted });
    await world.doors.editPerson(two.marketoId, { email: `${randomUUID()}@example.com` });
    await refusedBeside('contacts', one, wanted);
    expect(await world.person(two.marketoId)).toMatchObject({ email: wanted });
  });

  it('is refused where the twin was refused its new address', async () => {
    const [one, two] = await twoPairs();
    await setPlugIns(world.dataverse, [
      { table: 'lead', column: 'emailaddress1', contains: 'robot', message: 'Not this one.' },
    ]);
    await world.doors.editPerson(two.marketoId, { email: `robot-${randomUUID()}@example.com` });
    await world.settled();
    await refusedBeside('leads', one, two.email);
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
    expect(await world.row('leads', one.id)).toMatchObject({ fax: null, jobtitle: 'CEO' });
    const [entry] = await told(one.marketoId);
    expect(entry).toMatchObject({ field: 'fax', code: '0x80060892' });
    expect(entry?.['message']).toContain(`A lead with this key exists: ${two.id}.`);
  });
});
