import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decideLink, decideSeparate } from '../../client/resolve/decide.js';
import { listGroups, type ListedGroup } from '../../client/resolve/groups.js';
import { explainRecord } from '../../client/why/read.js';
import { renderWhy } from '../../client/why/render.js';
import type { Link } from '../../rules/link.js';
import { claimEmails, releaseEmails } from '../../store/claims.js';
import { mergePersons, mergeRows, personsSince, qualify } from '../support/succession.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const newEmail = (): string => `${randomUUID()}@example.com`;

const persons = (email: string, count: number, values = {}): Promise<number[]> =>
  world.doors.createPersons(Array.from({ length: count }, () => ({ email, lastName: 'Ruiz', ...values })));

const leads = (email: string, count: number, values = {}): Promise<string[]> =>
  world.doors.createRows(
    'leads',
    Array.from({ length: count }, () => ({ emailaddress1: email, lastname: 'Ruiz', ...values })),
  );

const linkOfRow = async (id: string): Promise<Link> => {
  const link = (await world.links()).find(({ dynamicsId }) => dynamicsId === id);
  if (link === undefined) throw new Error(`no link of row ${id}`);
  return link;
};

const decider = () => ({ by: 'ana', at: new Date().toISOString() });

const groupOf = async (dynamicsId: string): Promise<ListedGroup> => {
  const [group, ...others] = await listGroups(world.db, { dynamicsId });
  if (group === undefined || others.length > 0) throw new Error('not one group');
  return group;
};

/** An ambiguous group, at rest. */
const group = async (rows: number, people: number) => {
  const email = newEmail();
  const marketoIds = await persons(email, people);
  const ids = await leads(email, rows);
  await world.settled();
  for (const id of ids) expect((await linkOfRow(id)).status).toBe('ambiguous');
  return { email, marketoIds, ids };
};

describe('An ambiguous group is released', () => {
  it.each([
    ['deleted', (id: string) => world.doors.deleteRow('leads', id)],
    ['given another e-mail', (id: string) => world.doors.editRow('leads', id, { emailaddress1: newEmail() })],
    ['qualified', (id: string) => qualify(world, id).then(() => undefined)],
  ])('when its other row is %s', async (what, leave) => {
    const { marketoIds, ids } = await group(2, 1);
    await leave(ids[1] ?? '');
    await world.settled();
    const kept = await linkOfRow(ids[0] ?? '');
    // The contact has the e-mail of the lead that it was made of: it is of the group in its place.
    if (what === 'qualified') expect(kept.status).toBe('ambiguous');
    else expect(kept).toMatchObject({ status: 'linked', marketoId: marketoIds[0] });
  });

  it('when its other row is qualified into a contact of another e-mail', async () => {
    const { marketoIds, ids } = await group(2, 1);
    const [contact = ''] = await world.doors.createRows('contacts', [
      { lastname: 'Ruiz', emailaddress1: newEmail() },
    ]);
    await qualify(world, ids[1] ?? '', contact);
    await world.settled();
    expect(await linkOfRow(ids[0] ?? '')).toMatchObject({ status: 'linked', marketoId: marketoIds[0] });
  });

  it('when its two rows are merged', async () => {
    const { marketoIds, ids } = await group(2, 1);
    await mergeRows(world, 'leads', { winner: ids[0] ?? '', loser: ids[1] ?? '' });
    await world.settled();
    expect(await linkOfRow(ids[0] ?? '')).toMatchObject({ status: 'linked', marketoId: marketoIds[0] });
  });

  it.each([
    ['deleted', (id: number) => world.doors.deletePerson(id)],
    ['given another e-mail', (id: number) => world.doors.editPerson(id, { email: newEmail() })],
  ])('when its other person is %s', async (_what, leave) => {
    const { marketoIds, ids } = await group(1, 2);
    await leave(marketoIds[1] ?? 0);
    await world.settled();
    expect(await linkOfRow(ids[0] ?? '')).toMatchObject({ status: 'linked', marketoId: marketoIds[0] });
  });

  it('when its two persons are merged', async () => {
    const { marketoIds, ids } = await group(1, 2);
    await mergePersons(world, marketoIds[0] ?? 0, [marketoIds[1] ?? 0]);
    await world.settled();
    expect(await linkOfRow(ids[0] ?? '')).toMatchObject({ status: 'linked', marketoId: marketoIds[0] });
  });

  it('when somebody types the id of the row on one of its persons', async () => {
    const { marketoIds, ids } = await group(1, 2);
    await world.doors.editPerson(marketoIds[1] ?? 0, { dynamicsId: ids[0] ?? '' });
    await world.settled();
    expect(await linkOfRow(ids[0] ?? '')).toMatchObject({ status: 'linked', marketoId: marketoIds[1] });
  });
});

