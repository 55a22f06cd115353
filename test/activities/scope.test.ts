import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { releaseRecord } from '../../client/hold/hold.js';
import { pairsIn } from '../support/scoped-pairs.js';
import { changeColumn, readSchemas, startScopedWorld } from '../support/scope.js';
import { mergePersons, qualify } from '../support/succession.js';
import type { World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startScopedWorld();
});
afterAll(() => world.close());

const { linkOfRow, pair, titles, hold } = pairsIn(() => world);

type Flag = boolean | null;

describe('A row', () => {
  it.each<[Flag, boolean]>([
    [true, true],
    [null, true],
    [false, false],
  ])('whose flag says %s gets a person: %s', async (flag, isIn) => {
    const { leadid, marketoId } = await pair(flag);
    expect(marketoId > 0).toBe(isIn);
    expect(await linkOfRow(leadid)).toMatchObject({ status: isIn ? 'linked' : 'unmatched', dirty: false });
  });

  it('that leaves the scope is written on neither side, nor is its person, and comes back with every edit', async () => {
    const both = await pair();
    await world.doors.editRow('leads', both.leadid, { new_synctomkto: false, jobtitle: 'Boss' });
    await world.settled();
    await world.doors.editPerson(both.marketoId, { city: 'Oslo' });
    await world.settled();
    expect(await titles(both)).toEqual(['Boss', 'CTO']);
    expect(await world.row('leads', both.leadid)).toMatchObject({ address1_city: null });
    expect(await world.linkOfPerson(both.marketoId)).toMatchObject({
      ...{ status: 'linked', dirty: false, writes: [] },
      outOfScope: { row: { since: expect.any(String) as string } },
    });
    await world.doors.editRow('leads', both.leadid, { new_synctomkto: null });
    await world.settled();
    expect(await titles(both)).toEqual(['Boss', 'Boss']);
    expect(await world.row('leads', both.leadid)).toMatchObject({ address1_city: 'Oslo' });
    expect((await world.linkOfPerson(both.marketoId)).outOfScope).toBeNull();
  });

  it('that comes back with edits of one field on both sides is merged by the rules for a collision', async () => {
    const both = await pair();
    await world.doors.editRow('leads', both.leadid, { new_synctomkto: false });
    await world.settled();
    await world.doors.editRow('leads', both.leadid, { jobtitle: 'Boss' });
    await world.doors.editPerson(both.marketoId, { title: 'Chief' });
    await world.settled();
    expect(await titles(both)).toEqual(['Boss', 'Chief']);
    await world.doors.editRow('leads', both.leadid, { new_synctomkto: true });
    await world.settled();
    expect(await titles(both)).toEqual(['Chief', 'Chief']);
  });

  it('that came in out of scope gets its person when it is let in', async () => {
    const { leadid } = await pair(false);
    await world.doors.editRow('leads', leadid, { new_synctomkto: true });
    await world.settled();
    expect(await linkOfRow(leadid)).toMatchObject({ status: 'linked' });
  });

  it('out of scope takes no part in the matching of others', async () => {
    const { email, leadid } = await pair(false);
    const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz' }]);
    const [other = ''] = await world.doors.createRows('contacts', [
      { lastname: 'Ruiz', emailaddress1: email },
    ]);
    await world.settled();
    expect(await linkOfRow(other)).toMatchObject({ status: 'linked', marketoId });
    expect(await linkOfRow(leadid)).toMatchObject({ status: 'unmatched', marketoId: null });
  });

  it('that leaves the scope releases the group that it made ambiguous', async () => {
    const email = `${randomUUID()}@example.com`;
    const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz' }]);
    const [first = '', second = ''] = await world.doors.createRows('leads', [
      { lastname: 'Ruiz', emailaddress1: email },
      { lastname: 'Ruiz', emailaddress1: email },
    ]);
    await world.settled();
    expect((await linkOfRow(first)).status).toBe('ambiguous');
    await world.doors.editRow('leads', second, { new_synctomkto: false });
    await world.settled();
    expect(await linkOfRow(first)).toMatchObject({ status: 'linked', marketoId });
    expect(await linkOfRow(second)).toMatchObject({ status: 'unmatched', candidates: null });
  });

  it('out of scope that is deleted leaves its person unflagged', async () => {
    const { leadid, marketoId } = await pair();
    await world.doors.editRow('leads', leadid, { new_synctomkto: false });
    await world.settled();
    await world.doors.deleteRow('leads', leadid);
    await world.settled();
    expect(await linkOfRow(leadid)).toMatchObject({ status: 'ended', dirty: false });
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: false });
  });

  it('out of scope that is qualified hands its person on, and the flag of the contact counts from then on', async () => {
    const { leadid, marketoId } = await pair();
    await world.doors.editRow('leads', leadid, { new_synctomkto: false, jobtitle: 'Boss' });
    await world.settled();
    const contact = await qualify(world, leadid);
    await world.settled();
    // A new contact has the default of its column.
    expect(await world.row('contacts', contact)).toMatchObject({ new_synctomkto: false });
    expect(await world.linkOfPerson(marketoId)).toMatchObject({
      ...{ status: 'linked', kind: 'contact', dynamicsId: contact },
      outOfScope: { row: {} },
    });
    expect(await world.person(marketoId)).toMatchObject({ title: 'CTO', dynamicsId: leadid });
    await world.doors.editRow('contacts', contact, { new_synctomkto: true });
    await world.settled();
    expect(await world.row('contacts', contact)).toMatchObject({ jobtitle: 'Boss' });
    expect(await world.person(marketoId)).toMatchObject({ title: 'Boss', dynamicsId: contact });
  });
});

