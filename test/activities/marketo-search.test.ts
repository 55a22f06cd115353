import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { elapse } from '../support/elapse.js';
import { leadPairsIn, type Pair } from '../support/pairs.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterEach(async () => {
  await world.faultsStruck();
  await world.setting('marketo', { badRecords: [] });
});
afterAll(() => world.close());

const pairs = leadPairsIn(() => world);

const EDIT = {
  firstname: 'Ana',
  jobtitle: 'CEO',
  telephone1: '+1 555 0100',
  fax: '+1 555 0101',
  address1_city: 'Oslo',
  address1_country: 'Norway',
};

const calls = async (): Promise<number> => (await world.calls()).marketo['POST /rest/v1/leads.json'] ?? 0;

const rejectionsOf = async ({ marketoId }: Pair) =>
  world.db
    .selectFrom('rejections')
    .select(['field', 'code'])
    .where('link_id', '=', (await world.linkOfPerson(marketoId)).id)
    .execute();

const time = (): Promise<void> => elapse(world.db, 400_000);

describe('A record that Marketo skips without naming a field', () => {
  it('loses the guilty field alone, all such records in the same few calls', async () => {
    const many = await pairs(30);
    await world.setting('marketo', { badRecords: [{ field: 'fax', contains: '0101', code: '1003' }] });
    for (const { leadid } of many) await world.doors.editRow('leads', leadid, EDIT);
    await calls();
    const { pushed } = await world.cycle();
    // Sixteen turns at most; here: all, two halves, three of ten searches, and two more for the others.
    expect(await calls()).toBeLessThanOrEqual(10);
    expect(pushed[1]).toMatchObject({ refused: 30, deferred: 0 });
    await world.settled();
    for (const pair of [...many.slice(0, 2), ...many.slice(-2)]) {
      expect(await world.person(pair.marketoId)).toMatchObject({
        firstName: 'Ana',
        title: 'CEO',
        city: 'Oslo',
      });
      expect(await rejectionsOf(pair)).toEqual([{ field: 'fax', code: '1003' }]);
    }
  });

  it('is one refusal where it is skipped whatever is sent', async () => {
    const [pair, neighbour] = await pairs(2);
    if (pair === undefined || neighbour === undefined) throw new Error('no pair');
    const bad = { field: 'id', contains: String(pair.marketoId), code: '1010' };
    await world.setting('marketo', { badRecords: [bad] });
    for (const { leadid } of [pair, neighbour]) await world.doors.editRow('leads', leadid, EDIT);
    await calls();
    await world.cycle();
    expect(await calls()).toBe(5);
    expect(await rejectionsOf(pair)).toEqual([{ field: null, code: '1010' }]);
    expect(await world.person(neighbour.marketoId)).toMatchObject({ fax: EDIT.fax });
  });
});

describe.each(['1014', '1022'])('A record that Marketo skips with %s', (code) => {
  it('is no refusal: it goes again in the next cycle, and its neighbours at once', async () => {
    const [pair, neighbour] = await pairs(2);
    if (pair === undefined || neighbour === undefined) throw new Error('no pair');
    const bad = { field: 'id', contains: String(pair.marketoId), code };
    await world.setting('marketo', { badRecords: [bad] });
    for (const { leadid } of [pair, neighbour]) await world.doors.editRow('leads', leadid, EDIT);
    await calls();
    const { pushed } = await world.cycle();
    expect(await calls()).toBe(1);
    expect(pushed[1]).toMatchObject({ records: 1, refused: 0, deferred: 1 });
    expect(await world.person(neighbour.marketoId)).toMatchObject({ title: 'CEO' });
    await world.setting('marketo', { badRecords: [] });
    await world.settled();
    expect(await world.person(pair.marketoId)).toMatchObject({ title: 'CEO' });
    expect(await rejectionsOf(pair)).toEqual([]);
  });

  it('is created in a later cycle', async () => {
    const leadid = randomUUID();
    await world.setting('marketo', { badRecords: [{ field: 'dynamicsId', contains: leadid, code }] });
    const email = `${leadid}@example.com`;
    await world.doors.createRows('leads', [{ leadid, lastname: 'Ito', emailaddress1: email }]);
    const { pushed } = await world.cycle();
    expect(pushed[1]).toMatchObject({ created: 0, refused: 0, deferred: 1 });
    await world.setting('marketo', { badRecords: [] });
    await world.settled();
    const link = (await world.links()).find(({ dynamicsId }) => dynamicsId === leadid);
    expect(link).toMatchObject({ status: 'linked', parked: {} });
  });
});

describe('A record that makes Marketo fail inside (611) each time', () => {
  /** One cycle, as long as its steps fail and are tried again, and the time until its calls are over. */
  const cycle = async (): Promise<void> => {
    await world.cycle();
    await time();
  };

  it('holds up none of the others of its call for more than three cycles', async () => {
    const many = await pairs(30);
    const [poison, ...others] = many;
    if (poison === undefined) throw new Error('no pair');
    const bad = { field: 'id', contains: String(poison.marketoId), code: '611', fails: 'call' };
    await world.setting('marketo', { badRecords: [bad] });
    for (const { leadid } of many) await world.doors.editRow('leads', leadid, { jobtitle: 'CEO' });
    await calls();
    for (let count = 0; count < 3; count += 1) await cycle();
    const titles = await Promise.all(
      others.map(async (each) => (await world.person(each.marketoId))['title']),
    );
    expect(titles).toEqual(others.map(() => 'CEO'));
    // The whole, two of twenty at most, and twenty alone.
    expect(await calls()).toBeLessThanOrEqual(1 + 2 + 20);
    await cycle();
    expect(await calls()).toBe(1);
    expect(await rejectionsOf(poison)).toEqual([]);
    await world.setting('marketo', { badRecords: [] });
    await world.settled();
    expect((await world.person(poison.marketoId))['title']).toBe('CEO');
  });

  it('holds up no creation of others either', async () => {
    const leads = Array.from({ length: 25 }, () => {
      const leadid = randomUUID();
      return { leadid, lastname: 'Ito', emailaddress1: `${leadid}@example.com` };
    });
    const bad = { field: 'dynamicsId', contains: leads[0]?.leadid ?? '', code: '611', fails: 'call' };
    await world.setting('marketo', { badRecords: [bad] });
    await world.doors.createRows('leads', leads);
    for (let count = 0; count < 3; count += 1) await cycle();
    const links = (await world.links()).filter(({ dynamicsId }) =>
      leads.some(({ leadid }) => leadid === dynamicsId),
    );
    expect(links.filter(({ status }) => status === 'linked')).toHaveLength(24);
    await world.setting('marketo', { badRecords: [] });
    await world.settled();
    expect(await world.duplicates()).toEqual([]);
  });
});
