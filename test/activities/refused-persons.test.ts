import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { releaseRecord } from '../../client/hold/hold.js';
import type { Link } from '../../rules/link.js';
import { newEmail } from '../support/groups.js';
import { trialsFallDue } from '../support/rejections.js';
import { startScopedWorld } from '../support/scope.js';
import { pairsIn } from '../support/scoped-pairs.js';
import type { World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startScopedWorld();
});
afterEach(async () => {
  await world.faultsStruck();
  await world.setting('marketo', { badRecords: [] });
});
afterAll(() => world.close());

const { linkOfRow, hold } = pairsIn(() => world);

const VALUES = { lastname: 'Ito', jobtitle: 'CEO' };

/** A row whose person Marketo refuses as long as the row's id is on its list. */
const refusedRow = async () => {
  const leadid = randomUUID();
  const email = newEmail();
  await world.setting('marketo', { badRecords: [{ field: 'dynamicsId', contains: leadid, code: '1003' }] });
  await world.doors.createRows('leads', [{ leadid, ...VALUES, emailaddress1: email }]);
  await world.settled();
  const link = await linkOfRow(leadid);
  expect(link).toMatchObject({ status: 'unmatched', creation: null });
  await world.setting('marketo', { badRecords: [] });
  return { leadid, email, parked: link.parked };
};

const expectParked = async (leadid: string, parked: Link['parked']): Promise<void> => {
  expect(await linkOfRow(leadid)).toMatchObject({ status: 'unmatched', dirty: false, parked });
};

const expectWhole = async (leadid: string, email: string): Promise<void> => {
  const { marketoId, parked } = await linkOfRow(leadid);
  expect(parked).toEqual({});
  expect(await world.person(marketoId ?? 0)).toMatchObject({ email, lastName: 'Ito', title: 'CEO' });
};

describe('A person that Marketo refused as a whole is not made of what is left over', () => {
  it('when another row of its e-mail comes, which gets its own', async () => {
    const { leadid, email, parked } = await refusedRow();
    const [other = ''] = await world.doors.createRows('leads', [{ ...VALUES, emailaddress1: email }]);
    await world.settled();
    await expectParked(leadid, parked);
    expect(await linkOfRow(other)).toMatchObject({ status: 'linked' });
  });

  it('when a hold on its row ends, and is made whole once a trial goes through', async () => {
    const { leadid, email, parked } = await refusedRow();
    await hold({ dynamicsId: leadid });
    await world.settled();
    await releaseRecord(world.db, { dynamicsId: leadid });
    await world.settled();
    await expectParked(leadid, parked);
    await trialsFallDue(world.db);
    await world.settled();
    await expectWhole(leadid, email);
  });

  it('when its row is let in again, and a person that is there by then gets the row', async () => {
    const { leadid, email, parked } = await refusedRow();
    await world.doors.editRow('leads', leadid, { new_synctomkto: false });
    await world.settled();
    await world.doors.editRow('leads', leadid, { new_synctomkto: true });
    await world.settled();
    await expectParked(leadid, parked);
    const [marketoId = 0] = await world.doors.createPersons([{ email, lastName: 'Ito' }]);
    expect(await world.request(marketoId)).toMatchObject({ outcome: 'linked', dynamicsId: leadid });
    await world.settled();
    await expectWhole(leadid, email);
    expect((await world.duplicates()).filter((each) => each.includes(email))).toEqual([]);
  });
});
