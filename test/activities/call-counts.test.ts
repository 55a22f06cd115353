import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generatePopulation } from '../../simulators/population/index.js';
import { startWorld, type World } from '../support/world.js';

const IDLE = {
  dynamics: {
    'GET /api/data/v9.2/contacts?$deltatoken': 1,
    'GET /api/data/v9.2/leads?$deltatoken': 1,
  },
  marketo: {
    'GET /rest/v1/activities.json': 1,
    'GET /rest/v1/activities/deletedleads.json': 1,
    'GET /rest/v1/activities/leadchanges.json': 1,
    'GET /rest/v1/stats/usage.json': 1,
  },
};

let world: World;
beforeAll(async () => {
  const { persons, leads, contacts } = generatePopulation({ people: 400, seed: 'calls' });
  // Without an overlap no page of the first cycle's many entries is read again.
  world = await startWorld({ persons, leads, contacts, timing: { overlapMs: 0 } });
  await world.quiet();
  await world.quiet();
});
afterAll(() => world.close());

const calls = async (cycles: number): Promise<Awaited<ReturnType<World['calls']>>> => {
  await world.calls();
  for (let count = 0; count < cycles; count += 1) await world.cycle();
  return world.calls();
};

const linked = async (kind: 'lead' | 'contact') => {
  const link = (await world.links()).find(
    (each) => each.kind === kind && each.status === 'linked' && Object.keys(each.parked).length === 0,
  );
  return { marketoId: link?.marketoId ?? 0, dynamicsId: link?.dynamicsId ?? '' };
};

describe('Calls of a cycle', () => {
  it('are six when nothing happened, whatever the size, and none of them writes', async () => {
    expect(await calls(1)).toEqual(IDLE);
  });

  it('are two more for one field edited in Marketo, and our own echo costs one more in the next cycle', async () => {
    const { marketoId } = await linked('lead');
    await world.doors.editPerson(marketoId, { city: 'Bergen' });
    expect(await calls(1)).toEqual({
      dynamics: {
        ...IDLE.dynamics,
        'PATCH /api/data/v9.2/leads({id})': 1,
      },
      marketo: { ...IDLE.marketo, 'GET /rest/v1/leads.json': 1 },
    });
    const echo = await calls(1);
    expect(echo.marketo).toEqual(IDLE.marketo);
    expect(echo.dynamics['POST /api/data/v9.2/$batch']).toBe(1);
    expect(Object.keys(echo.dynamics).filter((name) => name.startsWith('PATCH'))).toEqual([]);
  });

  it('are two more for one field edited in Dynamics, and our own echo costs none in the next cycle', async () => {
    const { dynamicsId } = await linked('contact');
    await world.doors.editRow('contacts', dynamicsId, { address1_city: 'Bergen' });
    const first = await calls(1);
    expect(first.marketo).toEqual({ ...IDLE.marketo, 'POST /rest/v1/leads.json': 1 });
    expect(first.dynamics).toMatchObject({ ...IDLE.dynamics, 'POST /api/data/v9.2/$batch': 1 });
    // No lookup is mapped, so nobody's name is read.
    expect(first.dynamics).not.toHaveProperty('GET /api/data/v9.2/contacts');
    expect(await calls(1)).toEqual(IDLE);
  });
});