describe('An ambiguous group is listed', () => {
  it('with all candidates of both sides, why, and what may be decided, by any record of it', async () => {
    const { email, marketoIds, ids } = await group(2, 2);
    const listed = await groupOf(ids[0] ?? '');
    expect(listed).toMatchObject({
      why: 'same-email',
      email,
      decisions: { link: 'candidates', separate: true },
    });
    expect(listed.rows.map(({ dynamicsId, status }) => [dynamicsId, status]).sort()).toEqual(
      ids.map((id) => [id, 'ambiguous']).sort(),
    );
    expect(listed.persons.map(({ marketoId, status }) => [marketoId, status])).toEqual(
      marketoIds.map((id) => [id, 'free']),
    );
    expect(await listGroups(world.db, { marketoId: marketoIds[1] ?? 0 })).toEqual([listed]);
    expect(await listGroups(world.db)).toContainEqual(listed);
  });
});

describe('A decision to link', () => {
  it('makes a pair that is merged like any first link, and leaves the rest to be matched', async () => {
    const email = newEmail();
    const [first = 0, second = 0] = await persons(email, 2, { title: 'Chief', unsubscribed: true });
    const [one = '', two = ''] = await leads(email, 2, { address1_city: 'Oslo' });
    await world.settled();
    await decideLink(world.db, { dynamicsId: one }, { marketoId: second, dynamicsId: one }, decider());
    await world.settled();
    expect(await linkOfRow(one)).toMatchObject({ status: 'linked', marketoId: second });
    expect(await world.row('leads', one)).toMatchObject({ jobtitle: 'Chief', donotbulkemail: true });
    expect(await world.person(second)).toMatchObject({ city: 'Oslo', dynamicsId: one, unsubscribed: true });
    // One row and one person are left.
    expect(await linkOfRow(two)).toMatchObject({ status: 'linked', marketoId: first });
    const [explained] = await explainRecord(world.db, { marketoId: second });
    expect(renderWhy(explained === undefined ? [] : [explained], false, false)).toMatch(
      new RegExp(`decided by ana, \\S+Z: the row was linked with person ${String(second)}`),
    );
  });

  it('does not make the rest ambiguous again: a person that is left over stays free, a row gets its own', async () => {
    const made = await group(1, 2);
    const [id = ''] = made.ids;
    await decideLink(
      world.db,
      { dynamicsId: id },
      { marketoId: made.marketoIds[0] ?? 0, dynamicsId: id },
      decider(),
    );
    await world.settled();
    expect(await listGroups(world.db, { marketoId: made.marketoIds[1] ?? 0 })).toEqual([]);
    const fresh = await personsSince(world);
    const other = await group(2, 1);
    const [one = '', two = ''] = other.ids;
    await decideLink(
      world.db,
      { dynamicsId: one },
      { marketoId: other.marketoIds[0] ?? 0, dynamicsId: one },
      decider(),
    );
    await world.settled();
    const own = (await fresh()).filter((each) => !other.marketoIds.includes(each));
    expect(await linkOfRow(two)).toMatchObject({ status: 'linked', marketoId: own[0] });
  });

  it('in the middle of a cycle loses nothing', async () => {
    const { marketoIds, ids } = await group(1, 2);
    const [id = ''] = ids;
    await world.doors.editRow('leads', id, { jobtitle: 'Boss' });
    const pair = { marketoId: marketoIds[0] ?? 0, dynamicsId: id };
    await world.cycle({
      fetched: () => decideLink(world.db, { dynamicsId: id }, pair, decider()).then(() => undefined),
    });
    await world.settled();
    expect(await linkOfRow(id)).toMatchObject({ status: 'linked', marketoId: pair.marketoId });
    expect(await world.person(pair.marketoId)).toMatchObject({ title: 'Boss' });
  });

  it('is refused when the person has a row by now, and when it is no candidate', async () => {
    const { marketoIds, ids } = await group(1, 2);
    const [id = ''] = ids;
    const [first = 0] = marketoIds;
    await world.db
      .insertInto('links')
      .values({
        ...{ kind: 'contact', status: 'linked', marketo_id: first, dynamics_id: randomUUID() },
        ...{ dirty: false },
      } as never)
      .execute();
    const linking = (marketoId: number) =>
      decideLink(world.db, { dynamicsId: id }, { marketoId, dynamicsId: id }, decider());
    await expect(linking(first)).rejects.toThrow(/belongs to contact .* by now \(linked\)/);
    await expect(linking(99_999)).rejects.toThrow('Person 99999 is no candidate of this group.');
    expect((await linkOfRow(id)).status).toBe('ambiguous');
    await world.db.deleteFrom('links').where('marketo_id', '=', first).execute();
    await linking(first);
    await expect(linking(first)).rejects.toThrow(
      `is not ambiguous: its lead is linked, with person ${String(first)}`,
    );
  });

  it('waits for whoever matches the same e-mail', async () => {
    const { email, marketoIds, ids } = await group(1, 2);
    const [id = ''] = ids;
    const holder = randomUUID();
    await claimEmails(world.db, [email], holder, 60_000);
    let isDone = false;
    const decided = decideLink(
      world.db,
      { dynamicsId: id },
      { marketoId: marketoIds[0] ?? 0, dynamicsId: id },
      decider(),
    ).then(() => (isDone = true));
    await world.cycle();
    expect(isDone).toBe(false);
    await releaseEmails(world.db, holder);
    await decided;
    expect(await linkOfRow(id)).toMatchObject({ status: 'linked' });
  });
});

