import { afterEach, describe, expect, it } from 'vitest';
import { currentMapping } from '../../activities/catalog.js';
import { followAndOpen } from '../../activities/cycle.js';
import { discard } from '../../activities/guard-discard.js';
import { explainRecord } from '../../client/why/read.js';
import { closeStop, lastStop, openStop } from '../../store/guard-stops.js';
import { blankTitles, decide, ended, guardedPairs, PEOPLE, titles } from '../support/guarded.js';
import { Crash, type World } from '../support/world.js';

let world: World;
afterEach(() => world.close());

const pairs = guardedPairs((started) => {
  world = started;
});

describe('A change that is discarded', () => {
  it('leaves both sides as they are, field by field, and lets everything else through', async () => {
    const all = await pairs();
    const before = await titles(world, all);
    await blankTitles(world, all);
    await world.doors.editRow('leads', all[3]?.leadid ?? '', { address1_city: 'Bergen' });
    await world.cycle();
    await decide(world, 'discard');
    await world.settled();
    expect(await ended(world)).toBe('discarded');
    expect(await titles(world, all)).toEqual(before);
    expect(await world.row('leads', all[0]?.leadid ?? '')).toMatchObject({ jobtitle: null });
    expect(await world.person(all[3]?.marketoId ?? 0)).toMatchObject({ city: 'Bergen' });
    const [{ fields } = { fields: [] }] = await explainRecord(
      world.db,
      { marketoId: all[0]?.marketoId ?? 0 },
      'title',
    );
    const stop = await lastStop(world.db);
    expect(fields[0]).toMatchObject({
      state: 'discarded',
      decisions: [{ winner: 'dynamics', discarded: stop?.id }],
    });
  });

  it('is given up once, also by a worker that is killed while it does so', async () => {
    const all = await pairs();
    const before = await titles(world, all);
    await blankTitles(world, all);
    await world.cycle();
    await decide(world, 'discard');
    const killed = () => {
      throw new Crash('killed');
    };
    const input = { cycle: 900, at: new Date().toISOString() };
    const dying = followAndOpen(world.ports, input, { ...world.attempt(), progress: killed });
    await expect(dying).rejects.toThrow(Crash);
    expect(await openStop(world.db)).toMatchObject({ decision: 'discard' });
    await world.settled();
    expect(await ended(world)).toBe('discarded');
    expect(await titles(world, all)).toEqual(before);
    const lines = await world.db.selectFrom('ledger').selectAll().execute();
    expect(lines.filter(({ decisions }) => JSON.stringify(decisions).includes('discarded'))).toHaveLength(
      PEOPLE,
    );
  });

  it('is not given up by a worker that wakes late, when its stop has ended', async () => {
    const all = await pairs();
    await blankTitles(world, all);
    await world.cycle();
    await decide(world, 'discard');
    const stop = await openStop(world.db);
    if (stop === undefined) expect.fail('nothing is stopped');
    await closeStop(world.db, stop, 'passed');
    const guarding = {
      ...{ ports: world.ports, mapping: await currentMapping(world.ports), cycle: 900 },
      ...{
        thresholds: { clears: 0, deletes: 0, writes: 0, sameValue: 0, atLeast: 1 },
        attempt: world.attempt(),
      },
    };
    await expect(discard(guarding, stop)).rejects.toMatchObject({ type: 'Busy' });
    expect((await world.links()).every(({ parked }) => Object.keys(parked).length === 0)).toBe(true);
  });

  it('is tried again for a record as soon as one of its values moves', async () => {
    const all = await pairs();
    await blankTitles(world, all);
    await world.cycle();
    await decide(world, 'discard');
    await world.settled();
    await world.doors.editRow('leads', all[0]?.leadid ?? '', { jobtitle: 'CEO' });
    await world.doors.editPerson(all[1]?.marketoId ?? 0, { title: 'Chair' });
    await world.settled();
    expect(await world.person(all[0]?.marketoId ?? 0)).toMatchObject({ title: 'CEO' });
    expect(await world.row('leads', all[1]?.leadid ?? '')).toMatchObject({ jobtitle: 'Chair' });
  });

  it('does not come back over the next edit of the other side', async () => {
    const all = await pairs();
    const spread = all.slice(0, 8).map(({ marketoId }) => ({ id: marketoId, title: 'Test' }));
    await world.ports.marketo.syncPersons({ action: 'updateOnly', lookupField: 'id', records: spread });
    expect((await world.cycle()).stopped).toBeDefined();
    await decide(world, 'discard');
    await world.settled();
    const { leadid = '', marketoId = 0 } = all[0] ?? {};
    await world.doors.editRow('leads', leadid, { jobtitle: 'Chair' });
    await world.settled();
    expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: 'Chair' });
    expect(await world.person(marketoId)).toMatchObject({ title: 'Chair' });
  });
});
