import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { integrationTeam, people } from '../../simulators/dataverse/rights/people.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

describe('Owners', () => {
  it('are teams, then people who are enabled, by their names; the sync user is none', async () => {
    const owners = await world.ports.dynamics.owners(100);
    expect(owners[0]).toEqual({ type: 'team', id: integrationTeam.id, name: 'Integrations' });
    const users = owners.slice(1);
    expect(users).toContainEqual({ type: 'systemuser', id: people.sales.id, name: 'Maya Lindqvist' });
    expect(users.map(({ id }) => id)).not.toContain(people.sync.id);
    expect(users.map(({ name }) => name)).toEqual(users.map(({ name }) => name).sort());
  });

  it('are at most as many as were asked for', async () => {
    expect(await world.ports.dynamics.owners(2)).toHaveLength(2);
    expect(await world.ports.dynamics.owners(1)).toEqual([
      { type: 'team', id: integrationTeam.id, name: 'Integrations' },
    ]);
  });

  it('that may not be read are a clear failure', async () => {
    await world.setting('dynamics', { withheldPrivileges: ['prvReadUser'] });
    await expect(world.ports.dynamics.owners(10)).rejects.toMatchObject({ details: { type: 'Forbidden' } });
    await world.setting('dynamics', { withheldPrivileges: [] });
  });
});
