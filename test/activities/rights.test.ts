import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { fetchDynamics } from '../../activities/fetch-dynamics.js';
import { changeColumn, noticesIn, RATED_FIELDS } from '../support/scope.js';
import { personIds, qualify } from '../support/succession.js';
import { retried, startWorld, type World } from '../support/world.js';

let world: World;
afterEach(() => world.close());

const column = (name: string, rights: Readonly<Record<string, boolean | object | null>>) =>
  changeColumn(world, 'leads', name, rights);

const tableRights = (write: boolean) =>
  fetch(`${world.dataverse}/admin/privileges`, {
    method: 'PATCH',
    body: JSON.stringify({ lead: { write } }),
    headers: { 'content-type': 'application/json' },
  });

const notices = noticesIn(() => world);

const untold = async () =>
  (await world.db.selectFrom('activity_entries').select('id').execute()).length === 0 &&
  (await world.db.selectFrom('rejections').select('id').execute()).length === 0;

/** Three leads with their persons, all columns open, at rest. */
const pairs = async (): Promise<{ leadid: string; marketoId: number }[]> => {
  const ids = [randomUUID(), randomUUID(), randomUUID()];
  world = await startWorld({ config: RATED_FIELDS });
  await column('new_creditrating', { canRead: true, canUpdate: true, canCreate: true });
  await world.doors.createRows(
    'leads',
    ids.map((leadid, index) => ({
      leadid,
      lastname: 'Ruiz',
      jobtitle: 'CTO',
      new_creditrating: 'AAA',
      emailaddress1: `${String(index)}@example.com`,
    })),
  );
  await forgetCatalog();
  await world.settled();
  const links = await world.links();
  return links.map(({ dynamicsId, marketoId }) => ({ leadid: dynamicsId ?? '', marketoId: marketoId ?? 0 }));
};

/** The schema was read an hour ago. */
const forgetCatalog = () =>
  world.db
    .updateTable('catalogs')
    .set({ read_at: new Date(0) })
    .execute();

