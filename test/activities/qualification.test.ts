import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { refreshCatalog, requireInstallation } from '../../activities/catalog.js';
import { followAndOpen } from '../../activities/cycle.js';
import { diff } from '../../activities/diff.js';
import { fetchDynamics } from '../../activities/fetch-dynamics.js';
import { followSuccessors } from '../../activities/follow-successors.js';
import { pushToMarketo } from '../../activities/push-marketo.js';
import { resolve } from '../../activities/resolve.js';
import { activate, expectPairMoved, personsSince, qualify } from '../support/succession.js';
import { Crash, newAttempt, retried, startWorld, type World } from '../support/world.js';

let world: World;
let LEAD: string;
let EMAIL: string;
let persons: () => Promise<number[]>;
beforeAll(async () => {
  world = await startWorld();
});
beforeEach(async () => {
  LEAD = randomUUID();
  EMAIL = `${LEAD}@example.com`;
  persons = await personsSince(world);
  await world.setting('dynamics', { qualifyFillsParents: true });
});
afterAll(() => world.close());

const lead = () => ({
  ...{ leadid: LEAD, lastname: 'Ruiz', jobtitle: 'CTO', emailaddress1: EMAIL },
  ...{ companyname: 'Acme', address1_city: 'Bergen' },
});

const linkOfRow = async (id: string) => (await world.links()).find(({ dynamicsId }) => dynamicsId === id);

/** One lead with its person, at rest. */
const pair = async (): Promise<number> => {
  await world.doors.createRows('leads', [lead()]);
  await world.settled();
  return (await linkOfRow(LEAD))?.marketoId ?? 0;
};

const contactOf = (id: string) => world.row('contacts', id);

/** The pair has gone over to the contact, which has no other. */
const expectHeld = async (marketoId: number, contact: string): Promise<void> => {
  expect(await persons()).toEqual([marketoId]);
  expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'linked', dynamicsId: contact });
};

const expectMoved = (marketoId: number, contact: string) => expectPairMoved(world, LEAD, marketoId, contact);

describe('A qualified lead', () => {
  it('leaves its person to the contact made of it, under the same link', async () => {
    const marketoId = await pair();
    const before = await world.linkOfPerson(marketoId);
    const contact = await qualify(world, LEAD);
    await world.settled();
    await expectMoved(marketoId, contact);
    expect((await world.linkOfPerson(marketoId)).id).toBe(before.id);
    await world.doors.editRow('contacts', contact, { jobtitle: 'CEO' });
    await world.doors.editPerson(marketoId, { city: 'Oslo' });
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ title: 'CEO' });
    expect(await contactOf(contact)).toMatchObject({ address1_city: 'Oslo' });
  });
});

describe('The two sides of a qualification', () => {
  /** A cycle that reads only one of the two tables. */
  const readOnly = async (kind: 'lead' | 'contact'): Promise<void> => {
    const input = { cycle: 99, at: new Date().toISOString() };
    await retried((attempt) => fetchDynamics(world.ports, kind, input, attempt));
  };

  it.each(['lead', 'contact'] as const)('may be told by the %s first, a cycle apart', async (first) => {
    const marketoId = await pair();
    const contact = await qualify(world, LEAD);
    await readOnly(first);
    const { ports } = world;
    const input = { cycle: 99, at: new Date().toISOString() };
    for (const chunk of (await retried((attempt) => followAndOpen(ports, input, attempt))).chunks) {
      await diff(ports, { ...input, chunk }, newAttempt());
      await resolve(ports, { ...input, chunk }, newAttempt());
      await retried((attempt) => pushToMarketo(ports, { ...input, chunk }, attempt));
    }
    await expectHeld(marketoId, contact);
    await world.settled();
    await expectMoved(marketoId, contact);
    const doubled = (await world.duplicates()).filter((key) => key.includes(EMAIL));
    expect(doubled).toEqual([`row of e-mail ${EMAIL}`]);
  });

  it.each(['lead', 'contact'] as const)(
    'meet where the lead does not name its contact (%s first)',
    async (first) => {
      const marketoId = await pair();
      await world.setting('dynamics', { qualifyFillsParents: false });
      const contact = await qualify(world, LEAD);
      await readOnly(first);
      await world.settled();
      await expectMoved(marketoId, contact);
    },
  );

  it('meet where the contact is found by its lead alone', async () => {
    const marketoId = await pair();
    await world.setting('dynamics', { qualifyFillsParents: false });
    const contact = await qualify(world, LEAD);
    await readOnly('lead');
    await retried((attempt) =>
      followAndOpen(world.ports, { cycle: 99, at: new Date().toISOString() }, attempt),
    );
    await expectHeld(marketoId, contact);
  });

  it('leave a lead that was qualified into no contact as it is', async () => {
    const marketoId = await pair();
    await qualify(world, LEAD, undefined, { createContact: false });
    await world.settled();
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'linked', dynamicsId: LEAD });
  });

  it('are told while the person of the lead is still being made', async () => {
    await world.doors.createRows('leads', [lead()]);
    const made = world.cycle({
      fetched: async () => {
        await qualify(world, LEAD);
      },
    });
    await made;
    await world.settled();
    expect(await persons()).toHaveLength(1);
  });

  it.each(['before', 'after'] as const)(
    'meet the person whose creation was cut off %s its call',
    async (when) => {
      await world.doors.createRows('leads', [lead()]);
      world.crash('marketo', when);
      await expect(world.cycle()).rejects.toBeInstanceOf(Crash);
      const contact = await qualify(world, LEAD);
      await world.settled();
      const ids = await persons();
      expect(ids).toHaveLength(1);
      await expectMoved(ids[0] ?? 0, contact);
    },
  );
});

