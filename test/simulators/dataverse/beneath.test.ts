import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld({ leads: [{ leadid: LEAD, lastname: 'Ruiz', jobtitle: 'CTO' }] });
});
afterAll(() => world.close());

const LEAD = randomUUID();

/** A change link for now, and what it tells later. */
const mark = async (): Promise<() => Promise<{ rows: number; deleted: number }>> => {
  const { dynamics } = world.ports;
  let link = '';
  for await (const page of dynamics.changes('lead', { select: ['jobtitle'] })) link = page.deltaLink ?? '';
  return async () => {
    const told = { rows: 0, deleted: 0 };
    for await (const { rows, deleted } of dynamics.changes('lead', { link })) {
      told.rows += rows.length;
      told.deleted += deleted.length;
    }
    return told;
  };
};

describe('A statement against the database', () => {
  it.each([
    ['kept', 0],
    ['moved', 1],
  ] as const)('with its version %s is told by change tracking %i times', async (version, times) => {
    const told = await mark();
    const before = await world.row('leads', LEAD);
    await world.beneath.editRow('leads', LEAD, { jobtitle: version }, version);
    const after = await world.row('leads', LEAD);
    expect(after).toMatchObject({ jobtitle: version, modifiedon: before['modifiedon'] });
    expect(after['versionnumber'] === before['versionnumber']).toBe(version === 'kept');
    expect(await told()).toEqual({ rows: times, deleted: 0 });
  });

  it('may delete a row of which nobody is told', async () => {
    const told = await mark();
    await world.beneath.deleteRow('leads', LEAD);
    await expect(world.row('leads', LEAD)).rejects.toThrow('404');
    expect(await told()).toEqual({ rows: 0, deleted: 0 });
  });
});
