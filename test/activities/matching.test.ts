import { afterEach, expect, it } from 'vitest';
import { currentMapping } from '../../activities/catalog.js';
import { fetchDynamics } from '../../activities/fetch-dynamics.js';
import { matchRows } from '../../activities/match-rows.js';
import { startWorld, type World } from '../support/world.js';

const LEAD = '11111111-1111-4111-8111-111111111111';
const CONTACT = '22222222-2222-4222-8222-222222222222';

let world: World | undefined;
afterEach(() => world?.close());

it('A person that carries the key of one row is not matched to another by e-mail, though that one is looked at first', async () => {
  world = await startWorld({
    leads: [{ leadid: LEAD, lastname: 'Ruiz', emailaddress1: 'new@example.com' }],
    contacts: [{ contactid: CONTACT, lastname: 'Ruiz', emailaddress1: 'old@example.com' }],
  });
  const [person] = await world.doors.createPersons([{ email: 'old@example.com', dynamicsId: LEAD }]);
  const { ports, attempt } = world;
  const reference = { cycle: 1, at: new Date().toISOString() };
  for (const kind of ['lead', 'contact'] as const) await fetchDynamics(ports, kind, reference, attempt());
  const contacts = (await world.links()).filter(({ kind }) => kind === 'contact');
  const matched = await matchRows(ports, await currentMapping(ports), contacts, attempt());
  expect(matched).toMatchObject({ linked: [], created: 1 });
  await world.quiet();
  expect((await world.links()).find(({ dynamicsId }) => dynamicsId === LEAD)?.marketoId).toBe(person);
});
