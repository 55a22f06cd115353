import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { readStoreStatus } from '../../client/status/store-status.js';
import { explainRecord } from '../../client/why/read.js';
import { renderWhy } from '../../client/why/render.js';
import { takeUpWritable } from '../../store/links.js';
import { releaseSwinging } from '../../store/swings.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
afterEach(() => world.close());

const PLAIN = '555-1234';
const DRESSED = '(555) 1234';

/** After each write to the phone of a row, a workflow of the customer's dresses it. */
const crmWorkflow = async (on: boolean): Promise<void> => {
  const dress = { table: 'lead', on: 'update', whenSent: 'telephone1', set: { telephone1: DRESSED } };
  const response = await fetch(`${world.dataverse}/admin/workflows`, {
    method: 'PUT',
    body: JSON.stringify({ workflows: on ? [dress] : [] }),
    headers: { 'content-type': 'application/json' },
  });
  expect(response.status).toBe(200);
};

/** A linked lead whose phone swings until it is set aside. */
const swinging = async () => {
  const leadid = randomUUID();
  world = await startWorld({
    leads: [
      { leadid, lastname: 'Ruiz', emailaddress1: 'ruiz@example.com', telephone1: '1', jobtitle: 'CTO' },
    ],
  });
  await world.settled();
  const [link] = await world.links();
  const marketoId = link?.marketoId ?? 0;
  await crmWorkflow(true);
  await world.doors.editPerson(marketoId, { phone: PLAIN });
  /** A campaign "data value changes" of Marketo, which strips the phone again. */
  const campaign = async (): Promise<void> => {
    if ((await world.person(marketoId))['phone'] === DRESSED)
      await world.doors.editPerson(marketoId, { phone: PLAIN });
  };
  const cycles = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      await world.cycle();
      await campaign();
    }
  };
  await cycles(8);
  const phones = async () => [
    (await world.person(marketoId))['phone'],
    (await world.row('leads', leadid))['telephone1'],
  ];
  return { leadid, marketoId, cycles, phones, linkId: link?.id ?? 0 };
};

describe('A phone that a CRM workflow and a campaign of Marketo rewrite', () => {
  it('is set aside: nobody is written any more, other fields go on, and status and why tell of it', async () => {
    const { leadid, marketoId, cycles, phones } = await swinging();
    expect(await phones()).toEqual([PLAIN, DRESSED]);
    await world.calls();
    await cycles(3);
    const { marketo, dynamics } = await world.calls();
    expect(JSON.stringify([marketo, dynamics])).not.toMatch(/POST|PATCH/);
    expect(await phones()).toEqual([PLAIN, DRESSED]);

    await world.doors.editPerson(marketoId, { title: 'CEO' });
    await cycles(2);
    expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: 'CEO', telephone1: DRESSED });

    const { swinging: found } = await readStoreStatus(world.db, 'test');
    expect(found).toEqual([
      { kind: 'lead', field: 'phone', count: 1, example: { marketoId, dynamicsId: leadid } },
    ]);
    const text = renderWhy(await explainRecord(world.db, { marketoId }, 'phone'), true, false);
    expect(text).toContain('phone  set aside: both sides keep rewriting it');
    expect(text).toContain(`now      Marketo "${PLAIN}", Dynamics "${DRESSED}"`);
    expect(text).toContain('only Marketo had been edited');
    // It is no refusal: nothing about it on the person's log.
    expect(await world.db.selectFrom('activity_entries').selectAll().execute()).toEqual([]);
  });

  it('is not taken up because rights come back', async () => {
    const { linkId } = await swinging();
    await takeUpWritable(world.db, 'lead', ['phone']);
    const link = (await world.links()).find(({ id }) => id === linkId);
    expect(link?.parked['phone']).toMatchObject({ because: 'swinging' });
  });

  it('is taken up when somebody types a third value', async () => {
    const { leadid, phones } = await swinging();
    await crmWorkflow(false);
    await world.doors.editRow('leads', leadid, { telephone1: '777' });
    await world.settled();
    expect(await phones()).toEqual(['777', '777']);
    expect((await readStoreStatus(world.db, 'test')).swinging).toEqual([]);
  });

  it('is taken up by an operator, once one of the two has been mended, and swings are counted anew', async () => {
    const { cycles, phones, linkId } = await swinging();
    expect(await releaseSwinging(world.db, linkId, 'title')).toBe(false);
    expect(await releaseSwinging(world.db, linkId, 'phone')).toBe(true);
    await cycles(8);
    expect((await readStoreStatus(world.db, 'test')).swinging).toMatchObject([{ field: 'phone', count: 1 }]);
    await crmWorkflow(false);
    expect(await releaseSwinging(world.db, linkId, 'phone')).toBe(true);
    await cycles(4);
    await world.settled();
    expect(new Set(await phones()).size).toBe(1);
    expect((await readStoreStatus(world.db, 'test')).swinging).toEqual([]);
  });
});
