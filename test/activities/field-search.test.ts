import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mostSearchCalls } from '../../rules/field-search.js';
import { leadPairsIn, type Pair } from '../support/pairs.js';
import { setPlugIns } from '../support/rejections.js';
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

const pairs = leadPairsIn(() => world);

/** Eight fields at once; the plug-in looks at one of them. */
const EIGHT = {
  firstName: 'Ana',
  title: 'CEO',
  phone: '+1 555 0100',
  fax: '+1 555 0101',
  city: 'Oslo',
  state: 'Ohio',
  country: 'Norway',
  postalCode: '0150',
};
const COLUMNS = {
  firstname: 'Ana',
  jobtitle: 'CEO',
  telephone1: '+1 555 0100',
  fax: '+1 555 0101',
  address1_city: 'Oslo',
  address1_stateorprovince: 'Ohio',
  address1_country: 'Norway',
  address1_postalcode: '0150',
};

const refuses = (column: string, contains: string) => ({
  ...{ table: 'lead', column, contains },
  message: `Not like this (${column}).`,
});

const parkedOf = async ({ marketoId }: Pair): Promise<string[]> =>
  Object.keys((await world.linkOfPerson(marketoId)).parked).sort();

const rejectionsOf = async ({ marketoId }: Pair) =>
  world.db
    .selectFrom('rejections')
    .select(['field', 'code'])
    .where('link_id', '=', (await world.linkOfPerson(marketoId)).id)
    .orderBy('field')
    .execute();

/** Writes of rows that reached Dynamics since the last look, alone or in a batch. */
const written = async (): Promise<number> => {
  const response = await fetch(`${world.dataverse}/admin/journal`);
  const { calls } = (await response.json()) as { calls: { method: string; path: string; parts: number }[] };
  await world.calls();
  const writes = calls.filter(({ method, path }) => path.endsWith('$batch') || method === 'PATCH');
  return writes.reduce((sum, { path, parts }) => sum + (path.endsWith('$batch') ? parts : 1), 0);
};

describe('A refusal of Dynamics that names no column', () => {
  it.each(Object.keys(COLUMNS))(
    'is traced to %s in a bounded number of calls; the others are written',
    async (column) => {
      const [pair] = await pairs(1);
      if (pair === undefined) throw new Error('no pair');
      const value = COLUMNS[column as keyof typeof COLUMNS];
      await setPlugIns(world.dataverse, [refuses(column, value)]);
      await world.doors.editPerson(pair.marketoId, EIGHT);
      await written();
      const { pushed } = await world.cycle();
      expect((await written()) - 1).toBeLessThanOrEqual(mostSearchCalls(8));
      const row = await world.row('leads', pair.leadid);
      const others = Object.entries(COLUMNS).filter(([name]) => name !== column);
      expect(row).toMatchObject(Object.fromEntries(others));
      expect(row[column]).not.toBe(value);
      expect(pushed).toMatchObject([{ records: 1, refused: 1, deferred: 0 }, {}]);
      await world.settled();
      expect(await rejectionsOf(pair)).toMatchObject([
        { code: '0x80040265', field: expect.anything() as unknown },
      ]);
      expect(await parkedOf(pair)).toHaveLength(1);
    },
  );

  it('is traced to each of several columns, also over more than one cycle', async () => {
    const [pair] = await pairs(1);
    if (pair === undefined) throw new Error('no pair');
    await setPlugIns(world.dataverse, [
      refuses('jobtitle', 'CEO'),
      refuses('fax', '0101'),
      refuses('address1_postalcode', '0150'),
      refuses('address1_country', 'Norway'),
    ]);
    await world.doors.editPerson(pair.marketoId, EIGHT);
    await world.settled();
    expect(await parkedOf(pair)).toEqual(['country', 'fax', 'postalCode', 'title']);
    expect(await world.row('leads', pair.leadid)).toMatchObject({ firstname: 'Ana', address1_city: 'Oslo' });
  });

  it('is one refusal of the record, found in four writes, where the row is refused whatever is written', async () => {
    const [pair] = await pairs(1);
    if (pair === undefined) throw new Error('no pair');
    const fault = {
      kind: 'refuse',
      status: 400,
      code: '0x80040265',
      message: 'This row is frozen.',
      times: 50,
    };
    await world.fault('dynamics', { method: 'PATCH', path: pair.leadid, ...fault });
    await world.doors.editPerson(pair.marketoId, EIGHT);
    await written();
    await world.cycle();
    expect((await written()) - 1).toBe(4);
    await world.settled();
    expect(await rejectionsOf(pair)).toEqual([{ field: null, code: '0x80040265' }]);
    expect(await parkedOf(pair)).toEqual(Object.keys(EIGHT).sort());
  });

  it('costs many rows of one cause little more than two writes each', async () => {
    const many = await pairs(60);
    await setPlugIns(world.dataverse, [refuses('fax', '0101')]);
    for (const { marketoId } of many) await world.doors.editPerson(marketoId, EIGHT);
    await written();
    const { pushed } = await world.cycle();
    expect(pushed[0]).toMatchObject({ records: 60, refused: 60, deferred: 0 });
    // The first write of each, two for what is known then, and ten searches.
    expect(await written()).toBeLessThanOrEqual(60 * 3 + 10 * mostSearchCalls(8));
    for (const pair of many.slice(0, 3).concat(many.slice(-3))) expect(await parkedOf(pair)).toEqual(['fax']);
  });

  it('ends, and writes all of it, where a workflow touches the row after each write', async () => {
    const [pair] = await pairs(1);
    if (pair === undefined) throw new Error('no pair');
    await world.setting('dynamics', { touchAfterWrite: true });
    await setPlugIns(world.dataverse, [refuses('fax', '0101')]);
    await world.doors.editPerson(pair.marketoId, EIGHT);
    await world.settled();
    await world.setting('dynamics', { touchAfterWrite: false });
    expect(await parkedOf(pair)).toEqual(['fax']);
    const others = Object.fromEntries(Object.entries(COLUMNS).filter(([name]) => name !== 'fax'));
    expect(await world.row('leads', pair.leadid)).toMatchObject(others);
  });

  it('survives a lost answer in the middle of the search', async () => {
    const [pair] = await pairs(1);
    if (pair === undefined) throw new Error('no pair');
    await setPlugIns(world.dataverse, [refuses('fax', '0101')]);
    await world.doors.editPerson(pair.marketoId, EIGHT);
    await world.fault('dynamics', { method: 'PATCH', path: '/leads(', kind: 'dropAfterWrite', skip: 2 });
    await world.settled();
    expect(await parkedOf(pair)).toEqual(['fax']);
    const others = Object.fromEntries(Object.entries(COLUMNS).filter(([name]) => name !== 'fax'));
    expect(await world.row('leads', pair.leadid)).toMatchObject(others);
  });
});