describe('A person', () => {
  it('that is flagged leaves its pair out, and comes back with every edit', async () => {
    const both = await pair();
    await world.doors.editPerson(both.marketoId, { syncExcluded: true, title: 'Chief' });
    await world.settled();
    await world.doors.editRow('leads', both.leadid, { address1_city: 'Oslo' });
    await world.settled();
    expect(await titles(both)).toEqual(['CTO', 'Chief']);
    expect(await world.person(both.marketoId)).toMatchObject({ city: null });
    await world.doors.editPerson(both.marketoId, { syncExcluded: false });
    await world.settled();
    expect(await titles(both)).toEqual(['Chief', 'Chief']);
    expect(await world.person(both.marketoId)).toMatchObject({ city: 'Oslo' });
  });

  it('that is flagged is linked with the row of its e-mail all the same, so that it gets no twin, and nothing is written', async () => {
    const email = `${randomUUID()}@example.com`;
    const [marketoId = 0] = await world.doors.createPersons([
      { email, lastName: 'Ruiz', title: 'Chief', syncExcluded: true },
    ]);
    const [leadid = ''] = await world.doors.createRows('leads', [{ lastname: 'Ito', emailaddress1: email }]);
    await world.settled();
    expect(await linkOfRow(leadid)).toMatchObject({ status: 'linked', marketoId });
    expect(await world.row('leads', leadid)).toMatchObject({ lastname: 'Ito', jobtitle: null });
    expect(await world.person(marketoId)).toMatchObject({ lastName: 'Ruiz', dynamicsId: null });
    await world.doors.editPerson(marketoId, { syncExcluded: false });
    await world.settled();
    expect(await world.row('leads', leadid)).toMatchObject({ lastname: 'Ruiz', jobtitle: 'Chief' });
    expect(await world.person(marketoId)).toMatchObject({ dynamicsId: leadid });
  });

  it('out of scope whose row is deleted is flagged as deleted once it is back', async () => {
    const { leadid, marketoId } = await pair();
    await world.doors.editPerson(marketoId, { syncExcluded: true });
    await world.settled();
    await world.doors.deleteRow('leads', leadid);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: false });
    await world.doors.editPerson(marketoId, { syncExcluded: false });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: true });
  });

  it('that goes into one that is flagged takes its pair out of scope', async () => {
    const both = await pair();
    const [winner = 0] = await world.doors.createPersons([
      { email: `${randomUUID()}@example.com`, lastName: 'Ito', syncExcluded: true },
    ]);
    await mergePersons(world, winner, [both.marketoId]);
    await world.settled();
    expect(await linkOfRow(both.leadid)).toMatchObject({ marketoId: winner, status: 'linked' });
    expect((await linkOfRow(both.leadid)).outOfScope).toHaveProperty('person');
    expect(await world.row('leads', both.leadid)).toMatchObject({ lastname: 'Ruiz' });
  });
});

