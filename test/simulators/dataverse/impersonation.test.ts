import { describe, expect, it } from 'vitest';
import { people } from '../../../simulators/dataverse/rights/people.js';
import { id, part, startSim, type Sim } from './client.js';

const { sales, sync } = people;
const leads = [{ leadid: id(1), lastname: 'Lee' }];
const asMaya = { CallerObjectId: sales.objectId };

const allowed = async (): Promise<Sim> => {
  const sim = await startSim({ leads });
  await sim.admin('PATCH', '/settings', { withheldPrivileges: [] });
  return sim;
};

describe('The application user', () => {
  it.each([
    ['missing', '0x80072560'],
    ['disabled', '0x80040225'],
  ])('that is %s is refused, though its token is good', async (applicationUser, code) => {
    const sim = await startSim();
    await sim.admin('PATCH', '/settings', { applicationUser });
    expect(await sim.api('GET', 'WhoAmI')).toMatchObject({ status: 403, code });
    await sim.admin('PATCH', '/settings', { applicationUser: 'enabled' });
    expect((await sim.api('GET', 'WhoAmI')).status).toBe(200);
  });
});

describe('Acting as another user', () => {
  it('needs the privilege for it', async () => {
    const sim = await startSim({ leads });
    const answer = await sim.api('POST', 'leads', { lastname: 'X' }, asMaya);
    expect(answer).toMatchObject({ status: 403, code: '0x8004a110' });
    expect((await sim.admin('GET', '/stats')).json).toMatchObject({ leads: 1 });
  });

  it.each([
    ['CallerObjectId', sales.objectId],
    ['MSCRMCallerID', sales.id],
  ])('by %s writes in the name of that user, and tells who really did', async (header, value) => {
    const sim = await allowed();
    const headers = { [header]: value, Prefer: 'return=representation' };
    const { json } = await sim.api('POST', 'leads', { lastname: 'X' }, headers);
    expect(json).toMatchObject({
      _createdby_value: sales.id,
      _modifiedby_value: sales.id,
      _createdonbehalfby_value: sync.id,
      _ownerid_value: sales.id,
    });
    expect((await sim.api('GET', 'WhoAmI', undefined, { [header]: value })).json['UserId']).toBe(sales.id);
  });

  it('ends with the request, and goes part by part in a batch', async () => {
    const sim = await allowed();
    const { parts } = await sim.batch([
      part('PATCH', `leads(${id(1)})`, { jobtitle: 'A' }, asMaya),
      part('GET', 'WhoAmI'),
    ]);
    expect(parts[1]?.text).toContain(sync.id);
    const row = (await sim.api('GET', `leads(${id(1)})`)).json;
    expect(row).toMatchObject({ _modifiedby_value: sales.id, _modifiedonbehalfby_value: sync.id });
    await sim.api('PATCH', `leads(${id(1)})`, { jobtitle: 'B' });
    expect((await sim.api('GET', `leads(${id(1)})`)).json).toMatchObject({
      _modifiedby_value: sync.id,
      _modifiedonbehalfby_value: null,
    });
  });

  it('refuses somebody who is not there', async () => {
    const sim = await allowed();
    const answer = await sim.api('GET', 'WhoAmI', undefined, { MSCRMCallerID: id(77) });
    expect(answer).toMatchObject({ status: 403, code: '0x80072560' });
  });
});
