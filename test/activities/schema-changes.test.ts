import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.js';

let world: World;
afterEach(() => world.close());

const CONFIG = `fields:
  - { marketo: lastName, lead: lastname }
  - { marketo: email, lead: emailaddress1 }
  - { marketo: title, lead: jobtitle }
  - { marketo: rating, lead: new_creditrating }
`;

/** A customizer of Dynamics changes the column that `rating` is synced with. */
const column = async (change: Readonly<Record<string, unknown>>): Promise<void> => {
  const response = await fetch(`${world.dataverse}/admin/columns/leads/new_creditrating`, {
    method: 'PATCH',
    body: JSON.stringify(change),
    headers: { 'content-type': 'application/json' },
  });
  expect([response.status, await response.text()]).toMatchObject([200, expect.anything()]);
};

/** The schema was read an hour ago. */
const forgetCatalog = () =>
  world.db
    .updateTable('catalogs')
    .set({ read_at: new Date(0) })
    .execute();

const notices = async () =>
  (await world.db.selectFrom('field_notices').select(['field', 'code']).execute()).map(
    ({ field, code }) => `${field} ${code}`,
  );

/** Told as a notice about the field, and to nobody in particular. */
const untold = async () =>
  (await world.db.selectFrom('activity_entries').select('id').execute()).length +
  (await world.db.selectFrom('rejections').select('id').execute()).length;

/** At rest, once the backfill lane has read what the schema lets through again. */
const takenUpAgain = async () => {
  await world.settled();
  await world.backfill();
  await world.settled();
};

/** A lead with its person, at rest; the column may be read and written. */
const pair = async () => {
  const leadid = randomUUID();
  world = await startWorld({ config: CONFIG });
  await column({ canRead: true, canUpdate: true, canCreate: true });
  const row = { leadid, lastname: 'Ruiz', jobtitle: 'CTO', new_creditrating: 'AAA' };
  await world.doors.createRows('leads', [{ ...row, emailaddress1: 'ruiz@example.com' }]);
  await forgetCatalog();
  await world.settled();
  const [link] = await world.links();
  const marketoId = link?.marketoId ?? 0;
  expect(await world.person(marketoId)).toMatchObject({ rating: 'AAA' });
  return { leadid, marketoId };
};

describe('A column that is gone', () => {
  it.each([
    ['before a cycle', undefined],
    ['once a cycle has fetched', 'fetched'],
    ['once a cycle has decided', 'resolved'],
  ] as const)('(%s) stops nothing, wipes nothing, is told once, and comes back', async (_when, moment) => {
    const { leadid, marketoId } = await pair();
    const remove = () => column({ removed: true });
    await world.doors.editPerson(marketoId, { title: 'CEO', rating: 'B' });
    if (moment === undefined) await remove();
    await world.cycle(moment === undefined ? {} : { [moment]: remove });
    await world.doors.editRow('leads', leadid, { jobtitle: 'Chair' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: 'Chair', rating: 'B' });
    expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: 'Chair' });
    expect(await notices()).toEqual(['rating unknown-column']);
    expect(await untold()).toBe(0);

    await column({ removed: false });
    await forgetCatalog();
    await takenUpAgain();
    expect(await world.row('leads', leadid)).toMatchObject({ new_creditrating: 'B' });
    expect(await world.person(marketoId)).toMatchObject({ rating: 'B' });
    expect(await notices()).toEqual([]);
  });
});

describe('A column that gets a type that cannot meet', () => {
  it('is set aside with a notice and taken up again; the other fields go on', async () => {
    const { leadid, marketoId } = await pair();
    await world.doors.editRow('leads', leadid, { new_creditrating: null });
    await column({ type: 'Boolean' });
    await forgetCatalog();
    await world.doors.editPerson(marketoId, { title: 'CEO', rating: 'B' });
    await world.settled();
    expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: 'CEO' });
    expect(await world.person(marketoId)).toMatchObject({ rating: 'B' });
    expect(await notices()).toEqual(['rating types-cannot-meet']);
    expect(await untold()).toBe(0);

    await column({ type: 'String' });
    await forgetCatalog();
    await takenUpAgain();
    expect(await world.row('leads', leadid)).toMatchObject({ new_creditrating: 'B' });
    expect(await notices()).toEqual([]);
  });
});

describe('A field that the API role of Marketo may not see any more', () => {
  it.each([
    ['noticed with the schema', true],
    ['before the schema is read again', false],
  ])('(%s) stops nothing, wipes nothing, and comes back', async (_when, known) => {
    const { leadid, marketoId } = await pair();
    await world.setting('marketo', { hiddenFields: ['rating'] });
    if (known) await forgetCatalog();
    await world.doors.editRow('leads', leadid, { jobtitle: 'Chair', new_creditrating: 'B' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: 'Chair' });
    expect(await world.row('leads', leadid)).toMatchObject({ new_creditrating: 'B' });
    expect(await notices()).toEqual(['rating unknown-field']);
    expect(await untold()).toBe(0);

    await world.setting('marketo', { hiddenFields: [] });
    await forgetCatalog();
    await takenUpAgain();
    expect(await world.person(marketoId)).toMatchObject({ rating: 'B' });
    expect(await notices()).toEqual([]);
  });
});

describe('A column that may be read again', () => {
  it('brings what was typed there meanwhile, without another edit', async () => {
    const { leadid, marketoId } = await pair();
    await column({ canRead: false });
    await forgetCatalog();
    await world.doors.editRow('leads', leadid, { new_creditrating: 'typed unseen' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ rating: 'AAA' });
    await column({ canRead: true });
    await forgetCatalog();
    await takenUpAgain();
    expect(await world.person(marketoId)).toMatchObject({ rating: 'typed unseen' });
  });

  it('and was edited on both sides meanwhile, is a collision', async () => {
    const { leadid, marketoId } = await pair();
    await column({ canRead: false });
    await forgetCatalog();
    await world.doors.editRow('leads', leadid, { new_creditrating: 'in Dynamics' });
    await world.doors.editPerson(marketoId, { rating: 'in Marketo' });
    await world.settled();
    await column({ canRead: true });
    await forgetCatalog();
    await takenUpAgain();
    expect(await world.person(marketoId)).toMatchObject({ rating: 'in Marketo' });
    expect(await world.row('leads', leadid)).toMatchObject({ new_creditrating: 'in Marketo' });
    const lines = await world.db.selectFrom('ledger').select('decisions').execute();
    expect(JSON.stringify(lines)).toContain('"in Dynamics"');
  });
});