describe('"Sync Person to Dynamics"', () => {
  const rowsOf = async (email: string): Promise<number> => {
    let count = 0;
    for await (const page of world.doors.rows('leads'))
      count += page.filter(({ emailaddress1 }) => emailaddress1 === email).length;
    return count;
  };

  it.each(['flag', 'hold'] as const)(
    'makes no record for a person left out by its %s, and says so',
    async (by) => {
      const email = `${randomUUID()}@example.com`;
      const [marketoId = 0] = await world.doors.createPersons([
        { email, lastName: 'Ito', syncExcluded: by === 'flag' },
      ]);
      if (by === 'hold') await hold({ marketoId });
      expect(await world.request(marketoId)).toMatchObject({ outcome: 'out-of-scope', dynamicsId: null });
      expect(await rowsOf(email)).toBe(0);
      const entries = await world.db
        .selectFrom('activity_entries')
        .selectAll()
        .where('marketo_id', '=', marketoId)
        .execute();
      expect(entries.map(({ state, attributes }) => [state, attributes['outcome']])).toEqual([
        ['logged', 'out-of-scope'],
      ]);
      if (by === 'flag') await world.doors.editPerson(marketoId, { syncExcluded: false });
      else await releaseRecord(world.db, { marketoId });
      expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
      await world.settled();
      expect(await rowsOf(email)).toBe(1);
    },
  );

  it('makes no second record beside one of its e-mail that is out of scope', async () => {
    const { email, leadid } = await pair(false);
    const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz' }]);
    expect(await world.request(marketoId)).toMatchObject({
      outcome: 'out-of-scope',
      kind: 'lead',
      dynamicsId: leadid,
    });
    expect(await rowsOf(email)).toBe(1);
  });

  it('on a linked person out of scope is already there, as ever', async () => {
    const { marketoId } = await pair();
    await hold({ marketoId });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'already-there' });
  });
});

describe('A flag that can no longer be read', () => {
  it('lets nobody in: what was known stands, new rows wait, and it is told once', async () => {
    const out = await pair(false);
    const both = await pair();
    const secured = { secured: true, canRead: false, canCreate: false, canUpdate: false };
    await changeColumn(world, 'leads', 'new_synctomkto', secured);
    await world.doors.editRow('leads', out.leadid, { jobtitle: 'Boss' });
    await world.doors.editRow('leads', both.leadid, { jobtitle: 'Boss' });
    const [fresh = ''] = await world.doors.createRows('leads', [{ lastname: 'Ito' }]);
    await world.settled();
    expect(await linkOfRow(out.leadid)).toMatchObject({ status: 'unmatched', outOfScope: { row: {} } });
    expect(await titles(both)).toEqual(['Boss', 'Boss']);
    expect(await linkOfRow(fresh)).toMatchObject({
      status: 'unmatched',
      outOfScope: { row: { unread: true } },
    });
    const notices = await world.db.selectFrom('field_notices').select(['kind', 'field', 'code']).execute();
    expect(notices).toEqual([{ kind: 'lead', field: 'scope.lead', code: 'unreadable' }]);
    await changeColumn(world, 'leads', 'new_synctomkto', { canRead: true });
    await readSchemas(world);
    await world.settled();
    await world.backfill();
    await world.settled();
    expect(await linkOfRow(out.leadid)).toMatchObject({ status: 'unmatched', outOfScope: { row: {} } });
    expect(await linkOfRow(fresh)).toMatchObject({ status: 'linked', outOfScope: null });
  });
});

describe('A record filter', () => {
  it('that is new counts for those who were flagged before, and one that is taken away lets all in', async () => {
    const started = await startScopedWorld({}, '');
    try {
      const { doors, settled, links, ports, person } = started;
      const [leadid = ''] = await doors.createRows('leads', [
        { lastname: 'Ruiz', emailaddress1: 'a@example.com', jobtitle: 'CTO' },
      ]);
      await settled();
      const marketoId = (await links())[0]?.marketoId ?? 0;
      await doors.editPerson(marketoId, { syncExcluded: true });
      await settled();
      Object.assign(ports, { scope: { person: 'syncExcluded', lead: 'new_synctomkto' } });
      await doors.editRow('leads', leadid, { jobtitle: 'Boss' });
      await settled();
      expect((await links())[0]?.outOfScope).toHaveProperty('person');
      expect(await person(marketoId)).toMatchObject({ title: 'CTO' });
      Object.assign(ports, { scope: {} });
      await settled();
      expect((await links())[0]?.outOfScope).toBeNull();
      expect(await person(marketoId)).toMatchObject({ title: 'Boss' });
    } finally {
      await started.close();
    }
  });
});
