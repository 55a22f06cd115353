import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RemoteFailure } from '../../rules/failures.js';
import { leadPairsIn } from '../support/pairs.js';
import { startWorld, type World } from '../support/world.js';

const SYNC_PERSONS = { method: 'POST', path: '/rest/v1/leads.json' };
const LOG = { method: 'POST', path: '/activities/external.json' };

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterEach(() => world.faultsStruck());
afterAll(() => world.close());

const pairs = leadPairsIn(() => world);

const titles = (of: readonly { marketoId: number }[]): Promise<unknown[]> =>
  Promise.all(of.map(async ({ marketoId }) => (await world.person(marketoId))['title']));

const promote = async (of: readonly { leadid: string }[]): Promise<void> => {
  for (const { leadid } of of) await world.doors.editRow('leads', leadid, { jobtitle: 'CEO' });
};

const made = async ({ method, path }: typeof LOG): Promise<number> => {
  const { marketo } = await world.calls();
  return Object.entries(marketo).find(([name]) => name.startsWith(method) && name.endsWith(path))?.[1] ?? 0;
};

describe('A call to Marketo that is refused as a whole', () => {
  it.each([
    ['a code', { kind: 'code', code: '609' }],
    ['413', { kind: 'refuse', status: 413 }],
  ])('is parted until the record at fault stands alone: %s', async (_what, fault) => {
    const four = await pairs(4);
    await promote(four);
    await world.calls();
    // The call, its first half, the first record of that.
    await world.fault('marketo', { ...SYNC_PERSONS, ...fault, times: 3 });
    await world.cycle();
    expect(await made(SYNC_PERSONS)).toBe(5);
    expect((await titles(four)).toSorted()).toEqual(['CEO', 'CEO', 'CEO', 'CTO']);
    await world.settled();
    const refused = (await titles(four)).indexOf('CTO');
    const link = await world.linkOfPerson(four[refused]?.marketoId ?? 0);
    expect(Object.keys(link.parked)).toEqual(['title']);
  });

  it('is not parted without end where Marketo takes nothing at all, and goes through once it does', async () => {
    const many = await pairs(60);
    await promote(many);
    await world.calls();
    await world.fault('marketo', { ...SYNC_PERSONS, kind: 'code', code: '709', times: 1_000 });
    const failure = await world.cycle().then(
      () => undefined,
      (error: unknown) => error as RemoteFailure,
    );
    expect(failure).toMatchObject({ type: 'RefusedCall' });
    expect(await made(SYNC_PERSONS)).toBe(41);
    await world.faultsStruck();
    await world.settled();
    const left = (await titles(many)).filter((title) => title === 'CTO').length;
    // Those that stood alone are parked; all the others have it.
    const parked = (await world.links()).filter((link) =>
      many.some(({ marketoId }) => marketoId === link.marketoId),
    );
    expect(parked.filter((link) => 'title' in link.parked)).toHaveLength(left);
    expect(left).toBeLessThan(25);
  });

  it('of log entries is parted too: one that Marketo cannot take holds no other back', async () => {
    const four = await pairs(4);
    await world.calls();
    for (const { marketoId } of four) await world.doors.editPerson(marketoId, { title: 'Test Robot' });
    await world.fault('marketo', { ...LOG, kind: 'refuse', status: 413, times: 3 });
    await world.settled();
    expect(await made(LOG)).toBe(5);
    const ids = await Promise.all(
      four.map(async ({ marketoId }) => (await world.linkOfPerson(marketoId)).id),
    );
    const entries = await world.db
      .selectFrom('activity_entries')
      .select('state')
      .where('link_id', 'in', ids)
      .execute();
    expect(entries.map(({ state }) => state).toSorted()).toEqual(['abandoned', 'logged', 'logged', 'logged']);
  });
});