describe('A decision to separate', () => {
  it('gives each row a person of its own, and does not let the group form again', async () => {
    const { email, marketoIds, ids } = await group(2, 1);
    await decideSeparate(world.db, { marketoId: marketoIds[0] ?? 0 }, decider());
    await world.settled();
    for (const id of ids) {
      const link = await linkOfRow(id);
      expect(link.status).toBe('linked');
      expect(marketoIds).not.toContain(link.marketoId);
    }
    await world.doors.editPerson(marketoIds[0] ?? 0, { email: newEmail() });
    await world.doors.editPerson(marketoIds[0] ?? 0, { email });
    await world.settled();
    expect(await listGroups(world.db, { marketoId: marketoIds[0] ?? 0 })).toEqual([]);
  });

  it('opens the question again for a row without a person when somebody joins', async () => {
    const { email, ids } = await group(1, 2);
    await decideSeparate(world.db, { dynamicsId: ids[0] ?? '' }, decider());
    const [third = 0] = await persons(email, 1);
    await world.settled();
    expect(await linkOfRow(ids[0] ?? '')).toMatchObject({ status: 'ambiguous' });
    expect((await groupOf(ids[0] ?? '')).persons.map(({ marketoId }) => marketoId)).toContain(third);
  });

  it('lets "Sync Person to Dynamics" make a row of its own for the person', async () => {
    const { marketoIds, ids } = await group(1, 2);
    await decideSeparate(world.db, { dynamicsId: ids[0] ?? '' }, decider());
    expect(await world.request(marketoIds[0] ?? 0)).toMatchObject({ outcome: 'created' });
    await world.settled();
    expect((await linkOfRow(ids[0] ?? '')).marketoId).not.toBe(marketoIds[0]);
  });

  it('gives a person back the id of its own row, where another row carried it', async () => {
    const [own = ''] = await leads(newEmail(), 1);
    await world.settled();
    const marketoId = (await linkOfRow(own)).marketoId ?? 0;
    const other = randomUUID();
    await world.doors.editPerson(marketoId, { dynamicsId: other });
    await world.doors.createRows('leads', [{ leadid: other, lastname: 'Ito', emailaddress1: newEmail() }]);
    await world.settled();
    expect(await groupOf(other)).toMatchObject({
      why: 'key-held',
      decisions: { link: 'nobody', separate: true },
    });
    const pair = { marketoId, dynamicsId: other };
    await expect(decideLink(world.db, { dynamicsId: other }, pair, decider())).rejects.toThrow(
      "The person that carries this row's id belongs to another row",
    );
    await decideSeparate(world.db, { dynamicsId: other }, decider());
    await world.settled();
    expect(await world.person(marketoId)).toMatchObject({ dynamicsId: own, lastName: 'Ruiz' });
    const link = await linkOfRow(other);
    expect(link.status).toBe('linked');
    expect(link.marketoId).not.toBe(marketoId);
  });

  it('ends the pair of a lead that was qualified into a contact of another person', async () => {
    const [lead = ''] = await leads(newEmail(), 1);
    const [contact = ''] = await world.doors.createRows('contacts', [
      { lastname: 'Ito', emailaddress1: newEmail() },
    ]);
    await world.settled();
    const marketoId = (await linkOfRow(lead)).marketoId ?? 0;
    const kept = (await linkOfRow(contact)).marketoId;
    await qualify(world, lead, contact);
    await world.settled();
    expect(await groupOf(lead)).toMatchObject({
      why: 'qualified',
      decisions: { link: 'nobody', separate: true },
    });
    await decideSeparate(world.db, { dynamicsId: lead }, decider());
    await world.settled();
    expect(await linkOfRow(lead)).toMatchObject({ status: 'excluded', marketoId: null });
    expect(await linkOfRow(contact)).toMatchObject({ status: 'linked', marketoId: kept });
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'created' });
    await world.settled();
  });
});

