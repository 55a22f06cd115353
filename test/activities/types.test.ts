import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../simulators/dataverse/rights/people.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
afterAll(() => world.close());
beforeAll(async () => {
  world = await startWorld({ config: CONFIG });
});

const CONFIG = `fields:
  - { marketo: lastName, lead: lastname }
  - { marketo: email, lead: emailaddress1 }
  - { marketo: title, lead: ownerid }
  - { marketo: city, lead: parentcontactid }
  - { marketo: rating, lead: campaignid }
  - { marketo: leadSource, lead: leadsourcecode }
`;

type Values = Readonly<Record<string, string | number | null>>;

/** One lead with its person, at rest. */
const pair = async (values: Values = {}) => {
  const leadid = randomUUID();
  const emailaddress1 = `${leadid}@example.com`;
  await world.doors.createRows('leads', [{ leadid, lastname: 'Ruiz', emailaddress1, ...values }]);
  await world.settled();
  const link = (await world.links()).find(({ dynamicsId }) => dynamicsId === leadid);
  return { leadid, marketoId: link?.marketoId ?? 0 };
};

const notices = async () =>
  (await world.db.selectFrom('field_notices').select(['field', 'code', 'message']).execute()).map(
    ({ field, code, message }) => `${field} ${code}: ${message}`,
  );

const written = ({ marketo, dynamics }: Awaited<ReturnType<World['calls']>>) => [
  ...Object.keys(marketo).filter((call) => call.startsWith('POST')),
  ...Object.keys(dynamics).filter((call) => call.startsWith('PATCH')),
];

describe('A lookup', () => {
  it('comes to Marketo as the name of what it points at, follows it, and never goes back', async () => {
    const { leadid, marketoId } = await pair({ ownerid: people.sales.id });
    expect(await world.person(marketoId)).toMatchObject({ title: people.sales.fullName });
    expect(await notices()).toContain(
      'title read-only: Marketo holds only the name of what lead.ownerid points at, so it is synced to Marketo only.',
    );
    await world.doors.editRow('leads', leadid, { ownerid: people.sync.id });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: people.sync.fullName });
    await world.doors.editPerson(marketoId, { title: 'Somebody' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: people.sync.fullName });
    expect(await world.row('leads', leadid)).toMatchObject({ _ownerid_value: people.sync.id });
  });

  it('is read as a name also where a row is read again, and a converged pair writes nothing', async () => {
    const { leadid } = await pair({ ownerid: people.sales.id });
    await world.db.updateTable('links').set({ reread_dynamics: true, dirty: true }).execute();
    await world.doors.editRow('leads', leadid, { jobtitle: 'CEO' });
    await world.calls();
    await world.settled();
    expect(written(await world.calls())).toEqual([]);
  });

  it('that points at nothing is blank', async () => {
    const { leadid, marketoId } = await pair();
    expect(await world.person(marketoId)).toMatchObject({ city: null });
    const contactid = randomUUID();
    await world.doors.createRows('contacts', [{ contactid, firstname: 'Jane', lastname: 'Roe' }]);
    await world.doors.editRow('leads', leadid, { parentcontactid: contactid });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ city: 'Jane Roe' });
    await world.doors.editRow('leads', leadid, { parentcontactid: null });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ city: null });
  });

  it('whose name cannot be read any more wipes nothing, and is not asked for in every cycle', async () => {
    const { leadid, marketoId } = await pair({ ownerid: people.sales.id });
    const nobody = await fetch(`${world.dataverse}/admin/rows/leads/${leadid}?force=true`, {
      method: 'PATCH',
      body: JSON.stringify({ ownerid: randomUUID(), lastname: 'Sato' }),
      headers: { 'content-type': 'application/json' },
    });
    expect(nobody.status).toBe(200);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: people.sales.fullName, lastName: 'Sato' });
    await world.cycle();
    await world.calls();
    await world.cycle();
    expect(Object.values((await world.calls()).dynamics)).toEqual([1, 1]);
  });

  it('whose name was never readable leaves its pair at rest', async () => {
    const { marketoId } = await pair({ campaignid: randomUUID() });
    await world.doors.editPerson(marketoId, { rating: 'AAA' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ rating: 'AAA' });
    expect((await world.linkOfPerson(marketoId)).dirty).toBe(false);
  });

  it('costs one call for a page of changed rows that point at something, and none for other pages', async () => {
    const { leadid } = await pair({ ownerid: people.sales.id });
    await world.calls();
    await world.cycle();
    expect((await world.calls()).dynamics).not.toHaveProperty('GET /api/data/v9.2/leads');
    await world.doors.editRow('leads', leadid, { ownerid: people.system.id });
    await world.cycle();
    expect((await world.calls()).dynamics).toMatchObject({ 'GET /api/data/v9.2/leads': 1 });
  });

  it('brings the new name of a renamed record with the next change of the row, however soon', async () => {
    const contactid = randomUUID();
    await world.doors.createRows('contacts', [{ contactid, firstname: 'Jane', lastname: 'Roe' }]);
    const { leadid, marketoId } = await pair({ parentcontactid: contactid });
    expect(await world.person(marketoId)).toMatchObject({ city: 'Jane Roe' });
    await world.doors.editRow('contacts', contactid, { lastname: 'Doe' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ city: 'Jane Roe' });
    await world.doors.editRow('leads', leadid, { lastname: 'Sato' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ city: 'Jane Doe', lastName: 'Sato' });
  });
});

