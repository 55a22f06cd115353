import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mergePersons, mergeRows, personsSince, qualify } from '../support/succession.js';
import { Crash, startWorld, type World } from '../support/world.js';

let world: World;
let LOSER: string;
let WINNER: string;
let THIRD: string;
let persons: () => Promise<number[]>;
beforeAll(async () => {
  world = await startWorld();
});
beforeEach(async () => {
  [LOSER, WINNER, THIRD] = [randomUUID(), randomUUID(), randomUUID()];
  persons = await personsSince(world);
});
afterAll(() => world.close());

const emailOf = (id: string): string => `${id}@example.com`;
const row = (contactid: string, name: string, more = {}) => ({
  ...{ contactid, lastname: name, jobtitle: `Job of ${name}`, emailaddress1: emailOf(contactid) },
  ...more,
});
const loser = () => row(LOSER, 'Loser', { address1_city: 'Bergen' });
const winner = () => row(WINNER, 'Winner');
const lead = (leadid: string) => ({ leadid, lastname: 'Lead', emailaddress1: emailOf(leadid) });

const personOf = async (id: string): Promise<number> =>
  (await world.links()).find(({ dynamicsId }) => dynamicsId === id)?.marketoId ?? 0;

/** Contacts with a person each, at rest; their persons. */
const start = async (contacts = [loser(), winner()]) => {
  await world.doors.createRows('contacts', contacts);
  await world.settled();
  return { lost: await personOf(LOSER), won: await personOf(WINNER) };
};

const linkOfRow = async (id: string) => (await world.links()).find(({ dynamicsId }) => dynamicsId === id);

describe('Two contacts merged in Dynamics, of which only the loser has a person,', () => {
  it('leave it to the winner, with the values of both', async () => {
    const { lost } = await start([loser()]);
    await world.doors.createRows('contacts', [winner()]);
    await mergeRows(world, 'contacts', { winner: WINNER, loser: LOSER });
    await world.settled();
    expect(await persons()).toEqual([lost]);
    expect(await linkOfRow(WINNER)).toMatchObject({ status: 'linked', marketoId: lost });
    expect(await linkOfRow(LOSER)).toMatchObject({ status: 'excluded', marketoId: null });
    expect(await world.person(lost)).toMatchObject({
      ...{ title: 'Job of Winner', email: emailOf(WINNER), city: 'Bergen' },
      ...{ dynamicsId: WINNER, dynamicsDeleted: false },
    });
    expect(await world.row('contacts', WINNER)).toMatchObject({ address1_city: 'Bergen' });
  });

  it('of leads too, and along a chain of merges', async () => {
    await world.doors.createRows('leads', [lead(LOSER)]);
    await world.settled();
    const lost = await personOf(LOSER);
    await world.doors.createRows('leads', [lead(WINNER), lead(THIRD)]);
    await mergeRows(world, 'leads', { winner: WINNER, loser: LOSER });
    await mergeRows(world, 'leads', { winner: THIRD, loser: WINNER });
    await world.settled();
    expect(await persons()).toEqual([lost]);
    expect(await linkOfRow(THIRD)).toMatchObject({ status: 'linked', kind: 'lead', marketoId: lost });
  });

  it('follow a lead into its contact, and that contact into the winner', async () => {
    await world.doors.createRows('leads', [lead(LOSER)]);
    await world.settled();
    const lost = await personOf(LOSER);
    const contact = await qualify(world, LOSER);
    await world.doors.createRows('contacts', [winner()]);
    await mergeRows(world, 'contacts', { winner: WINNER, loser: contact });
    await world.settled();
    expect(await persons()).toEqual([lost]);
    expect(await linkOfRow(WINNER)).toMatchObject({ status: 'linked', kind: 'contact', marketoId: lost });
  });
});

