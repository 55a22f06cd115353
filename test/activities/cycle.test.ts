import { afterEach, describe, expect, it } from 'vitest';
import { startWorld, type World, type WorldOptions } from '../support/world.js';

const LEAD = '11111111-1111-4111-8111-111111111111';
const CONTACT = '22222222-2222-4222-8222-222222222222';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const begin = async (options: WorldOptions): Promise<World> => (world = await startWorld(options));

describe('A cycle', () => {
  it('creates a person for a lead that has none, and is then quiet', async () => {
    const { quiet, links, person, calls } = await begin({
      leads: [
        {
          leadid: LEAD,
          firstname: 'Ana',
          lastname: 'Ruiz',
          emailaddress1: 'ana@example.com',
          donotbulkemail: true,
        },
      ],
    });
    await quiet();
    const [link] = await links();
    expect(link).toMatchObject({ kind: 'lead', status: 'linked', dynamicsId: LEAD, dirty: false });
    expect(await person(link?.marketoId ?? 0)).toMatchObject({
      firstName: 'Ana',
      lastName: 'Ruiz',
      email: 'ana@example.com',
      unsubscribed: true,
      dynamicsId: LEAD,
      dynamicsType: 'lead',
    });
    await calls();
    await quiet();
    expect(await calls()).toMatchInlineSnapshot(`
      {
        "dynamics": {
          "GET /api/data/v9.2/contacts?$deltatoken": 1,
          "GET /api/data/v9.2/leads?$deltatoken": 1,
        },
        "marketo": {
          "GET /rest/v1/activities.json": 1,
          "GET /rest/v1/activities/deletedleads.json": 1,
          "GET /rest/v1/activities/leadchanges.json": 1,
          "GET /rest/v1/stats/usage.json": 1,
        },
      }
    `);
  });

  it('links a person and a contact of one e-mail, and each gets what it lacks', async () => {
    const { quiet, links, person, row, doors } = await begin({
      persons: [{ firstName: 'Ana', email: 'ANA@example.com', title: 'CTO' }],
      contacts: [
        {
          contactid: CONTACT,
          firstname: 'Anna',
          lastname: 'Ruiz',
          emailaddress1: 'ana@example.com',
          jobtitle: 'CEO',
        },
      ],
    });
    await quiet();
    const [link] = await links();
    expect(link).toMatchObject({
      kind: 'contact',
      status: 'linked',
      dynamicsId: CONTACT,
      writes: expect.anything() as unknown,
    });
    expect(await person(link?.marketoId ?? 0)).toMatchObject({
      firstName: 'Anna',
      lastName: 'Ruiz',
      title: 'CEO',
    });
    await doors.editPerson(link?.marketoId ?? 0, { phone: '+1 555 0100' });
    await doors.editRow('contacts', CONTACT, { jobtitle: 'Chair' });
    await quiet();
    expect(await person(link?.marketoId ?? 0)).toMatchObject({ title: 'Chair', phone: '+1 555 0100' });
    expect(await row('contacts', CONTACT)).toMatchObject({ jobtitle: 'Chair', telephone1: '+1 555 0100' });
  });

  it.each([
    { kind: 'lead' as const, id: LEAD, winner: 'from Marketo' },
    { kind: 'contact' as const, id: CONTACT, winner: 'from Dynamics' },
  ])('lets the authority win a collision on a $kind', async ({ kind, id, winner }) => {
    const record = { [`${kind}id`]: id, lastname: 'Ruiz', emailaddress1: 'ana@example.com' };
    const { quiet, links, person, row, doors } = await begin({ [`${kind}s`]: [record] });
    await quiet();
    const marketoId = (await links())[0]?.marketoId ?? 0;
    await doors.editPerson(marketoId, { title: 'from Marketo' });
    await doors.editRow(`${kind}s`, id, { jobtitle: 'from Dynamics' });
    await quiet();
    expect((await person(marketoId))['title']).toBe(winner);
    expect((await row(`${kind}s`, id))['jobtitle']).toBe(winner);
  });

  it('logs a refused write once on the person, and lets its other fields go', async () => {
    const { quiet, links, row, doors, db } = await begin({
      leads: [{ leadid: LEAD, lastname: 'Ruiz', emailaddress1: 'ana@example.com' }],
    });
    await quiet();
    const marketoId = (await links())[0]?.marketoId ?? 0;
    await doors.editPerson(marketoId, { title: 'Test Robot' });
    await quiet();
    await doors.editPerson(marketoId, { city: 'Oslo', mobilePhone: '+47 '.padEnd(30, '1') });
    await quiet();
    expect(await row('leads', LEAD)).toMatchObject({
      jobtitle: null,
      address1_city: 'Oslo',
      mobilephone: null,
    });
    const entries = await db.selectFrom('activity_entries').selectAll().execute();
    expect(entries.map(({ state, attributes }) => [state, attributes['field']])).toEqual([
      ['logged', 'record'],
      ['logged', 'mobilePhone'],
    ]);
    await doors.editPerson(marketoId, { title: 'Engineer' });
    await quiet();
    expect(await row('leads', LEAD)).toMatchObject({ jobtitle: 'Engineer' });
  });
});