describe('A lead that is qualified into a contact that is there', () => {
  let CONTACT: string;
  beforeEach(() => {
    CONTACT = randomUUID();
  });

  it('gives it its person where it has none', async () => {
    const marketoId = await pair();
    await world.doors.createRows('contacts', [
      { contactid: CONTACT, lastname: 'Ruiz', jobtitle: 'Chair', emailaddress1: `${CONTACT}@example.com` },
    ]);
    await qualify(world, LEAD, CONTACT);
    await world.settled();
    await expectMoved(marketoId, CONTACT);
    expect(await world.person(marketoId)).toMatchObject({ title: 'Chair', email: `${CONTACT}@example.com` });
    // Nothing on the contact: what Marketo holds goes there.
    expect(await contactOf(CONTACT)).toMatchObject({ address1_city: 'Bergen' });
  });

  /** The contact has a person of its own. */
  const conflict = async (): Promise<{ marketoId: number; other: number }> => {
    await world.doors.createRows('contacts', [
      { contactid: CONTACT, lastname: 'Rey', jobtitle: 'Chair', emailaddress1: `${CONTACT}@example.com` },
    ]);
    const marketoId = await pair();
    const other = (await linkOfRow(CONTACT))?.marketoId ?? 0;
    await qualify(world, LEAD, CONTACT);
    await world.settled();
    return { marketoId, other };
  };

  it('is set aside with both candidates where it has one, and nothing is written', async () => {
    const { marketoId, other } = await conflict();
    expect(await world.linkOfPerson(marketoId)).toMatchObject({
      status: 'ambiguous',
      dynamicsId: LEAD,
      candidates: [
        { side: 'dynamics', kind: 'contact', id: CONTACT },
        { side: 'marketo', id: String(other) },
      ],
    });
    expect(await world.person(marketoId)).toMatchObject({ lastName: 'Ruiz', title: 'CTO', dynamicsId: LEAD });
    expect(await world.person(other)).toMatchObject({ lastName: 'Rey', title: 'Chair', dynamicsId: CONTACT });
    await world.doors.editRow('leads', LEAD, { subject: 'moved' });
    await world.doors.editPerson(marketoId, { title: 'CEO' });
    await world.settled();
    expect(await contactOf(CONTACT)).toMatchObject({ jobtitle: 'Chair' });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'ambiguous' });
    expect(await persons()).toHaveLength(2);
  });

  it('follows as soon as the other person is gone', async () => {
    const { marketoId, other } = await conflict();
    await world.doors.deletePerson(other);
    await world.settled();
    await expectMoved(marketoId, CONTACT);
  });

  it('follows as soon as the other person is gone, also where nobody woke it', async () => {
    const { marketoId, other } = await conflict();
    await world.doors.deletePerson(other);
    const gone = { status: 'tombstone', dirty: false } as const;
    await world.db.updateTable('links').set(gone).where('dynamics_id', '=', CONTACT).execute();
    await retried((attempt) => followSuccessors(world.ports, attempt));
    expect(await linkOfRow(CONTACT)).toMatchObject({ status: 'linked', marketoId });
  });

  it('goes on with its lead when the contact is gone', async () => {
    const { marketoId, other } = await conflict();
    await world.doors.deleteRow('contacts', CONTACT);
    await world.settled();
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'linked', dynamicsId: LEAD });
    expect(await world.person(other)).toMatchObject({ dynamicsDeleted: true });
  });
});