describe('Two contacts merged in Dynamics, each with a person,', () => {
  const merged = async () => {
    const persons = await start();
    await mergeRows(world, 'contacts', { winner: WINNER, loser: LOSER });
    await world.settled();
    return persons;
  };

  it("leave the loser's person alone: not flagged, not written, not matched again", async () => {
    const { lost, won } = await merged();
    expect(await linkOfRow(LOSER)).toMatchObject({ status: 'merged-away', marketoId: lost });
    expect(await world.person(lost)).toMatchObject({ title: 'Job of Loser', dynamicsDeleted: false });
    await world.doors.editPerson(lost, { title: 'CEO', email: emailOf(WINNER) });
    await world.doors.createRows('contacts', [row(THIRD, 'Third', { emailaddress1: emailOf(LOSER) })]);
    await world.settled();
    expect(await world.row('contacts', LOSER)).toMatchObject({ jobtitle: 'Job of Loser' });
    expect(await world.linkOfPerson(won)).toMatchObject({ status: 'linked', dynamicsId: WINNER });
    expect(await linkOfRow(THIRD)).toMatchObject({ status: 'linked' });
    expect(await personOf(THIRD)).not.toBe(lost);
  });

  it('give a request a clear answer, and no second row', async () => {
    const { lost } = await merged();
    expect(await world.request(lost)).toMatchObject({
      outcome: 'merged-away',
      kind: 'contact',
      dynamicsId: WINNER,
    });
    const rows = (await world.links()).filter(({ marketoId }) => marketoId === lost);
    expect(rows).toHaveLength(1);
  });

  it.each([
    { winning: 'same', of: 'the winner' },
    { winning: 'other', of: 'the loser' },
  ] as const)('are one pair when Marketo merges the persons into that of $of', async ({ winning }) => {
    const { lost, won } = await merged();
    const [keeps, goes] = winning === 'same' ? [won, lost] : [lost, won];
    await mergePersons(world, keeps, [goes]);
    await world.settled();
    expect(await persons()).toEqual([keeps]);
    expect(await linkOfRow(WINNER)).toMatchObject({ status: 'linked', marketoId: keeps });
    expect(await linkOfRow(LOSER)).toMatchObject({ status: 'excluded', marketoId: null });
    expect(await world.person(keeps)).toMatchObject({ dynamicsId: WINNER, dynamicsDeleted: false });
    await world.doors.editRow('contacts', WINNER, { jobtitle: 'CEO' });
    await world.settled();
    expect(await world.person(keeps)).toMatchObject({ title: 'CEO' });
  });

  it("release the loser's person when it is deleted", async () => {
    const { lost } = await merged();
    await world.doors.deletePerson(lost);
    await world.settled();
    expect(await linkOfRow(LOSER)).toMatchObject({ status: 'excluded', marketoId: null });
  });

  it("give the winner the loser's person when its own is deleted", async () => {
    const { lost, won } = await merged();
    await world.doors.deletePerson(won);
    await world.settled();
    expect(await linkOfRow(WINNER)).toMatchObject({ status: 'linked', marketoId: lost });
    expect(await persons()).toEqual([lost]);
  });

  it('flag both persons when the winner is deleted, and free the second', async () => {
    const { lost, won } = await merged();
    await world.doors.deleteRow('contacts', WINNER);
    await world.settled();
    for (const id of [lost, won]) expect(await world.person(id)).toMatchObject({ dynamicsDeleted: true });
    expect(await world.request(lost)).toMatchObject({ outcome: 'created' });
  });

  it('flag the second person when the row that it had is deleted for good', async () => {
    const { lost, won } = await merged();
    await world.doors.deleteRow('contacts', LOSER);
    await world.settled();
    expect(await world.person(lost)).toMatchObject({ dynamicsDeleted: true });
    expect(await world.person(won)).toMatchObject({ dynamicsDeleted: false });
  });

  it('go on along a chain: the winner merged further takes its person with it', async () => {
    const { lost, won } = await merged();
    await world.doors.createRows('contacts', [row(THIRD, 'Third')]);
    await mergeRows(world, 'contacts', { winner: THIRD, loser: WINNER });
    await world.settled();
    expect(await linkOfRow(THIRD)).toMatchObject({ status: 'linked', marketoId: won });
    expect(await linkOfRow(LOSER)).toMatchObject({ status: 'merged-away', marketoId: lost });
    expect(await persons()).toEqual([lost, won].sort((a, b) => a - b));
  });
});

describe('A lead merged into one that is then qualified, each with a person,', () => {
  // Found by the model (seed 84003001): the second person got the closed lead.
  it.each([true, false])('is set aside (the lead names its contact: %s)', async (named) => {
    await world.setting('dynamics', { qualifyFillsParents: named });
    await world.doors.createRows('leads', [lead(LOSER), lead(WINNER)]);
    await world.settled();
    const [lost, won] = [await personOf(LOSER), await personOf(WINNER)];
    await mergeRows(world, 'leads', { winner: WINNER, loser: LOSER });
    const contact = await qualify(world, WINNER);
    await world.settled();
    expect(await world.linkOfPerson(won)).toMatchObject({ status: 'linked', dynamicsId: contact });
    expect(await world.linkOfPerson(lost)).toMatchObject({ status: 'ambiguous', dynamicsId: LOSER });
    await world.setting('dynamics', { qualifyFillsParents: true });
  });
});

describe('A contact merged into one with a person, while its own person was being made,', () => {
  // Found by the model (seed 84002002).
  it('leaves a person that is told of the loss, if the call that nobody heard of had made it', async () => {
    const { won } = await start([winner()]);
    await world.doors.createRows('contacts', [loser()]);
    world.crash('marketo', 'after');
    await expect(world.cycle()).rejects.toBeInstanceOf(Crash);
    await mergeRows(world, 'contacts', { winner: WINNER, loser: LOSER });
    await world.settled();
    const [lost = 0] = (await persons()).filter((id) => id !== won);
    expect(await world.person(lost)).toMatchObject({ dynamicsId: LOSER, dynamicsDeleted: true });
    expect(await world.person(won)).toMatchObject({ dynamicsId: WINNER });
    expect((await world.person(won))['dynamicsDeleted']).not.toBe(true);
  });
});

describe('A merge in Dynamics while the sync works', () => {
  it('is not written over by a push that was under way', async () => {
    const { lost } = await start([loser()]);
    await world.doors.createRows('contacts', [{ ...winner(), jobtitle: null }]);
    await world.cycle();
    await world.doors.editPerson(lost, { title: 'CEO' });
    await world.cycle({
      resolved: () => mergeRows(world, 'contacts', { winner: WINNER, loser: LOSER }),
    });
    await world.settled();
    expect(await world.row('contacts', LOSER)).toMatchObject({ jobtitle: 'Job of Loser' });
  });

  it.each(['before', 'after'] as const)('survives a crash %s the next call to Marketo', async (when) => {
    const { lost } = await start([loser()]);
    await world.doors.createRows('contacts', [winner()]);
    await mergeRows(world, 'contacts', { winner: WINNER, loser: LOSER });
    world.crash('marketo', when);
    await expect(world.cycle()).rejects.toBeInstanceOf(Crash);
    await world.settled();
    expect(await persons()).toEqual([lost]);
    expect(await world.person(lost)).toMatchObject({ title: 'Job of Winner', dynamicsId: WINNER });
  });
});