describe('A secured column', () => {
  it('that may no longer be read wipes nothing in Marketo, and is told once as a notice', async () => {
    const [pair] = await pairs();
    expect(await world.person(pair?.marketoId ?? 0)).toMatchObject({ rating: 'AAA' });
    await column('new_creditrating', { canRead: false });
    await world.doors.editRow('leads', pair?.leadid ?? '', { jobtitle: 'CEO' });
    await world.settled();
    expect(await world.person(pair?.marketoId ?? 0)).toMatchObject({ title: 'CEO', rating: 'AAA' });
    expect(await notices()).toEqual(['lead rating unreadable']);
    expect(await untold()).toBe(true);
    await column('new_creditrating', { canRead: true });
    await forgetCatalog();
    await world.doors.editRow('leads', pair?.leadid ?? '', { new_creditrating: 'B' });
    await world.settled();
    await world.backfill();
    await world.settled();
    expect(await world.person(pair?.marketoId ?? 0)).toMatchObject({ rating: 'B' });
    expect(await notices()).toEqual([]);
  });

  it('that may be read again is read for all rows: what was edited meanwhile is found, whenever the right came back', async () => {
    const [first, second, third] = await pairs();
    await column('new_creditrating', { canRead: false });
    await forgetCatalog();
    await world.settled();
    // One edit before the table has a change link without the column, one after.
    await world.doors.editRow('leads', first?.leadid ?? '', { new_creditrating: 'B' });
    await world.settled();
    await world.backfill();
    await world.settled();
    await world.doors.editRow('leads', second?.leadid ?? '', { new_creditrating: 'C' });
    await world.settled();
    expect(await world.person(second?.marketoId ?? 0)).toMatchObject({ rating: 'AAA' });
    await column('new_creditrating', { canRead: true });
    await forgetCatalog();
    await world.settled();
    await world.backfill();
    await world.settled();
    expect(await world.person(first?.marketoId ?? 0)).toMatchObject({ rating: 'B' });
    expect(await world.person(second?.marketoId ?? 0)).toMatchObject({ rating: 'C' });
    expect(await world.person(third?.marketoId ?? 0)).toMatchObject({ rating: 'AAA' });
  });

  it('that may be read again takes what was typed in Marketo meanwhile', async () => {
    const [first, second] = await pairs();
    // The log is not read twice: what it told while nobody asked for the field is gone.
    Object.assign(world.ports, { timing: { ...world.ports.timing, overlapMs: 0 } });
    await column('new_creditrating', { canRead: false });
    await forgetCatalog();
    await world.settled();
    await world.doors.editPerson(first?.marketoId ?? 0, { rating: 'B' });
    await world.doors.editPerson(second?.marketoId ?? 0, { rating: null });
    await world.settled();
    await column('new_creditrating', { canRead: true });
    await forgetCatalog();
    await world.settled();
    await world.backfill();
    await world.settled();
    expect(await world.row('leads', first?.leadid ?? '')).toMatchObject({ new_creditrating: 'B' });
    expect((await world.row('leads', second?.leadid ?? ''))['new_creditrating'] ?? null).toBeNull();
  });

  it('that could not be read for a moment is read for all rows, although the change link stayed the same', async () => {
    const [pair] = await pairs();
    await column('new_creditrating', { canRead: false });
    await forgetCatalog();
    await world.doors.editRow('leads', pair?.leadid ?? '', { new_creditrating: 'B' });
    await world.settled();
    await column('new_creditrating', { canRead: true });
    await forgetCatalog();
    await world.settled();
    expect((await world.backfill()).turns).toEqual(['fields']);
    await world.settled();
    expect(await world.person(pair?.marketoId ?? 0)).toMatchObject({ rating: 'B' });
  });

  it('whose right comes back while its page is read is no blank', async () => {
    const [pair] = await pairs();
    await column('new_creditrating', { canRead: false });
    await forgetCatalog();
    await world.settled();
    // The change link still asks for the column: its page says null.
    await world.doors.editRow('leads', pair?.leadid ?? '', { jobtitle: 'CEO' });
    const { dynamics } = world.ports;
    const changes: typeof dynamics.changes = async function* (...args) {
      for await (const page of dynamics.changes(...args)) {
        await column('new_creditrating', { canRead: true });
        yield page;
      }
    };
    const input = { cycle: 99, at: new Date().toISOString() };
    const ports = { ...world.ports, dynamics: { ...dynamics, changes } };
    await retried((attempt) => fetchDynamics(ports, 'lead', input, attempt));
    await world.settled();
    await world.backfill();
    await world.settled();
    expect(await world.person(pair?.marketoId ?? 0)).toMatchObject({ title: 'CEO', rating: 'AAA' });
    expect(await world.row('leads', pair?.leadid ?? '')).toMatchObject({ new_creditrating: 'AAA' });
  });

  it.each([false, true])(
    'that gets a mask leaves the value in Marketo, also where it may be read unmasked (%s)',
    async (canReadUnmasked) => {
      const [pair] = await pairs();
      await column('new_creditrating', { mask: { canReadUnmasked } });
      await world.doors.editRow('leads', pair?.leadid ?? '', { jobtitle: 'CEO', new_creditrating: 'B' });
      await world.settled();
      expect(await world.person(pair?.marketoId ?? 0)).toMatchObject({ title: 'CEO', rating: 'AAA' });
      expect(await notices()).toEqual(['lead rating unreadable']);
      await column('new_creditrating', { mask: null });
      await forgetCatalog();
      await world.doors.editRow('leads', pair?.leadid ?? '', { jobtitle: 'CTO' });
      await world.settled();
      await world.backfill();
      await world.settled();
      expect(await world.person(pair?.marketoId ?? 0)).toMatchObject({ title: 'CTO', rating: 'B' });
      expect(await notices()).toEqual([]);
    },
  );

  it('that may no longer be changed is one notice, no refusal per person; other fields still go', async () => {
    const all = await pairs();
    await column('new_creditrating', { canUpdate: false });
    for (const { marketoId } of all) await world.doors.editPerson(marketoId, { rating: 'C', city: 'Oslo' });
    await world.settled();
    for (const { leadid, marketoId } of all) {
      expect(await world.row('leads', leadid)).toMatchObject({
        new_creditrating: 'AAA',
        address1_city: 'Oslo',
      });
      expect(await world.person(marketoId)).toMatchObject({ rating: 'C' });
    }
    expect(await notices()).toEqual(['lead rating read-only']);
    expect(await untold()).toBe(true);
  });

  it('that may be changed again gets what was typed meanwhile', async () => {
    const all = await pairs();
    await column('new_creditrating', { canUpdate: false });
    for (const { marketoId } of all) await world.doors.editPerson(marketoId, { rating: 'C' });
    await world.settled();
    await column('new_creditrating', { canUpdate: true });
    await forgetCatalog();
    await world.settled();
    for (const { leadid } of all)
      expect(await world.row('leads', leadid)).toMatchObject({ new_creditrating: 'C' });
    expect(await notices()).toEqual([]);
  });
});

