import { afterEach, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.js';

const LEAD = '11111111-1111-4111-8111-111111111111';
const NEIGHBOUR = '22222222-2222-4222-8222-222222222222';

let world: World | undefined;
afterEach(() => world?.close());

it.each([
  { name: 'U+0000', odd: 'before\0after' },
  { name: 'half an emoji', odd: 'before\uD83Dafter' },
])(
  '$name in a text, which the store cannot hold, stops nobody and is replaced in what crosses',
  async ({ odd }) => {
    world = await startWorld({
      leads: [
        { leadid: LEAD, lastname: 'Ruiz', jobtitle: odd, emailaddress1: 'ana@example.com' },
        { leadid: NEIGHBOUR, lastname: 'Sato', emailaddress1: 'sato@example.com' },
      ],
    });
    const { person, row, doors, settled } = world;
    await settled();
    const links = await world.links();
    expect(links.map(({ status }) => status)).toEqual(['linked', 'linked']);
    const marketoId = links.find(({ dynamicsId }) => dynamicsId === LEAD)?.marketoId ?? 0;
    expect(await person(marketoId)).toMatchObject({ title: 'before\uFFFDafter' });
    await doors.editPerson(marketoId, { city: odd });
    await settled();
    expect(await row('leads', LEAD)).toMatchObject({ address1_city: 'before\uFFFDafter' });
  },
);

it('A refusal whose text is cut through an emoji is told all the same', async () => {
  world = await startWorld({ leads: [{ leadid: LEAD, lastname: 'Ruiz', emailaddress1: 'ana@example.com' }] });
  const message = `${'x'.repeat(253)}😀 is not allowed`;
  await fetch(`${world.dataverse}/admin/rules`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ rules: [{ table: 'lead', column: 'jobtitle', equals: 'Boss', message }] }),
  });
  await world.settled();
  const [link] = await world.links();
  await world.doors.editPerson(link?.marketoId ?? 0, { title: 'Boss' });
  await world.settled();
  const entries = await world.db.selectFrom('activity_entries').selectAll().execute();
  expect(entries.map(({ state }) => state)).toEqual(['logged']);
});
