import { describe, expect, it } from 'vitest';
import { id, startSim, type Sim } from './client.js';

const leads = [{ leadid: id(1), lastname: 'Lee', new_creditrating: 'AAA' }];
const path = `leads(${id(1)})`;
const onlyOld = { 'If-Match': '*' };

const rights = async (sim: Sim): Promise<Record<string, unknown>[]> => {
  const me = String((await sim.api('GET', 'WhoAmI')).json['UserId']);
  const call = `systemusers(${me})/Microsoft.Dynamics.CRM.RetrievePrincipalAttributePrivileges()`;
  return (await sim.api('GET', call)).json['AttributePrivileges'] as Record<string, unknown>[];
};

describe('Column security', () => {
  it('reads an unreadable column as null without any marker, though it has a value', async () => {
    const sim = await startSim({ leads });
    const { json } = await sim.api('GET', `${path}?$select=new_creditrating`);
    expect(Object.keys(json).sort()).toEqual(['@odata.context', '@odata.etag', 'leadid', 'new_creditrating']);
    expect(json['new_creditrating']).toBeNull();
    const stored = (await sim.admin('GET', `/rows/leads/${id(1)}`)).json['row'];
    expect(stored).toMatchObject({ new_creditrating: 'AAA' });
  });

  it('refuses the whole write with a code for each way', async () => {
    const sim = await startSim({ leads });
    const update = await sim.api('PATCH', path, { firstname: 'Kim', new_creditrating: 'B' }, onlyOld);
    expect(update).toMatchObject({ status: 403, code: '0x8004f507' });
    expect(update.message).toMatch(/does not have update permissions to a Credit Rating secured field/);
    const create = await sim.api('POST', 'leads', { lastname: 'X', new_creditrating: 'B' });
    expect(create).toMatchObject({ status: 403, code: '0x8004f502' });
    expect((await sim.api('GET', path)).json['firstname']).toBeNull();
  });

  it('may not be asked about in a filter', async () => {
    const sim = await startSim({ leads });
    const answer = await sim.api('GET', "leads?$filter=new_creditrating eq 'AAA'");
    expect(answer).toMatchObject({ status: 403, code: '0x8004f506' });
  });

  it('opens and closes as an administrator says, and tells the rights by metadata id', async () => {
    const sim = await startSim({ leads });
    expect(await rights(sim)).toEqual([]);
    await sim.admin('PATCH', '/columns/lead/new_creditrating', { canRead: true, canUpdate: true });
    const list = await sim.api(
      'GET',
      "EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='new_creditrating')",
    );
    expect(await rights(sim)).toEqual([
      { AttributeId: list.json['MetadataId'], CanRead: 4, CanCreate: 0, CanUpdate: 4, CanReadUnmasked: 0 },
    ]);
    expect((await sim.api('PATCH', path, { new_creditrating: 'B' }, onlyOld)).status).toBe(204);
    expect((await sim.api('GET', path)).json['new_creditrating']).toBe('B');
    await sim.admin('PATCH', '/columns/lead/jobtitle', { secured: true, canRead: false });
    expect((await sim.api('GET', path)).json['jobtitle']).toBeNull();
  });
});

describe('Table privileges', () => {
  it.each([
    ['read', { read: 'None' }, 'GET', 'leads', undefined, 'prvReadLead'],
    ['create', { create: false }, 'POST', 'leads', { lastname: 'X' }, 'prvCreateLead'],
    ['write', { write: false }, 'PATCH', path, { lastname: 'X' }, 'prvWriteLead'],
    ['delete', { delete: false }, 'DELETE', path, undefined, 'prvDeleteLead'],
  ])('are needed to %s', async (_right, lead, method, where, body, name) => {
    const sim = await startSim({ leads });
    await sim.admin('PATCH', '/privileges', { lead });
    const answer = await sim.api(method, where, body);
    expect(answer).toMatchObject({ status: 403, code: '0x80040220' });
    expect(answer.message).toContain(`is missing ${name} privilege`);
    expect((await sim.api('GET', 'contacts?$select=lastname')).status).toBe(200);
  });

  it('are listed with their depth', async () => {
    const sim = await startSim();
    await sim.admin('PATCH', '/privileges', { lead: { read: 'Local', create: false } });
    const me = String((await sim.api('GET', 'WhoAmI')).json['UserId']);
    const { json } = await sim.api(
      'GET',
      `systemusers(${me})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()`,
    );
    const held = json['RolePrivileges'] as Record<string, unknown>[];
    const depth = (name: string): unknown => held.find((one) => one['PrivilegeName'] === name)?.['Depth'];
    expect([depth('prvReadLead'), depth('prvReadContact'), depth('prvCreateLead')]).toEqual([
      'Local',
      'Global',
      undefined,
    ]);
    const names = await sim.api('GET', 'privileges?$select=name,privilegeid');
    const known = new Map(names.rows.map((row) => [row['privilegeid'], row['name']]));
    expect(held.map((one) => known.get(one['PrivilegeId']))).toEqual(held.map((one) => one['PrivilegeName']));
    expect(known.size).toBeGreaterThan(held.length);
  });
});
