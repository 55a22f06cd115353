import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchDynamics } from '../../activities/fetch-dynamics.js';
import { fetchMarketo } from '../../activities/fetch-marketo.js';
import { changeColumn, readSchemas } from '../support/scope.js';
import { retried, startWorld, type World } from '../support/world.js';

const CONFIG = `fields:
  - { marketo: lastName, lead: lastname, contact: lastname }
  - { marketo: email, lead: emailaddress1, contact: emailaddress1 }
  - { marketo: title, lead: jobtitle, contact: jobtitle }
  - { marketo: city, lead: address1_city }
  - { marketo: rating, lead: new_creditrating }
`;
const COLUMN = 'new_creditrating';
const ALL = { secured: true, canRead: true, canUpdate: true, canCreate: true };

let world: World;
beforeEach(async () => {
  world = await startWorld({ config: CONFIG });
  // What was typed while the right was gone is not read again by chance.
  Object.assign(world.ports, { timing: { ...world.ports.timing, overlapMs: 0 } });
});
afterEach(() => world.close());

const linkOfRow = async (id: string) => {
  const link = (await world.links()).find(({ dynamicsId }) => dynamicsId === id);
  if (link === undefined) throw new Error(`no link of ${id}`);
  return link;
};

const grant = (given: boolean) => changeColumn(world, 'leads', COLUMN, given ? ALL : { canRead: false });

/** A pair whose rating both sides agreed on, and that may not be read any more. */
const pairWithout = async (rating: string) => {
  await grant(true);
  const leadid = randomUUID();
  const row = { leadid, lastname: 'Ruiz', [COLUMN]: rating, emailaddress1: 'ruiz@example.com' };
  await world.doors.createRows('leads', [row]);
  await readSchemas(world);
  await world.settled();
  const { marketoId } = await linkOfRow(leadid);
  await grant(false);
  await readSchemas(world);
  await world.settled();
  return { leadid, marketoId: marketoId ?? 0 };
};

const held = async ({ leadid, marketoId }: { leadid: string; marketoId: number }) => [
  (await world.person(marketoId))['rating'],
  (await world.row('leads', leadid))[COLUMN],
];

const throughLane = async () => {
  await world.settled();
  await world.backfill();
  await world.settled();
};

describe('A right to read that comes back', () => {
  it('takes in what was typed in Marketo meanwhile, also where the person was being read by the rights before', async () => {
    const pair = await pairWithout('AAA');
    await world.doors.editPerson(pair.marketoId, { rating: 'BBB' });
    await world.settled();
    await grant(true);
    await world.doors.editRow('leads', pair.leadid, { jobtitle: 'CEO' });
    await world.db.updateTable('links').set({ reread_marketo: true }).execute();
    // Both fetches run side by side: that of rows notices the right while that of persons goes by the mapping before.
    const input = { cycle: 50, at: new Date().toISOString() };
    const { marketo } = world.ports;
    let rows: Promise<unknown> | undefined;
    const deletedPersons: typeof marketo.deletedPersons = async (...args) => {
      await (rows ??= retried((attempt) => fetchDynamics(world.ports, 'lead', input, attempt)));
      return marketo.deletedPersons(...args);
    };
    const ports = { ...world.ports, marketo: { ...marketo, deletedPersons } };
    await retried((attempt) => fetchMarketo(ports, input, attempt));
    expect(rows).toBeDefined();
    await throughLane();
    expect(await held(pair)).toEqual(['BBB', 'BBB']);
  });

  it('leaves the field until both sides were read, where the row was edited again before', async () => {
    const row = { lastname: 'Ruiz', address1_city: 'Bonn', emailaddress1: 'ruiz@example.com' };
    const [leadid = ''] = await world.doors.createRows('leads', [row]);
    await world.settled();
    const { marketoId } = await linkOfRow(leadid);
    const held = async () => [
      (await world.person(marketoId ?? 0))['city'],
      (await world.row('leads', leadid))['address1_city'],
    ];
    await changeColumn(world, 'leads', 'address1_city', { secured: true, canRead: false });
    await readSchemas(world);
    await world.settled();
    await world.doors.editPerson(marketoId ?? 0, { city: 'Mainz' });
    await world.doors.editRow('leads', leadid, { address1_city: 'Dresden' });
    await world.settled();
    await changeColumn(world, 'leads', 'address1_city', { secured: false });
    for (const jobtitle of ['CEO', 'CFO']) {
      await world.doors.editRow('leads', leadid, { jobtitle });
      await world.cycle();
      expect(await held()).toEqual(['Mainz', 'Dresden']);
    }
    await throughLane();
    // Marketo wins for leads.
    expect(await held()).toEqual(['Mainz', 'Mainz']);
  });

  it('holds back nothing of persons that are made later', async () => {
    const rights = { secured: true, canUpdate: true, canCreate: true };
    await world.doors.createRows('contacts', [
      { lastname: 'Old', jobtitle: 'x', emailaddress1: 'old@example.com' },
    ]);
    await world.settled();
    for (const canRead of [false, true]) {
      await changeColumn(world, 'contacts', 'jobtitle', { ...rights, canRead });
      await readSchemas(world);
      await throughLane();
    }
    const [contact = ''] = await world.doors.createRows('contacts', [
      { lastname: 'Ruiz', jobtitle: 'CTO', emailaddress1: 'new@example.com' },
    ]);
    await world.cycle();
    const { marketoId } = await linkOfRow(contact);
    await world.doors.editPerson(marketoId ?? 0, { title: 'CEO' });
    await world.settled();
    expect((await world.person(marketoId ?? 0))['title']).toBe('CEO');
    expect((await world.row('contacts', contact))['jobtitle']).toBe('CEO');
  });

  it('has a row that waits for its person read when it gets one', async () => {
    await grant(true);
    const address = { emailaddress1: 'twin@example.com' };
    const persons = await world.doors.createPersons([
      { lastName: 'Ruiz', email: 'twin@example.com', rating: null },
      { lastName: 'Diaz', email: 'twin@example.com', rating: null },
    ]);
    const [leadid = ''] = await world.doors.createRows('leads', [
      { lastname: 'Ruiz', [COLUMN]: 'AAA', ...address },
    ]);
    await readSchemas(world);
    await world.settled();
    await grant(false);
    await readSchemas(world);
    await world.settled();
    await world.doors.editRow('leads', leadid, { [COLUMN]: 'BBB' });
    await world.settled();
    await grant(true);
    await readSchemas(world);
    await throughLane();
    // One of both is somebody else after all.
    const [first = 0, second = 0] = persons;
    await world.doors.editPerson(second, { email: 'diaz@example.com' });
    await world.cycle();
    expect((await linkOfRow(leadid)).marketoId).toBe(first);
    expect((await world.person(first))['rating']).toBe('BBB');
  });
});