describe('A column that may be read and not changed', () => {
  const leadOf = async (marketoId: number): Promise<string> => {
    const links = await world.links();
    return links.find((link) => link.marketoId === marketoId)?.dynamicsId ?? '';
  };

  it('leaves edits in Marketo where they are, takes those in Dynamics, and goes both ways with the right', async () => {
    const [pair] = await pairs();
    const { leadid = '', marketoId = 0 } = pair ?? {};
    await column('new_creditrating', { canUpdate: false });
    await forgetCatalog();
    await world.settled();
    await world.doors.editPerson(marketoId, { rating: 'C' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ rating: 'C' });
    await column('new_creditrating', { canUpdate: true });
    await forgetCatalog();
    await world.settled();
    await world.backfill();
    await world.settled();
    expect(await world.row('leads', leadid)).toMatchObject({ new_creditrating: 'C' });
    await column('new_creditrating', { canUpdate: false });
    await forgetCatalog();
    await world.doors.editRow('leads', leadid, { new_creditrating: 'D' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ rating: 'D' });
    expect(await notices()).toEqual(['lead rating read-only']);
  });

  it.each([true, false])(
    'clears nothing of a person whose row a request made without it (found out before: %s)',
    async (isKnown) => {
      await pairs();
      const email = `${randomUUID()}@example.com`;
      const [marketoId = 0] = await world.doors.createPersons([{ lastName: 'Ruiz', email, rating: 'AAA' }]);
      await column('new_creditrating', { canUpdate: false, canCreate: false });
      if (isKnown) await forgetCatalog();
      await world.cycle();
      await world.request(marketoId);
      await world.settled();
      expect(await world.person(marketoId)).toMatchObject({ rating: 'AAA' });
      expect(await world.row('leads', await leadOf(marketoId))).toMatchObject({ new_creditrating: null });
    },
  );
});

describe('A table whose e-mail may not be read', () => {
  it('gets no second person for a new row: the row waits, and is matched once the right is back', async () => {
    await pairs();
    const email = `${randomUUID()}@example.com`;
    const [marketoId] = await world.doors.createPersons([{ lastName: 'Ruiz', email }]);
    await column('emailaddress1', { secured: true, canRead: false });
    await forgetCatalog();
    const before = (await personIds(world)).length;
    const [leadid] = await world.doors.createRows('leads', [{ lastname: 'Ruiz', emailaddress1: email }]);
    const link = async () => (await world.links()).find(({ dynamicsId }) => dynamicsId === leadid);
    for (let count = 0; count < 3; count += 1) await world.cycle();
    expect(await link()).toMatchObject({ status: 'unmatched', marketoId: null });
    await column('emailaddress1', { canRead: true });
    await forgetCatalog();
    await world.cycle();
    await world.backfill();
    await world.settled();
    expect(await link()).toMatchObject({ status: 'linked', marketoId });
    expect(await personIds(world)).toHaveLength(before);
  });
});

describe('A right that was given back', () => {
  it('does not keep the person of a qualified lead from the key of its contact', async () => {
    world = await startWorld({
      config: `fields:
  - { marketo: email, lead: emailaddress1, contact: emailaddress1 }
  - { marketo: mobilePhone, lead: mobilephone, contact: mobilephone, direction: toDynamics }
`,
    });
    const patch = (rights: Readonly<Record<string, boolean>>) =>
      fetch(`${world.dataverse}/admin/columns/contacts/mobilephone`, {
        method: 'PATCH',
        body: JSON.stringify({ secured: true, ...rights }),
        headers: { 'content-type': 'application/json' },
      });
    for (const given of [false, true]) {
      await patch({ canRead: given, canUpdate: given, canCreate: given });
      await forgetCatalog();
      await world.settled();
    }
    await world.backfill();
    const [id = 0] = await world.doors.createPersons([{ email: 'a@example.com', lastName: 'Ruiz' }]);
    const { dynamicsId } = await world.request(id);
    await world.settled();
    const contact = await qualify(world, dynamicsId ?? '');
    await world.settled();
    expect(await world.person(id)).toMatchObject({ dynamicsId: contact, dynamicsType: 'contact' });
  });
});

describe('A table that may not be written', () => {
  it('fails the step, naming the table, and nothing is lost', async () => {
    const [pair] = await pairs();
    const { marketoId = 0, leadid = '' } = pair ?? {};
    await tableRights(false);
    await world.doors.editPerson(marketoId, { city: 'Oslo' });
    await expect(world.cycle()).rejects.toMatchObject({
      type: 'Forbidden',
      details: { code: '0x80040220.lead' },
    });
    expect(await untold()).toBe(true);
    await tableRights(true);
    await world.settled();
    expect(await world.row('leads', leadid)).toMatchObject({ address1_city: 'Oslo' });
  });
});
