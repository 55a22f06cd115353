import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newEmail, recordsIn } from '../support/groups.js';
import { personsSince } from '../support/succession.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const { persons, leads, linkOfRow } = recordsIn(() => world);

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