describe('A date', () => {
  it('is one without time by its behavior, not by its format: that one still travels as a moment', async () => {
    const { syncUserId } = await world.db
      .selectFrom('installations')
      .select('sync_user_id as syncUserId')
      .executeTakeFirstOrThrow();
    const columns = await world.ports.dynamics.columns('lead', syncUserId);
    const typeOf = (name: string) => columns.find((column) => column.name === name)?.type;
    expect(typeOf('estimatedclosedate')).toBe('dateOnly');
    expect(typeOf('overriddencreatedon')).toBe('datetime');
  });
});

describe('An option that is renamed in Dynamics', () => {
  const rename = async (options: readonly { value: number; label: string }[]) => {
    const response = await fetch(`${world.dataverse}/admin/columns/leads/leadsourcecode`, {
      method: 'PATCH',
      body: JSON.stringify({ options }),
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(200);
    await world.db
      .updateTable('catalogs')
      .set({ read_at: new Date(0) })
      .execute();
  };
  const other = { value: 9, label: 'Fair' };

  it('causes no write, and its former label is still understood', async () => {
    const { leadid, marketoId } = await pair({ leadsourcecode: 8 });
    expect(await world.person(marketoId)).toMatchObject({ leadSource: 'Web' });
    await rename([{ value: 8, label: 'Internet' }, other]);
    await world.calls();
    await world.doors.editRow('leads', leadid, { jobtitle: 'CEO' });
    await world.settled();
    expect(written(await world.calls())).toEqual([]);
    await world.doors.editPerson(marketoId, { leadSource: 'Fair' });
    await world.settled();
    await world.doors.editPerson(marketoId, { leadSource: 'web' });
    await world.settled();
    expect(await world.row('leads', leadid)).toMatchObject({ leadsourcecode: 8 });
    await world.doors.editRow('leads', leadid, { leadsourcecode: 9 });
    await world.settled();
    await world.doors.editRow('leads', leadid, { leadsourcecode: 8 });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ leadSource: 'Internet' });
  });

  it('or removed there is no edit of anybody, and nothing to tell', async () => {
    await rename([{ value: 8, label: 'Web' }, other]);
    const { leadid, marketoId } = await pair({ leadsourcecode: 8 });
    expect(await world.person(marketoId)).toMatchObject({ leadSource: 'Web' });
    await rename([other]);
    await world.calls();
    await world.doors.editRow('leads', leadid, { jobtitle: 'CEO' });
    await world.settled();
    expect(written(await world.calls())).toEqual([]);
    expect(await world.person(marketoId)).toMatchObject({ leadSource: 'Web' });
    expect(await world.db.selectFrom('rejections').select('id').execute()).toEqual([]);
  });
});
