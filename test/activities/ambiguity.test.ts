import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decideLink, decideSeparate } from '../../client/resolve/decide.js';
import { listGroups } from '../../client/resolve/groups.js';
import { decider, newEmail, recordsIn } from '../support/groups.js';
import { mergePersons, mergeRows, personsSince, qualify } from '../support/succession.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const { persons, leads, linkOfRow, group, groupOf } = recordsIn(() => world);

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

  it('of more than 1,000 persons is asked for again every hour, because nothing tells when they are fewer', async () => {
    const crowd = newEmail();
    const [marketoId = 0] = await persons(crowd, 1);
    const { marketo } = world.ports;
    const asking = { ...marketo };
    let asked = 0;
    const readPersons: typeof marketo.readPersons = async (query, signal) => {
      const { persons: found, unaskable } = await asking.readPersons(query, signal);
      if (query.by !== 'email' || !query.values.includes(crowd)) return { persons: found, unaskable };
      asked += 1;
      return { persons: [], unaskable: [{ value: crowd, because: 'tooMany' }] };
    };
    Object.assign(marketo, { readPersons });
    const [id = ''] = await leads(crowd, 1);
    await world.settled();
    await world.cycle();
    expect([asked, (await linkOfRow(id)).ambiguity]).toEqual([1, 'too-many']);
    Object.assign(marketo, asking);
    await world.db
      .updateTable('links')
      .set({ updated_at: sql`updated_at - interval '1 hour'` })
      .execute();
    await world.settled();
    expect(await linkOfRow(id)).toMatchObject({ status: 'linked', marketoId });
  });

  it('is compared without regard to case and outer blanks', async () => {
    const email = newEmail();
    const [marketoId] = await persons(email.toUpperCase(), 1);
    const [id = ''] = await leads(`  ${email.replace('example', 'Example')} `, 1);
    await world.settled();
    expect(await linkOfRow(id)).toMatchObject({ status: 'linked', marketoId });
  });
});