describe('Two leads that are qualified into one contact', () => {
  /** Another lead with its person, which the sync has known longer. */
  const otherPair = async (): Promise<{ other: string; marketoId: number }> => {
    const other = randomUUID();
    await world.doors.createRows('leads', [
      { leadid: other, lastname: 'Rey', emailaddress1: `${other}@example.com` },
    ]);
    await world.settled();
    return { other, marketoId: (await linkOfRow(other))?.marketoId ?? 0 };
  };

  it('within a cycle: it keeps the person of the lead that it was made of', async () => {
    const { other, marketoId: rival } = await otherPair();
    const marketoId = await pair();
    const contact = await qualify(world, LEAD);
    await qualify(world, other, contact);
    await world.settled();
    await expectMoved(marketoId, contact);
    expect(await world.linkOfPerson(rival)).toMatchObject({
      ...{ status: 'ambiguous', ambiguity: 'qualified', dynamicsId: other },
      candidates: [
        { side: 'dynamics', kind: 'contact', id: contact },
        { side: 'marketo', id: String(marketoId) },
      ],
    });
  });

  it('within a cycle, and made of neither: it gets the person of the lead that the sync knew first', async () => {
    const { other, marketoId: first } = await otherPair();
    const later = await pair();
    const contact = randomUUID();
    await world.doors.createRows('contacts', [
      { contactid: contact, lastname: 'Ruiz', emailaddress1: `${contact}@example.com` },
    ]);
    await qualify(world, LEAD, contact);
    await qualify(world, other, contact);
    await world.settled();
    expect(await world.linkOfPerson(first)).toMatchObject({ status: 'linked', dynamicsId: contact });
    expect(await world.linkOfPerson(later)).toMatchObject({ status: 'ambiguous', dynamicsId: LEAD });
  });
});

describe('After a qualification', () => {
  it('the contact deleted leaves the person, flagged', async () => {
    const marketoId = await pair();
    const contact = await qualify(world, LEAD);
    await world.settled();
    await world.doors.deleteRow('contacts', contact);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: true });
    expect(await persons()).toEqual([marketoId]);
  });

  it('the lead deleted changes nothing', async () => {
    const marketoId = await pair();
    const contact = await qualify(world, LEAD);
    await world.settled();
    await world.doors.deleteRow('leads', LEAD);
    await world.settled();
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'linked', dynamicsId: contact });
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: false });
  });

  it('the lead opened again gets no person of its own', async () => {
    const marketoId = await pair();
    const contact = await qualify(world, LEAD);
    await world.settled();
    await activate(world, 'leads', LEAD);
    await world.settled();
    expect(await persons()).toEqual([marketoId]);
    await expectMoved(marketoId, contact);
  });

  it('a person deleted before does not come back with the contact', async () => {
    const marketoId = await pair();
    await world.doors.deletePerson(marketoId);
    await world.settled();
    await qualify(world, LEAD);
    await world.settled();
    expect(await persons()).toEqual([]);
  });

  it('a request for another person of the same address does not take the contact', async () => {
    const marketoId = await pair();
    const contact = await qualify(world, LEAD);
    const [other = 0] = await world.doors.createPersons([{ lastName: 'Ruiz', email: EMAIL }]);
    await world.request(other);
    await world.settled();
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ dynamicsId: contact });
  });
});

describe('A row that was deleted and is restored', () => {
  it('finds its person again, not flagged any more', async () => {
    const marketoId = await pair();
    await world.doors.deleteRow('leads', LEAD);
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: true });
    await world.doors.createRows('leads', [lead()]);
    await world.settled();
    expect(await persons()).toEqual([marketoId]);
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'linked', dynamicsId: LEAD });
    expect(await world.person(marketoId)).toMatchObject({ dynamicsDeleted: false });
  });
});

describe('Without Dynamics 365 Sales, where no contact names its lead,', () => {
  const withoutLookup = async (table: string, column: string): Promise<void> => {
    const answer = await fetch(`${world.dataverse}/admin/columns/${table}/${column}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ removed: true }),
    });
    expect(answer.status).toBe(200);
  };
  let shared: World;
  beforeAll(async () => {
    shared = world;
    world = await startWorld();
    await withoutLookup('contacts', 'originatingleadid');
    await refreshCatalog(world.ports, (await requireInstallation(world.ports)).syncUserId, undefined, {
      strong: true,
    });
  });
  afterAll(async () => {
    await world.close();
    world = shared;
  });

  it('a lead that names its contact is followed', async () => {
    const marketoId = await pair();
    const contact = await qualify(world, LEAD);
    await world.settled();
    await expectMoved(marketoId, contact);
  });

  it('a lead that names none keeps its person', async () => {
    const marketoId = await pair();
    await world.setting('dynamics', { qualifyFillsParents: false });
    await qualify(world, LEAD, undefined, { createContact: false });
    await world.settled();
    expect(await world.linkOfPerson(marketoId)).toMatchObject({ status: 'linked', dynamicsId: LEAD });
  });
});