describe('An e-mail that Marketo cannot be asked for', () => {
  it('with a comma makes no twin: the row is set aside with the reason, until the address is mended', async () => {
    const email = newEmail();
    const fresh = await personsSince(world);
    const [id = ''] = await leads(`x${email},y${email}`, 1);
    await world.settled();
    expect(await linkOfRow(id)).toMatchObject({ status: 'ambiguous', ambiguity: 'comma', dirty: false });
    expect(await fresh()).toEqual([]);
    const [marketoId] = await persons(email, 1);
    await world.doors.editRow('leads', id, { emailaddress1: email });
    await world.settled();
    expect(await linkOfRow(id)).toMatchObject({ status: 'linked', marketoId });
  });

  it('with a comma finds the person that carries the key of the row', async () => {
    const id = randomUUID();
    const [marketoId] = await persons(newEmail(), 1, { dynamicsId: id });
    await leads(`a,${newEmail()}`, 1, { leadid: id });
    await world.settled();
    expect(await linkOfRow(id)).toMatchObject({ status: 'linked', marketoId });
  });

  it('with a comma is given a person of its own, or the one that is named, by decision', async () => {
    const [one = '', two = ''] = [
      ...(await leads(`a,${newEmail()}`, 1)),
      ...(await leads(`b,${newEmail()}`, 1)),
    ];
    const [marketoId = 0] = await persons(newEmail(), 1);
    await world.settled();
    await decideSeparate(world.db, { dynamicsId: one }, decider());
    await decideLink(world.db, { dynamicsId: two }, { marketoId, dynamicsId: two }, decider());
    await world.settled();
    expect((await linkOfRow(one)).status).toBe('linked');
    expect(await linkOfRow(two)).toMatchObject({ status: 'linked', marketoId });
  });

  it('of more than 1,000 persons keeps nobody else from being matched, in a bounded number of calls', async () => {
    const crowd = newEmail();
    for (let made = 0; made < 1_001; made += 300) await persons(crowd, Math.min(300, 1_001 - made));
    const others = Array.from({ length: 60 }, newEmail);
    const theirs = await world.doors.createPersons(others.map((email) => ({ email, lastName: 'Ito' })));
    const rows = await world.doors.createRows(
      'leads',
      [...others, crowd].map((emailaddress1) => ({ lastname: 'Ito', emailaddress1 })),
    );
    const fresh = await personsSince(world);
    await world.calls();
    await world.settled();
    const { marketo } = await world.calls();
    const linked = new Map((await world.links()).map((link) => [link.dynamicsId, link]));
    expect(others.map((_, index) => linked.get(rows[index] ?? '')?.marketoId)).toEqual(theirs);
    expect(linked.get(rows.at(-1) ?? '')).toMatchObject({ status: 'ambiguous', ambiguity: 'too-many' });
    expect(await fresh()).toEqual([]);
    // Two calls for each halving of 61 addresses, and a few for keys, rereads and settling.
    expect(marketo['GET /rest/v1/leads.json'] ?? 0).toBeLessThan(24);
    const [someone] = await persons(crowd, 1);
    expect(await world.request(someone ?? 0)).toMatchObject({ outcome: 'ambiguous' });
  });

  it('is compared without regard to case and outer blanks', async () => {
    const email = newEmail();
    const [marketoId] = await persons(email.toUpperCase(), 1);
    const [id = ''] = await leads(`  ${email.replace('example', 'Example')} `, 1);
    await world.settled();
    expect(await linkOfRow(id)).toMatchObject({ status: 'linked', marketoId });
  });
});

