import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPerson } from '../../activities/create-person.js';
import { fetchDynamics } from '../../activities/fetch-dynamics.js';
import { followSuccessors } from '../../activities/follow-successors.js';
import { askForPass } from '../../store/reconciliations.js';
import { mergeRows, qualify } from '../support/succession.js';
import { Crash, newAttempt, requestOf, startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** Two leads and one person of one e-mail, which nobody can tell apart. */
const group = async (): Promise<{ first: string; second: string; marketoId: number; email: string }> => {
  const email = `${randomUUID()}@example.com`;
  const [first = '', second = ''] = await world.doors.createRows('leads', [
    { lastname: 'Ruiz', emailaddress1: email },
    { lastname: 'Ruiz', emailaddress1: email },
  ]);
  const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz' }]);
  await world.quiet();
  const links = (await world.links()).filter(({ emailKey }) => emailKey === email);
  expect(links.map(({ status }) => status)).toEqual(['ambiguous', 'ambiguous']);
  return { first, second, marketoId, email };
};

describe('An ambiguous group of two rows and a person', () => {
  it('is one no more when the e-mail of one row changes: the other gets the person', async () => {
    const { first, second, marketoId } = await group();
    await world.doors.editRow('leads', first, { emailaddress1: `${randomUUID()}@example.com` });
    await world.quiet();
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'linked', dynamicsId: second });
  });

  it('is one no more when one row is deleted', async () => {
    const { first, second, marketoId } = await group();
    await world.doors.deleteRow('leads', first);
    await world.quiet();
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'linked', dynamicsId: second });
  });

  // Found by the model (seed 71000001).
  it('is one no more when a pair follows its row into one of them', async () => {
    const { first, second, marketoId } = await group();
    const email = `${randomUUID()}@example.com`;
    const [other = ''] = await world.doors.createRows('leads', [{ lastname: 'Ito', emailaddress1: email }]);
    await world.quiet();
    await mergeRows(world, 'leads', { winner: first, loser: other });
    await world.quiet();
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'linked', dynamicsId: second });
  });

  it('is one no more when a contact tells that one row was qualified, before that row tells it', async () => {
    const { first, second, marketoId } = await group();
    const contact = await qualify(world, first);
    await world.doors.editRow('contacts', contact, { emailaddress1: `${randomUUID()}@example.com` });
    const reference = { cycle: 1, at: new Date().toISOString() };
    await fetchDynamics(world.ports, 'contact', reference, newAttempt());
    await followSuccessors(world.ports, newAttempt());
    await world.quiet();
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'linked', dynamicsId: second });
  });

  it('is one no more when one row leaves it while it is judged', async () => {
    const email = `${randomUUID()}@example.com`;
    const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz' }]);
    const [first = '', second = ''] = await world.doors.createRows('leads', [
      { lastname: 'Ruiz', emailaddress1: email },
      { lastname: 'Ruiz', emailaddress1: email },
    ]);
    const { ports } = world;
    const { marketo } = ports;
    let left = false;
    const readPersons: typeof marketo.readPersons = async (query, signal) => {
      const read = await marketo.readPersons(query, signal);
      if (query.by === 'email' && !left) {
        left = true;
        await world.doors.editRow('leads', second, { emailaddress1: `${randomUUID()}@example.com` });
        // The backfill lane claims no e-mails.
        await askForPass(world.db, 'request', new Date().toISOString());
        await world.backfill();
      }
      return read;
    };
    Object.assign(ports, { marketo: { ...marketo, readPersons } });
    await world.cycle();
    Object.assign(ports, { marketo });
    expect(left).toBe(true);
    await world.quiet();
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'linked', dynamicsId: first });
  });

  it('is one no more when one row is merged into the other', async () => {
    const { first, second, marketoId } = await group();
    await mergeRows(world, 'leads', { winner: second, loser: first });
    await world.quiet();
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'linked', dynamicsId: second });
  });
});

describe('"Sync Person to Dynamics"', () => {
  it('does not take a row for the e-mail that it had when a cycle last read it', async () => {
    const email = `${randomUUID()}@example.com`;
    const [row = ''] = await world.doors.createRows('leads', [{ lastname: 'Ito', emailaddress1: email }]);
    const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ruiz' }]);
    const reference = { cycle: 1, at: new Date().toISOString() };
    await fetchDynamics(world.ports, 'lead', reference, newAttempt());
    await world.doors.editRow('leads', row, { emailaddress1: `${randomUUID()}@example.com` });
    const result = await world.request(marketoId);
    expect(result.outcome).toBe('created');
    await world.settled();
    expect(await world.linkOfPerson(marketoId)).not.toMatchObject({ dynamicsId: row });
  });

  it('makes no second row of a person whose creation was cut off, and whose lead was qualified since', async () => {
    const email = `${randomUUID()}@example.com`;
    const [lead = ''] = await world.doors.createRows('leads', [{ lastname: 'Ito', emailaddress1: email }]);
    world.crash('marketo', 'after');
    await expect(world.cycle()).rejects.toThrow(Crash);
    const contact = await qualify(world, lead);
    let marketoId = 0;
    for await (const page of world.doors.persons())
      marketoId = Number(page.find((person) => person['email'] === email)?.['id'] ?? marketoId);
    await expect(createPerson(world.ports, requestOf(marketoId), newAttempt())).rejects.toThrow(
      /held by another worker/,
    );
    await world.settled();
    expect((await world.request(marketoId)).outcome).toBe('already-there');
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'linked', dynamicsId: contact });
  });
});
