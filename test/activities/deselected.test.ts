import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.js';

let world: World;
afterEach(() => world.close());

const BASE = '  - { marketo: lastName, lead: lastname }\n  - { marketo: email, lead: emailaddress1 }\n';
const CITY = '  - { marketo: city, lead: address1_city }\n';
const OPT_OUT = '  - { marketo: unsubscribed, lead: donotbulkemail, consent: true }\n';

const without = `fields:\n${BASE}`;
const withAll = `fields:\n${BASE}${CITY}${OPT_OUT}`;

const LEAD = randomUUID();

const pair = async (values: Record<string, string | boolean>): Promise<number> => {
  world = await startWorld({
    config: withAll,
    leads: [{ leadid: LEAD, lastname: 'Ruiz', emailaddress1: 'ana@example.com', ...values }],
  });
  await world.settled();
  return (await world.links())[0]?.marketoId ?? 0;
};

const atRest = async (): Promise<void> => {
  for (let round = 0; round < 4; round += 1) {
    await world.settled();
    if ((await world.backfill()).turns.length === 0) return;
  }
  expect.fail('the backfill did not end');
};

const select = async (config: string): Promise<void> => {
  world.select(config);
  await atRest();
};

describe('A deselected field', () => {
  it('is left alone on both sides: neither cleared nor written', async () => {
    const marketoId = await pair({ address1_city: 'Oslo', donotbulkemail: true });
    await select(without);
    await world.doors.editPerson(marketoId, { city: 'Rome', firstName: 'Ana' });
    await atRest();
    expect(await world.row('leads', LEAD)).toMatchObject({ address1_city: 'Oslo', donotbulkemail: true });
    await world.doors.editRow('leads', LEAD, { address1_city: null, donotbulkemail: false });
    await atRest();
    expect(await world.person(marketoId)).toMatchObject({ city: 'Rome', unsubscribed: true });
    expect((await world.links())[0]?.agreed.marketo).not.toHaveProperty('city');
  });

  it('and selected again is agreed on anew: what drifted meanwhile is nobody’s edit', async () => {
    const marketoId = await pair({ address1_city: 'Oslo', donotbulkemail: true });
    await select(without);
    // Against what was once agreed, both would be one-sided edits of Dynamics: a clear, and an opt-in.
    await world.doors.editRow('leads', LEAD, { address1_city: null, donotbulkemail: false });
    await atRest();
    await select(withAll);
    expect(await world.person(marketoId)).toMatchObject({ city: 'Oslo', unsubscribed: true });
    expect(await world.row('leads', LEAD)).toMatchObject({ address1_city: 'Oslo', donotbulkemail: true });
  });

  it('edited on both sides goes by the authority once it is selected again', async () => {
    const marketoId = await pair({ address1_city: 'Oslo' });
    await select(without);
    await world.doors.editRow('leads', LEAD, { address1_city: 'Bergen' });
    await world.doors.editPerson(marketoId, { city: 'Rome' });
    await atRest();
    await select(withAll);
    expect(await world.row('leads', LEAD)).toMatchObject({ address1_city: 'Rome' });
    await world.doors.editRow('leads', LEAD, { address1_city: 'Turin' });
    await atRest();
    expect(await world.person(marketoId)).toMatchObject({ city: 'Turin' });
  });

  it('that was refused is refused no more, and its open writes ask for no read for ever', async () => {
    const marketoId = await pair({ address1_city: 'Oslo' });
    await world.doors.editPerson(marketoId, { city: 'x'.repeat(200) });
    await world.settled();
    const open = () =>
      world.db.selectFrom('rejections').select('id').where('closed_at', 'is', null).execute();
    expect(await open()).toHaveLength(1);
    await world.doors.editRow('leads', LEAD, { donotbulkemail: true });
    await world.cycle();
    expect((await world.links())[0]?.writes).not.toEqual([]);
    await select(without);
    expect(await open()).toEqual([]);
    const [link] = await world.links();
    expect(link).toMatchObject({ writes: [], parked: {}, dirty: false });
  });

  it('on another column is agreed on anew there', async () => {
    const marketoId = await pair({ address1_city: 'Oslo', address1_county: 'Troms' });
    await select(`fields:\n${BASE}  - { marketo: city, lead: address1_county }\n`);
    expect(await world.row('leads', LEAD)).toMatchObject({ address1_city: 'Oslo', address1_county: 'Oslo' });
    expect(await world.person(marketoId)).toMatchObject({ city: 'Oslo' });
  });
});
