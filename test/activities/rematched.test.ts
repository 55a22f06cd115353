import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decideSeparate } from '../../client/resolve/decide.js';
import { decider, newEmail, recordsIn } from '../support/groups.js';
import { activate, mergePersons, mergeRows, qualify } from '../support/succession.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const { leads, persons, linkOfRow } = recordsIn(() => world);

/** A linked pair on a lead, at rest. */
const pair = async (values: Readonly<Record<string, string | boolean>> = {}) => {
  const email = newEmail();
  const [leadid = ''] = await leads(email, 1, { jobtitle: 'CTO', ...values });
  await world.settled();
  return { leadid, email, marketoId: (await linkOfRow(leadid)).marketoId ?? 0 };
};

/** A contact that has a person of its own, at rest. */
const contact = async (): Promise<string> => {
  const row = { lastname: 'Ruiz', emailaddress1: newEmail() };
  const [contactid = ''] = await world.doors.createRows('contacts', [row]);
  await world.settled();
  return contactid;
};

/** A lead whose pair was ended by decision, because it was qualified into a contact of another person. */
const separated = async (values: Readonly<Record<string, string | boolean>> = {}) => {
  const one = await pair(values);
  await qualify(world, one.leadid, await contact());
  await world.settled();
  await decideSeparate(world.db, { dynamicsId: one.leadid }, decider());
  await world.settled();
  expect(await linkOfRow(one.leadid)).toMatchObject({ status: 'excluded', marketoId: null });
  return one;
};

const reopen = async (leadid: string): Promise<void> => {
  await activate(world, 'leads', leadid);
  await world.settled();
};

/** The blank of the person is nobody's edit: it takes what the row holds. */
const expectFirstAgreement = async (leadid: string, marketoId: number, title = 'CTO'): Promise<void> => {
  expect(await linkOfRow(leadid)).toMatchObject({ status: 'linked', marketoId });
  expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: title });
  expect(await world.person(marketoId)).toMatchObject({ title });
};

describe('A lead that was closed without its person and is opened again is matched as on a first link:', () => {
  it('its person had been deleted', async () => {
    const { leadid, email, marketoId } = await pair();
    const heir = await contact();
    await world.doors.deletePerson(marketoId);
    await world.settled();
    await qualify(world, leadid, heir);
    await world.settled();
    const [other = 0] = await persons(email, 1);
    await reopen(leadid);
    await expectFirstAgreement(leadid, other);
  });

  it('its pair had been ended by decision, and another person has its e-mail', async () => {
    const { leadid, email, marketoId } = await separated();
    await world.doors.deletePerson(marketoId);
    const [other = 0] = await persons(email, 1);
    await reopen(leadid);
    await expectFirstAgreement(leadid, other);
  });

  it('its pair had been ended by decision, and the same person opted in since', async () => {
    const { leadid, marketoId } = await separated({ donotbulkemail: true });
    await world.doors.editPerson(marketoId, { unsubscribed: false });
    await reopen(leadid);
    expect(await linkOfRow(leadid)).toMatchObject({ status: 'linked', marketoId });
    expect(await world.row('leads', leadid)).toMatchObject({ donotbulkemail: true });
    expect(await world.person(marketoId)).toMatchObject({ unsubscribed: true });
  });

  it('its person had been merged into another, and it had waited since', async () => {
    const [winner, { leadid, email, marketoId }] = [await pair(), await pair()];
    await mergePersons(world, winner.marketoId, [marketoId]);
    await world.settled();
    expect((await linkOfRow(leadid)).status).toBe('merged-away');
    const heir = await qualify(world, leadid);
    await world.settled();
    const made = (await linkOfRow(heir)).marketoId ?? 0;
    await world.doors.deleteRow('contacts', heir);
    await world.settled();
    await world.doors.deletePerson(made);
    const [other = 0] = await persons(email, 1);
    await reopen(leadid);
    await expectFirstAgreement(leadid, other);
  });
});

describe('A pair that is set aside, and whose person is merged into one without a row,', () => {
  /** What the winner holds is no edit of what the loser had agreed on. */
  it('goes on with that one as on a first link once its lead is opened again', async () => {
    const { leadid, marketoId } = await pair({ donotbulkemail: true });
    await qualify(world, leadid, await contact());
    await world.settled();
    const [winner = 0] = await persons(newEmail(), 1, { unsubscribed: false });
    await mergePersons(world, winner, [marketoId]);
    await world.settled();
    expect(await linkOfRow(leadid)).toMatchObject({ status: 'ambiguous', marketoId: winner });
    await world.doors.editPerson(winner, { title: null, unsubscribed: false });
    await reopen(leadid);
    await expectFirstAgreement(leadid, winner);
    expect(await world.row('leads', leadid)).toMatchObject({ donotbulkemail: true });
    expect(await world.person(winner)).toMatchObject({ unsubscribed: true });
  });

  it('is merged as on a first link too where its rival is gone', async () => {
    const [winning, { leadid, marketoId }] = [await pair({ donotbulkemail: true }), await pair()];
    await mergeRows(world, 'leads', { winner: winning.leadid, loser: leadid });
    await world.settled();
    expect((await linkOfRow(leadid)).status).toBe('merged-away');
    const [winner = 0] = await persons(newEmail(), 1);
    await mergePersons(world, winner, [marketoId]);
    await world.settled();
    await world.doors.editPerson(winner, { title: null });
    await world.doors.deletePerson(winning.marketoId);
    await world.settled();
    await expectFirstAgreement(winning.leadid, winner);
    expect(await world.row('leads', winning.leadid)).toMatchObject({ donotbulkemail: true });
  });
});