describe('E-mails of linked pairs', () => {
  const two = async () => {
    const emails = [newEmail(), newEmail()] as const;
    const ids = [...(await leads(emails[0], 1)), ...(await leads(emails[1], 1))];
    await world.settled();
    const links = await Promise.all(ids.map(linkOfRow));
    return { emails, ids, marketoIds: links.map(({ marketoId }) => marketoId ?? 0) };
  };

  const expectLinked = async (ids: readonly string[], marketoIds: readonly number[]): Promise<void> => {
    for (const [index, id] of ids.entries())
      expect(await linkOfRow(id)).toMatchObject({ status: 'linked', marketoId: marketoIds[index] });
  };

  it.each(['marketo', 'dynamics', 'both'] as const)(
    'that are swapped in %s between two cycles keep both links',
    async (side) => {
      const { emails, ids, marketoIds } = await two();
      for (const [index, email] of [emails[1], emails[0]].entries()) {
        if (side !== 'dynamics') await world.doors.editPerson(marketoIds[index] ?? 0, { email });
        if (side !== 'marketo')
          await world.doors.editRow('leads', ids[index] ?? '', { emailaddress1: email });
      }
      await world.settled();
      await expectLinked(ids, marketoIds);
      expect(await world.row('leads', ids[0] ?? '')).toMatchObject({ emailaddress1: emails[1] });
      expect(await world.person(marketoIds[1] ?? 0)).toMatchObject({ email: emails[0] });
    },
  );

  it('that are changed keep the link, also when a newcomer takes the old address at the same time', async () => {
    const { emails, ids, marketoIds } = await two();
    await world.doors.editRow('leads', ids[0] ?? '', { emailaddress1: newEmail() });
    const [other = ''] = await leads(emails[0], 1);
    await world.settled();
    await expectLinked(ids, marketoIds);
    expect(marketoIds).not.toContain((await linkOfRow(other)).marketoId);
  });
});

describe('The same person', () => {
  it('twice in one batch of Dynamics gets one person each, and never one between them', async () => {
    const fresh = await personsSince(world);
    const ids = await leads(newEmail(), 2);
    await world.settled();
    const links = await Promise.all(ids.map(linkOfRow));
    expect(new Set(links.map(({ marketoId }) => marketoId)).size).toBe(2);
    expect(await fresh()).toHaveLength(2);
  });

  it('made on both sides at once is one pair', async () => {
    const email = newEmail();
    const [id = ''] = await leads(email, 1);
    let marketoId: number | undefined;
    await world.cycle({
      fetched: async () => {
        [marketoId] = await persons(email, 1);
      },
    });
    await world.settled();
    expect(await linkOfRow(id)).toMatchObject({ status: 'linked', marketoId });
  });

  it('inactive in Dynamics is matched like any other', async () => {
    const email = newEmail();
    const [marketoId] = await persons(email, 1);
    const [contact = ''] = await world.doors.createRows('contacts', [
      { lastname: 'Ruiz', emailaddress1: email, statecode: 1, statuscode: 2 },
    ]);
    const disqualified = newEmail();
    const [lead = ''] = await leads(disqualified, 1, { statecode: 2, statuscode: 4 });
    await world.settled();
    expect(await linkOfRow(contact)).toMatchObject({ status: 'linked', marketoId });
    expect((await linkOfRow(lead)).status).toBe('linked');
  });
});
