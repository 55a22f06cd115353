import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUTHORITY } from '../../rules/authority.js';
import { decisionsOf } from '../../store/ledger.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const KINDS = ['lead', 'contact'] as const;
type Kind = (typeof KINDS)[number];

/** A linked pair at rest, with what is done to it. */
const pairOn = async (kind: Kind) => {
  const table = `${kind}s` as const;
  const id = randomUUID();
  const row = { [`${kind}id`]: id, lastname: 'Ruiz', jobtitle: 'old', emailaddress1: `${id}@example.com` };
  await world.doors.createRows(table, [row]);
  await world.settled();
  const link = (await world.links()).find(({ dynamicsId }) => dynamicsId === id);
  const marketoId = link?.marketoId ?? 0;
  const { marketo, dynamics } = world.ports;
  return {
    marketoId,
    typeInMarketo: (title: string) => world.doors.editPerson(marketoId, { title }),
    typeInDynamics: (jobtitle: string) => world.doors.editRow(table, id, { jobtitle }),
    /** With the very account that the sync signs in with. */
    asSyncUser: async (jobtitle: string) => {
      await dynamics.write(
        [{ type: 'update', kind, id, etag: '*', values: { jobtitle }, returnEtag: false }],
        { onOutcomes: () => Promise.resolve() },
      );
    },
    overTheApi: (title: string) =>
      marketo.syncPersons({ action: 'updateOnly', lookupField: 'id', records: [{ id: marketoId, title }] }),
    titles: async () => [
      (await world.person(marketoId))['title'] ?? null,
      (await world.row(table, id))['jobtitle'] ?? null,
    ],
    decisions: async () =>
      (await decisionsOf(world.db, [link?.id ?? 0], 100)).filter(({ field }) => field === 'title'),
  };
};

const both = (value: string) => [value, value];

describe.each(KINDS)('On a %s', (kind) => {
  it('an edit made as the sync user is an edit', async () => {
    const pair = await pairOn(kind);
    await pair.asSyncUser('typed as the sync user');
    await world.settled();
    expect(await pair.titles()).toEqual(both('typed as the sync user'));
    await pair.typeInMarketo('ours now');
    await world.settled();
    // Also where it types back what a write of ours has just replaced.
    await pair.asSyncUser('typed as the sync user');
    await world.settled();
    expect(await pair.titles()).toEqual(both('typed as the sync user'));
  });

  it("an edit made over Marketo's API by another program is an edit", async () => {
    const pair = await pairOn(kind);
    await pair.overTheApi('by a program');
    await world.settled();
    expect(await pair.titles()).toEqual(both('by a program'));
    await pair.typeInDynamics('ours now');
    await world.settled();
    await pair.overTheApi('by a program');
    await world.settled();
    expect(await pair.titles()).toEqual(both('by a program'));
  });

  it.each(['Marketo', 'Dynamics'])(
    'an edit and its reversal before we looked write nothing (%s)',
    async (side) => {
      const pair = await pairOn(kind);
      const type = side === 'Marketo' ? pair.typeInMarketo : pair.typeInDynamics;
      await type('B');
      await type('old');
      await world.calls();
      await world.settled();
      const { marketo, dynamics } = await world.calls();
      const writes = Object.keys({ ...marketo, ...dynamics }).filter((call) =>
        /POST \/rest|PATCH/.test(call),
      );
      expect(writes).toEqual([]);
      expect(await pair.titles()).toEqual(both('old'));
      expect(await pair.decisions()).toEqual([]);
    },
  );

  it.each(['Marketo', 'Dynamics'])('two edits within one second end with the second (%s)', async (side) => {
    const pair = await pairOn(kind);
    const type = side === 'Marketo' ? pair.typeInMarketo : pair.typeInDynamics;
    await type('first');
    await type('second');
    await world.settled();
    expect(await pair.titles()).toEqual(both('second'));
  });

  it('an edit whose log entry is committed behind the mark is found, and so is one on top of it', async () => {
    const pair = await pairOn(kind);
    await world.setting('marketo', { commitLagMs: 300 });
    try {
      await pair.typeInMarketo('late');
      await world.cycle();
      await pair.typeInDynamics('meanwhile');
      await world.cycle();
      await new Promise((resolve) => setTimeout(resolve, 400));
      await world.settled();
    } finally {
      await world.setting('marketo', { commitLagMs: 0 });
    }
    const [m, d] = await pair.titles();
    expect(m).toBe(d);
    // Whenever the entry was read: what is not there by now is on record.
    const known = (await pair.decisions()).flatMap(({ candidates }) => [
      candidates.marketo,
      candidates.dynamics,
    ]);
    for (const value of ['late', 'meanwhile']) expect([...known, m]).toContain(value);
  });

  it('a row that moves before each of our writes is left to the next cycle, and nothing is lost', async () => {
    const pair = await pairOn(kind);
    await pair.typeInMarketo('patient');
    await world.fault('dynamics', {
      method: 'PATCH',
      path: `/${kind}s(`,
      kind: 'refuse',
      status: 412,
      code: '0x80060882',
      message: 'The version of the existing record does not match.',
      times: 3,
    });
    const { pushed } = await world.cycle();
    expect(pushed.reduce((sum, { deferred }) => sum + deferred, 0)).toBe(1);
    expect((await pair.titles())[1]).toBe('old');
    await world.settled();
    expect(await pair.titles()).toEqual(both('patient'));
    expect(await world.faultsStruck()).toBe(true);
  });
});

describe.each(KINDS)(
  'An edit of a %s that is parked, and one on the other side after it, collide:',
  (kind) => {
    const winner = AUTHORITY[kind];

    it.each(['marketo', 'dynamics'] as const)('refused by the target, edited in %s first', async (first) => {
      const pair = await pairOn(kind);
      if (first === 'marketo') {
        const fault = { kind: 'refuse', status: 400, code: '0x80040265', message: 'No.' };
        await pair.typeInMarketo('from Marketo');
        await world.fault('dynamics', { method: 'PATCH', path: `/${kind}s(`, ...fault });
        await world.settled();
        expect(await pair.titles()).toEqual(['from Marketo', 'old']);
        await pair.typeInDynamics('from Dynamics');
      } else {
        await world.setting('marketo', { blockedFields: ['title'] });
        await pair.typeInDynamics('from Dynamics');
        await world.settled();
        expect(await pair.titles()).toEqual(['old', 'from Dynamics']);
        await world.setting('marketo', { blockedFields: [] });
        await pair.typeInMarketo('from Marketo');
      }
      await world.settled();
      expect(await pair.titles()).toEqual(both(winner === 'marketo' ? 'from Marketo' : 'from Dynamics'));
      expect(await pair.decisions()).toContainEqual(expect.objectContaining({ rule: 'authority', winner }));
    });

    it('refused by what metadata tells', async () => {
      const pair = await pairOn(kind);
      const tooLong = 'x'.repeat(150);
      await pair.typeInMarketo(tooLong);
      await world.settled();
      expect((await pair.titles())[1]).toBe('old');
      await pair.typeInDynamics('from Dynamics');
      await world.settled();
      const [decision] = await pair.decisions();
      expect(decision).toMatchObject({
        rule: 'authority',
        winner,
        candidates: { marketo: tooLong, dynamics: 'from Dynamics' },
      });
      // On a lead Marketo wins, and its value is refused still.
      expect(await pair.titles()).toEqual(
        kind === 'contact' ? both('from Dynamics') : [tooLong, 'from Dynamics'],
      );
    });
  },
);
