import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchDynamics } from '../../activities/fetch-dynamics.js';
import { fetchMarketo } from '../../activities/fetch-marketo.js';
import { explainRecord } from '../../client/why/read.js';
import { renderWhy } from '../../client/why/render.js';
import { decisionsOf, type LedgerDecision } from '../../store/ledger.js';
import { activate, mergePersons, mergeRows, qualify } from '../support/succession.js';
import { Crash, retried, startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** A linked pair on a lead, at rest. */
const pair = async () => {
  const leadid = randomUUID();
  const row = { leadid, lastname: 'Ruiz', jobtitle: 'old', emailaddress1: `${leadid}@example.com` };
  await world.doors.createRows('leads', [row]);
  await world.settled();
  const link = (await world.links()).find(({ dynamicsId }) => dynamicsId === leadid);
  return { leadid, marketoId: link?.marketoId ?? 0, linkId: link?.id ?? 0 };
};

/** What the ledger says of the title of a pair, the last decision first. */
const told = async (linkId: number): Promise<LedgerDecision[]> => {
  const decisions = await decisionsOf(world.db, [linkId], 100);
  return decisions.filter(({ field }) => field === 'title');
};

/** The edit was read and decided, and the run ended before anything was written. */
const seenOnly = async (writesTo: 'marketo' | 'dynamics'): Promise<void> => {
  world.crash(writesTo, 'before');
  await expect(world.cycle()).rejects.toBeInstanceOf(Crash);
};

const lostIn = (side: 'marketo' | 'dynamics', rule: string) => ({
  ...{ field: 'title', rule, loser: side, base: { marketo: 'old', dynamics: 'old' } },
  candidates: { marketo: 'old', dynamics: 'old', [side]: 'edit' },
});

describe('An edit that was seen, and not carried across when its record went, is in the ledger:', () => {
  it('its person was deleted', async () => {
    const { marketoId, linkId } = await pair();
    await world.doors.editPerson(marketoId, { title: 'edit' });
    await seenOnly('dynamics');
    await world.doors.deletePerson(marketoId);
    await world.settled();
    expect((await told(linkId))[0]).toMatchObject(lostIn('marketo', 'gone'));
    const text = renderWhy(await explainRecord(world.db, { marketoId }, 'title'), true, false);
    expect(text).toContain("Marketo's edit had not gone across when its record was deleted");
    expect(text).toContain('from     Marketo "edit", Dynamics "old"');
  });

  it('its row was deleted', async () => {
    const { leadid, linkId } = await pair();
    await world.doors.editRow('leads', leadid, { jobtitle: 'edit' });
    await seenOnly('marketo');
    await world.doors.deleteRow('leads', leadid);
    await world.settled();
    expect((await told(linkId))[0]).toMatchObject(lostIn('dynamics', 'gone'));
  });

  it('its person was merged into another', async () => {
    const { marketoId, linkId } = await pair();
    const [winner = 0] = await world.doors.createPersons([{ lastName: 'Winner', title: 'hers' }]);
    await world.doors.editPerson(marketoId, { title: 'edit' });
    await seenOnly('dynamics');
    await mergePersons(world, winner, [marketoId]);
    await world.settled();
    expect(await told(linkId)).toContainEqual(expect.objectContaining(lostIn('marketo', 'merged')));
  });

  it('its row was merged into another', async () => {
    const { leadid, linkId } = await pair();
    const master = randomUUID();
    await world.doors.createRows('leads', [{ leadid: master, lastname: 'Ruiz', jobtitle: 'hers' }]);
    await world.doors.editRow('leads', leadid, { jobtitle: 'edit' });
    await seenOnly('marketo');
    await mergeRows(world, 'leads', { winner: master, loser: leadid });
    await world.settled();
    expect(await told(linkId)).toContainEqual(expect.objectContaining(lostIn('dynamics', 'merged')));
  });

  it('its lead was qualified into a contact that has another value', async () => {
    const { leadid, linkId } = await pair();
    const contactid = randomUUID();
    await world.doors.createRows('contacts', [{ contactid, lastname: 'Ruiz', jobtitle: 'hers' }]);
    await world.doors.editRow('leads', leadid, { jobtitle: 'edit' });
    await seenOnly('marketo');
    await qualify(world, leadid, contactid);
    await world.settled();
    expect(await told(linkId)).toContainEqual(expect.objectContaining(lostIn('dynamics', 'qualified')));
  });
});

/** What a person typed in Marketo is covered by our write: only Marketo's log tells of it, in the next cycle. */
const covered = async () => {
  const { leadid, marketoId, linkId } = await pair();
  await world.doors.editRow('leads', leadid, { jobtitle: 'ours' });
  const type = () => world.doors.editPerson(marketoId, { title: 'edit' });
  await world.cycle({ resolved: () => type().then(() => undefined) });
  expect(await world.person(marketoId)).toMatchObject({ title: 'ours' });
  return { leadid, marketoId, linkId };
};

const coveredIn = (rule: string) => ({
  ...{ field: 'title', rule, loser: 'marketo', candidates: { marketo: 'edit', dynamics: 'ours' } },
  base: { marketo: 'ours', dynamics: 'ours' },
});

const readLog = (): Promise<unknown> =>
  retried((attempt) => fetchMarketo(world.ports, { cycle: 0, at: new Date().toISOString() }, attempt));

describe('An edit in Marketo that a write of ours covered is in the ledger when its row', () => {
  it('was deleted', async () => {
    const { leadid, linkId } = await covered();
    await readLog();
    await world.doors.deleteRow('leads', leadid);
    await world.settled();
    expect(await told(linkId)).toContainEqual(expect.objectContaining(coveredIn('gone')));
  });

  it('was deleted, and that was read before the log was', async () => {
    const { leadid, linkId } = await covered();
    await world.doors.deleteRow('leads', leadid);
    await retried((attempt) =>
      fetchDynamics(world.ports, 'lead', { cycle: 0, at: new Date().toISOString() }, attempt),
    );
    await world.settled();
    expect(await told(linkId)).toContainEqual(expect.objectContaining(coveredIn('gone')));
  });

  it('was merged into one that has a person', async () => {
    const [winner, { leadid, linkId }] = [await pair(), await covered()];
    await mergeRows(world, 'leads', { winner: winner.leadid, loser: leadid });
    await world.settled();
    expect(await told(linkId)).toContainEqual(expect.objectContaining(coveredIn('merged')));
  });

  it('was qualified into a contact that has a person; it is given back once the lead is opened again', async () => {
    const [contactid = ''] = await world.doors.createRows('contacts', [{ lastname: 'Ruiz' }]);
    const { leadid, marketoId, linkId } = await covered();
    await qualify(world, leadid, contactid);
    await world.settled();
    expect(await told(linkId)).toContainEqual(expect.objectContaining(coveredIn('qualified')));
    await activate(world, 'leads', leadid);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: 'edit' });
    expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: 'edit' });
  });
});

describe('Nothing is said to be lost', () => {
  it('of a pair at rest that ends, whichever side is deleted', async () => {
    const [a, b] = [await pair(), await pair()];
    await world.doors.deletePerson(a.marketoId);
    await world.doors.deleteRow('leads', b.leadid);
    await world.settled();
    expect([...(await told(a.linkId)), ...(await told(b.linkId))]).toEqual([]);
  });

  it('of an edit that stands on the contact made of the lead', async () => {
    const { leadid, linkId } = await pair();
    await world.doors.editRow('leads', leadid, { jobtitle: 'edit' });
    await seenOnly('marketo');
    await qualify(world, leadid);
    await world.settled();
    expect((await told(linkId)).map(({ rule }) => rule)).not.toContain('qualified');
  });

  it('of what the other side was edited to: it stands there still', async () => {
    const { marketoId, leadid, linkId } = await pair();
    await world.doors.editRow('leads', leadid, { jobtitle: 'edit' });
    await world.doors.deletePerson(marketoId);
    await world.settled();
    expect(await told(linkId)).toEqual([]);
    expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: 'edit' });
  });
});
