import { describe, expect, it } from 'vitest';
import { people } from '../../../simulators/dataverse/rights/people.js';
import { id, startSim, type Sim } from './client.js';

const { sync, sales, branch, head } = people;
const owners = [sync, sales, branch, head];
/** Row n belongs to the n-th owner: the sync user, its unit, the branch below it, the head office above it. */
const leads = owners.map((owner, index) => ({
  leadid: id(index + 1),
  lastname: `L${index + 1}`,
  ownerid: owner.id,
}));
const contacts = [{ contactid: id(9), lastname: 'C' }];
const onlyOld = { 'If-Match': '*' };

const withRights = async (lead: Record<string, unknown>): Promise<Sim> => {
  const sim = await startSim({ leads, contacts });
  await sim.admin('PATCH', '/privileges', { lead });
  return sim;
};

const seen = async (sim: Sim): Promise<unknown[]> =>
  (await sim.api('GET', 'leads?$select=lastname&$orderby=lastname')).rows.map((row) => row['lastname']);

describe('The depth of a privilege', () => {
  it.each([
    ['Basic', ['L1']],
    ['Local', ['L1', 'L2']],
    ['Deep', ['L1', 'L2', 'L3']],
    ['Global', ['L1', 'L2', 'L3', 'L4']],
  ])('%s shows the rows of the owners that it reaches', async (read, expected) => {
    const sim = await withRights({ read });
    expect(await seen(sim)).toEqual(expected);
    expect((await sim.api('GET', 'leads/$count')).text).toBe(String(expected.length));
    const count = await sim.api('GET', 'leads?$select=lastname&$count=true');
    expect(count.json['@odata.count']).toBe(expected.length);
  });

  it('refuses a single row beyond it in words that name who, what and which', async () => {
    const sim = await withRights({ read: 'Local' });
    const answer = await sim.api('GET', `leads(${id(4)})`);
    expect(answer).toMatchObject({ status: 403, code: '0x80048306' });
    expect(answer.message).toBe(
      `Principal with id ${sync.id} does not have ReadAccess right(s) for record with id ${id(4)} of entity lead.`,
    );
    expect((await sim.api('GET', `leads(${id(2)})`)).status).toBe(200);
  });

  it('goes for writing and deleting on its own', async () => {
    const sim = await withRights({ write: 'Basic', delete: 'Deep' });
    const write = (n: number) => sim.api('PATCH', `leads(${id(n)})`, { jobtitle: 'x' }, onlyOld);
    expect((await write(1)).status).toBe(204);
    const refused = await write(2);
    expect(refused).toMatchObject({ status: 403, code: '0x80048306' });
    expect(refused.message).toContain('does not have WriteAccess right(s)');
    expect((await sim.api('DELETE', `leads(${id(3)})`)).status).toBe(204);
    expect((await sim.api('DELETE', `leads(${id(4)})`)).code).toBe('0x80048306');
  });

  it('is not enough for change tracking unless it is Global', async () => {
    const sim = await withRights({ read: 'Deep' });
    const answer = await sim.api('GET', 'leads?$select=lastname', undefined, {
      Prefer: 'odata.track-changes',
    });
    expect(answer.status).toBe(403);
    expect(answer.message).toMatch(/^SecLib::CheckPrivilege failed.*prvReadLead.*Required Depth: Global/);
  });
});

describe('Lookups', () => {
  const bind = { 'parentcontactid@odata.bind': `/contacts(${id(9)})` };

  it.each([
    ['Append on the row', { lead: { append: false } }, 'prvAppendLead'],
    ['AppendTo on what they point at', { contact: { appendTo: false } }, 'prvAppendToContact'],
  ])('need %s', async (_what, patch, name) => {
    const sim = await startSim({ leads, contacts });
    await sim.admin('PATCH', '/privileges', patch);
    const answer = await sim.api('PATCH', `leads(${id(1)})`, bind, onlyOld);
    expect(answer).toMatchObject({ status: 403, code: '0x80040220' });
    expect(answer.message).toContain(name);
    expect((await sim.api('PATCH', `leads(${id(1)})`, { jobtitle: 'x' }, onlyOld)).status).toBe(204);
  });

  it('to another owner need Assign', async () => {
    const sim = await withRights({ assign: false });
    const owner = { 'ownerid@odata.bind': `/systemusers(${sales.id})` };
    const answer = await sim.api('PATCH', `leads(${id(1)})`, owner, onlyOld);
    expect(answer).toMatchObject({ status: 403, code: '0x80040220' });
    expect(answer.message).toContain('prvAssignLead');
  });
});

describe('RetrievePrincipalAccess', () => {
  const ask = async (sim: Sim, n: number): Promise<unknown> => {
    const target = encodeURIComponent(`{'@odata.id':'leads(${id(n)})'}`);
    const call = `systemusers(${sync.id})/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@p1)?@p1=${target}`;
    return (await sim.api('GET', call)).json['AccessRights'];
  };

  it('lists what may be done with one row', async () => {
    const sim = await withRights({ read: 'Local', write: 'Basic', delete: false });
    expect(await ask(sim, 1)).toBe(
      'ReadAccess, WriteAccess, AppendAccess, AppendToAccess, AssignAccess, ShareAccess',
    );
    expect(await ask(sim, 2)).toBe('ReadAccess, AppendAccess, AppendToAccess, AssignAccess, ShareAccess');
    const none = Object.fromEntries(
      ['create', 'write', 'delete', 'append', 'appendTo', 'assign', 'share'].map((name) => [name, 'Basic']),
    );
    await sim.admin('PATCH', '/privileges', { lead: { ...none, read: 'Basic' } });
    expect(await ask(sim, 4)).toBe('None');
  });
});

describe('Rights and settings', () => {
  it('outlive a restart', async () => {
    const sim = await withRights({ read: 'Deep', append: false });
    await sim.admin('PATCH', '/settings', { userLanguage: 1031, untrackedTables: ['contact'] });
    const again = await startSim({ state: sim.state() });
    expect(await seen(again)).toEqual(['L1', 'L2', 'L3']);
    expect((await again.admin('GET', '/privileges')).json['lead']).toMatchObject({ append: false });
    expect((await again.admin('GET', '/settings')).json).toMatchObject({
      userLanguage: 1031,
      untrackedTables: ['contact'],
    });
  });
});
