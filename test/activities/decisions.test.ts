import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decideLink, decideSeparate } from '../../client/resolve/decide.js';
import { listGroups } from '../../client/resolve/groups.js';
import { explainRecord } from '../../client/why/read.js';
import { renderWhy } from '../../client/why/render.js';
import { claimEmails, releaseEmails } from '../../store/claims.js';
import { decider, newEmail, recordsIn } from '../support/groups.js';
import { personsSince, qualify } from '../support/succession.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const { persons, leads, linkOfRow, group, groupOf } = recordsIn(() => world);

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

  it('for a person that is gone by then leaves the row to the candidate that is left', async () => {
    const { marketoIds, ids } = await group(1, 2);
    const [dynamicsId = ''] = ids;
    const [gone = 0, left = 0] = marketoIds;
    await world.doors.deletePerson(gone);
    await decideLink(world.db, { dynamicsId }, { marketoId: gone, dynamicsId }, decider());
    await world.settled();
    expect(await linkOfRow(dynamicsId)).toMatchObject({ status: 'linked', marketoId: left });
    expect(await world.person(left)).toMatchObject({ dynamicsId });
  });

  it('for a person that never was opens the question again', async () => {
    const [dynamicsId = ''] = await leads(`ruiz,${newEmail()}`, 1);
    await world.settled();
    await decideLink(world.db, { dynamicsId }, { marketoId: 99_999, dynamicsId }, decider());
    await world.settled();
    expect(await linkOfRow(dynamicsId)).toMatchObject({ status: 'ambiguous', ambiguity: 'comma' });
    await decideSeparate(world.db, { dynamicsId }, decider());
    await world.settled();
    expect(await linkOfRow(dynamicsId)).toMatchObject({ status: 'linked' });
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

  it('says nothing of another address that the person has by then: a duplicate of that is refused', async () => {
    const { marketoIds, ids } = await group(1, 2);
    await decideSeparate(world.db, { dynamicsId: ids[0] ?? '' }, decider());
    const email = newEmail();
    await leads(email, 1);
    await world.settled();
    await world.doors.editPerson(marketoIds[0] ?? 0, { email });
    expect(await world.request(marketoIds[0] ?? 0)).toMatchObject({ outcome: 'refused' });
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

  it('ends the pairs of two leads of one e-mail at once, by the contact into which both were qualified', async () => {
    const [contact = ''] = await world.doors.createRows('contacts', [
      { lastname: 'Ito', emailaddress1: newEmail() },
    ]);
    const [[first = ''], [second = '']] = [await leads(newEmail(), 1), await leads(newEmail(), 1)];
    await world.settled();
    for (const lead of [first, second]) await qualify(world, lead, contact);
    await world.settled();
    const { emailKey } = await linkOfRow(first);
    await world.db
      .updateTable('links')
      .set({ email_key: emailKey })
      .where('dynamics_id', '=', second)
      .execute();
    const { rows } = await decideSeparate(world.db, { dynamicsId: contact }, decider());
    expect(new Set(rows)).toEqual(new Set([first, second]));
    for (const lead of [first, second])
      expect(await linkOfRow(lead)).toMatchObject({ status: 'excluded', marketoId: null });
  });
});
