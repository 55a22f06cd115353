import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { parseSyncConfig } from '../../config/sync-config.js';
import { mergePersons, mergeRows } from '../support/succession.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
afterEach(() => world.close());

const WITHOUT = `fields:
  - { marketo: lastName, lead: lastname }
  - { marketo: email, lead: emailaddress1 }
`;
const WITH = `${WITHOUT}  - { marketo: unsubscribed, lead: donotbulkemail }
`;

/** Who is opted out where; whoever is on one side is on both in the end. */
const SIDES = [
  ['Marketo', true, false],
  ['Dynamics', false, true],
] as const;

const pair = async (config: string, unsubscribed: boolean, donotbulkemail: boolean) => {
  const leadid = randomUUID();
  const email = 'ruiz@example.com';
  world = await startWorld({
    config,
    persons: [{ lastName: 'Ruiz', email, unsubscribed }],
    leads: [{ leadid, lastname: 'Ruiz', emailaddress1: email, donotbulkemail }],
  });
  await world.settled();
  const [link] = await world.links();
  return { leadid, marketoId: link?.marketoId ?? 0 };
};

const isOptedOut = async (leadid: string, marketoId: number) => [
  (await world.person(marketoId))['unsubscribed'],
  (await world.row('leads', leadid))['donotbulkemail'],
];

describe.each(SIDES)('An opt-out in %s alone stands on both sides', (side, inMarketo, inDynamics) => {
  it('once both are linked', async () => {
    const { leadid, marketoId } = await pair(WITH, inMarketo, inDynamics);
    expect(await isOptedOut(leadid, marketoId)).toEqual([true, true]);
  });

  it('once the field is selected for pairs that are linked for long, and no other field moves', async () => {
    const { leadid, marketoId } = await pair(WITHOUT, inMarketo, inDynamics);
    expect(await isOptedOut(leadid, marketoId)).toEqual([inMarketo, inDynamics]);
    Object.assign(world.ports, { choices: parseSyncConfig(WITH, 'f').fields });
    await world.settled();
    await world.backfill();
    await world.settled();
    expect(await isOptedOut(leadid, marketoId)).toEqual([true, true]);
    // From then on a person may opt in again.
    await world.doors.editPerson(marketoId, { unsubscribed: false });
    await world.settled();
    expect(await isOptedOut(leadid, marketoId)).toEqual([false, false]);
  });

  it('once the row was deleted, and one of the same address is made', async () => {
    const { leadid, marketoId } = await pair(WITH, false, false);
    await world.doors.deleteRow('leads', leadid);
    await world.settled();
    if (side === 'Marketo') await world.doors.editPerson(marketoId, { unsubscribed: true });
    const again = { leadid: randomUUID(), lastname: 'Ruiz', emailaddress1: 'ruiz@example.com' };
    await world.doors.createRows('leads', [{ ...again, donotbulkemail: inDynamics }]);
    await world.settled();
    expect(await isOptedOut(again.leadid, marketoId)).toEqual([true, true]);
  });

  it('once its person was merged into another', async () => {
    const { leadid, marketoId } = await pair(WITH, false, false);
    const [winner = 0] = await world.doors.createPersons([{ lastName: 'Ruiz', unsubscribed: inMarketo }]);
    await world.doors.editRow('leads', leadid, { donotbulkemail: inDynamics });
    await mergePersons(world, winner, [marketoId]);
    await world.settled();
    expect(await isOptedOut(leadid, winner)).toEqual([true, true]);
  });

  it('once its row was merged into another', async () => {
    const { leadid, marketoId } = await pair(WITH, false, false);
    const master = randomUUID();
    await world.doors.createRows('leads', [{ leadid: master, lastname: 'Ruiz', donotbulkemail: inDynamics }]);
    if (side === 'Marketo') await world.doors.editPerson(marketoId, { unsubscribed: true });
    await mergeRows(world, 'leads', { winner: master, loser: leadid });
    await world.settled();
    const link = (await world.links()).find(({ dynamicsId }) => dynamicsId === master);
    expect(await isOptedOut(master, link?.marketoId ?? 0)).toEqual([true, true]);
  });
});

describe('An opt-out in Marketo that the sync user may not write to Dynamics', () => {
  const mayWrite = async (may: boolean, { known = true } = {}): Promise<void> => {
    const response = await fetch(`${world.dataverse}/admin/columns/leads/donotbulkemail`, {
      method: 'PATCH',
      body: JSON.stringify({ secured: true, canRead: true, canUpdate: may, canCreate: may }),
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(200);
    if (!known) return;
    await world.db
      .updateTable('catalogs')
      .set({ read_at: new Date(0) })
      .execute();
  };
  const notices = async (): Promise<string[]> =>
    (await world.db.selectFrom('field_notices').select(['field', 'code']).execute()).map(
      ({ field, code }) => `${field} ${code}`,
    );

  it('stands beside the row that a request made without it, and goes there with the right', async () => {
    world = await startWorld({
      config: WITH,
      persons: [{ lastName: 'Ruiz', email: 'ruiz@example.com', unsubscribed: true }],
    });
    await mayWrite(false);
    await world.settled();
    const marketoId = 1001;
    const { dynamicsId } = await world.request(marketoId);
    const leadid = dynamicsId ?? '';
    await world.settled();
    expect(await isOptedOut(leadid, marketoId)).toEqual([true, false]);
    expect(await notices()).toEqual(['unsubscribed read-only']);
    await mayWrite(true);
    await world.settled();
    await world.backfill();
    await world.settled();
    expect(await isOptedOut(leadid, marketoId)).toEqual([true, true]);
  });

  it('stands where the request itself found out that it may not', async () => {
    world = await startWorld({
      config: WITH,
      persons: [{ lastName: 'Ruiz', email: 'ruiz@example.com', unsubscribed: true }],
    });
    await world.settled();
    await mayWrite(false, { known: false });
    const { dynamicsId } = await world.request(1001);
    await world.settled();
    expect(await isOptedOut(dynamicsId ?? '', 1001)).toEqual([true, false]);
  });

  it('is not taken back on a pair that had agreed, and goes across with the right', async () => {
    const { leadid, marketoId } = await pair(WITH, false, false);
    await mayWrite(false);
    await world.settled();
    await world.doors.editPerson(marketoId, { unsubscribed: true });
    await world.settled();
    expect(await isOptedOut(leadid, marketoId)).toEqual([true, false]);
    await mayWrite(true);
    await world.settled();
    await world.backfill();
    await world.settled();
    expect(await isOptedOut(leadid, marketoId)).toEqual([true, true]);
  });
});
