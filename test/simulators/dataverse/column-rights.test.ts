import { describe, expect, it } from 'vitest';
import { integrationTeam, people } from '../../../simulators/dataverse/rights/people.js';
import { id, startSim, type Answer, type Sim } from './client.js';

const me = people.sync.id;
const leads = [1, 2].map((n) => ({ leadid: id(n), lastname: `L${n}`, new_creditrating: 'DE4711' }));
const onlyOld = { 'If-Match': '*' };
const column = '/columns/leads/new_creditrating';

const rating = async (sim: Sim, n = 1, headers: Record<string, string> = {}): Promise<unknown> =>
  (await sim.api('GET', `leads(${id(n)})?$select=new_creditrating`, undefined, headers)).json[
    'new_creditrating'
  ];

describe('Masking rules', () => {
  it('show a masked text, and the value only to who may see it and asks for it', async () => {
    const sim = await startSim({ leads });
    const mask = { character: '#', keepLast: 2 };
    await sim.admin('PATCH', column, { canRead: true, mask });
    const unmasked = { 'MSCRM.UnMaskedData': 'true' };
    expect(await rating(sim)).toBe('####11');
    expect(await rating(sim, 1, unmasked)).toBe('####11');
    await sim.admin('PATCH', column, { mask: { ...mask, canReadUnmasked: true } });
    expect(await rating(sim)).toBe('####11');
    expect(await rating(sim, 1, unmasked)).toBe('DE4711');
    await sim.admin('PATCH', column, { canRead: false });
    expect(await rating(sim, 1, unmasked)).toBeNull();
    await sim.admin('PATCH', column, { canRead: true, mask: null });
    expect(await rating(sim)).toBe('DE4711');
  });

  it('are told: which columns have one to who holds prvReadAttributeMaskingRule, and the level beside other rights', async () => {
    const sim = await startSim();
    const rules = async () =>
      (await sim.api('GET', 'attributemaskingrules?$select=attributelogicalname,entityname')).rows;
    const level = async (): Promise<unknown> => {
      const call = `systemusers(${me})/Microsoft.Dynamics.CRM.RetrievePrincipalAttributePrivileges()`;
      const { json } = await sim.api('GET', call);
      return (json['AttributePrivileges'] as Record<string, unknown>[])[0]?.['CanReadUnmasked'];
    };
    await sim.admin('PATCH', column, { canRead: true });
    expect([await rules(), await level()]).toEqual([[], 0]);
    await sim.admin('PATCH', column, { mask: {} });
    expect(await rules()).toMatchObject([{ entityname: 'lead', attributelogicalname: 'new_creditrating' }]);
    expect(await level()).toBe(0);
    await sim.admin('PATCH', column, { mask: { canReadUnmasked: true } });
    expect([(await rules()).length, await level()]).toEqual([1, 3]);
    await sim.admin('PATCH', '/settings', { withheldPrivileges: ['prvReadAttributeMaskingRule'] });
    const denied = await sim.api('GET', 'attributemaskingrules');
    expect(denied).toMatchObject({ status: 403, code: '0x80040220' });
    expect(denied.message).toContain('prvReadAttributeMaskingRule');
  });

  it('go for lists and deltas too', async () => {
    const sim = await startSim({ leads });
    await sim.admin('PATCH', column, { canRead: true, mask: {} });
    const headers = { Prefer: 'odata.track-changes' };
    const { rows } = await sim.api('GET', 'leads?$select=new_creditrating', undefined, headers);
    expect(rows.map((row) => row['new_creditrating'])).toEqual(['******', '******']);
  });
});

describe('Shares of a secured column', () => {
  it('open it in one row alone, for reading and writing apart', async () => {
    const sim = await startSim({ leads });
    const share = { table: 'lead', id: id(1), column: 'new_creditrating', read: true, update: false };
    await sim.admin('PUT', '/shares', { shares: [share] });
    expect([await rating(sim, 1), await rating(sim, 2)]).toEqual(['DE4711', null]);
    const write = (n: number): Promise<Answer> =>
      sim.api('PATCH', `leads(${id(n)})`, { new_creditrating: 'B' }, onlyOld);
    expect((await write(1)).code).toBe('0x8004f507');
    await sim.admin('PUT', '/shares', { shares: [{ ...share, update: true }] });
    expect([(await write(1)).status, (await write(2)).status]).toEqual([204, 403]);
  });

  it('are rows of their own, and outlive a restart', async () => {
    const sim = await startSim({ leads });
    const share = { table: 'lead', id: id(1), column: 'new_creditrating', read: true, update: false };
    await sim.admin('PUT', '/shares', { shares: [share] });
    await sim.admin('PATCH', '/settings', { withheldPrivileges: [] });
    const again = await startSim({ state: sim.state() });
    const { rows } = await again.api('GET', 'principalobjectattributeaccessset');
    expect(rows).toMatchObject([{ _objectid_value: id(1), readaccess: true, updateaccess: false }]);
    expect(await rating(again)).toBe('DE4711');
  });

  it('name a row and a column that are there', async () => {
    const sim = await startSim({ leads });
    const share = { table: 'lead', id: id(5), column: 'new_creditrating', read: true, update: true };
    expect((await sim.admin('PUT', '/shares', { shares: [share] })).status).toBe(404);
  });
});

describe('Field security profiles', () => {
  const mine = `systemusers(${me})/systemuserprofiles_association?$select=fieldsecurityprofileid`;
  const teams = `teams(${integrationTeam.id})/teamprofiles_association?$select=fieldsecurityprofileid`;

  it('need prvReadFieldPermission', async () => {
    const sim = await startSim();
    for (const path of [mine, teams, 'fieldpermissions', 'fieldsecurityprofiles']) {
      const answer = await sim.api('GET', path);
      expect(answer).toMatchObject({ status: 403, code: '0x80040220' });
      expect(answer.message).toContain('prvReadFieldPermission');
    }
  });

  it('tell a column row by row, as the rights of the user say', async () => {
    const sim = await startSim();
    await sim.admin('PATCH', '/settings', { withheldPrivileges: [] });
    await sim.admin('PATCH', column, { canRead: true });
    const [profile] = (await sim.api('GET', mine)).rows;
    const filter = `_fieldsecurityprofileid_value eq ${String(profile?.['fieldsecurityprofileid'])} and entityname eq 'lead'`;
    const select = 'entityname,attributelogicalname,canread,cancreate,canupdate';
    const path = `fieldpermissions?$select=${select}&$filter=${encodeURIComponent(filter)}`;
    expect((await sim.api('GET', path)).rows).toMatchObject([
      { attributelogicalname: 'new_creditrating', canread: 4, cancreate: 0, canupdate: 0 },
    ]);
    const admins =
      "_fieldsecurityprofileid_value eq 572329c1-a042-4e22-be47-367c6374ea45 and entityname eq 'lead'";
    const all = await sim.api('GET', `fieldpermissions?$filter=${encodeURIComponent(admins)}`);
    expect(all.rows).toMatchObject([{ canread: 4, cancreate: 4, canupdate: 4 }]);
  });

  it('can come through a team instead', async () => {
    const sim = await startSim();
    const count = async (path: string): Promise<number> => (await sim.api('GET', path)).rows.length;
    await sim.admin('PATCH', '/settings', { withheldPrivileges: [] });
    expect([await count(mine), await count(teams)]).toEqual([1, 0]);
    await sim.admin('PATCH', '/settings', { columnRightsThrough: 'team' });
    expect([await count(mine), await count(teams)]).toEqual([0, 1]);
    const membership = await sim.api('GET', `systemusers(${me})/teammembership_association`);
    expect(membership.rows).toMatchObject([{ teamid: integrationTeam.id }]);
  });
});

describe('RetrievePrincipalAttributePrivileges', () => {
  const call = `systemusers(${me})/Microsoft.Dynamics.CRM.RetrievePrincipalAttributePrivileges()`;
  const upper = /^[0-9A-F-]{36}$/;

  const entries = async (sim: Sim, attributePrivileges: string): Promise<Record<string, unknown>[]> => {
    await sim.admin('PATCH', '/settings', { attributePrivileges });
    const { json } = await sim.api('GET', call);
    return json['AttributePrivileges'] as Record<string, unknown>[];
  };

  it.each<[string, object]>([
    ['absent', { CanRead: 4, CanCreate: 0, CanUpdate: 0 }],
    ['texts', { CanRead: '4', CanCreate: '0', CanUpdate: '0' }],
    ['upperCase', { AttributeId: expect.stringMatching(upper) as unknown, CanRead: 4 }],
    ['braces', { AttributeId: expect.stringMatching(/^\{[0-9A-F-]{36}\}$/) as unknown }],
  ])('can answer in the shape %s', async (shape, expected) => {
    const sim = await startSim();
    await sim.admin('PATCH', column, { canRead: true });
    expect(await entries(sim, shape)).toMatchObject([expected]);
  });

  it('leaves out columns without rights, or tells them as zeroes', async () => {
    const sim = await startSim();
    expect(await entries(sim, 'absent')).toEqual([]);
    const zeroes = await entries(sim, 'zeroes');
    expect(zeroes.length).toBeGreaterThan(0);
    expect(zeroes[0]).toMatchObject({ CanRead: 0, CanCreate: 0, CanUpdate: 0 });
  });

  it('can leave out members, or be refused', async () => {
    const sim = await startSim();
    await sim.admin('PATCH', column, { canRead: true });
    const [one = {}] = await entries(sim, 'missingMembers');
    expect(Object.keys(one)).toEqual(['AttributeId', 'CanRead']);
    await sim.admin('PATCH', '/settings', { attributePrivileges: 'refused' });
    expect(await sim.api('GET', call)).toMatchObject({ status: 403, code: '0x80040220' });
  });
});

describe('RetrieveUserPrivileges', () => {
  it('can leave out names and tell depths as numbers', async () => {
    const sim = await startSim();
    const call = `systemusers(${me})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()`;
    await sim.admin('PATCH', '/settings', { privilegeNames: false, privilegeDepths: 'numbers' });
    await sim.admin('PATCH', '/privileges', { lead: { read: 'Deep', write: 'Basic' } });
    const { json } = await sim.api('GET', call);
    const held = json['RolePrivileges'] as Record<string, unknown>[];
    expect(Object.keys(held[0] ?? {})).toEqual(['Depth', 'PrivilegeId', 'BusinessUnitId']);
    const names = await sim.api('GET', "privileges?$select=name,privilegeid&$filter=name eq 'prvReadLead'");
    const read = held.find((one) => one['PrivilegeId'] === names.rows[0]?.['privilegeid']);
    expect(read?.['Depth']).toBe(2);
  });
});

describe('The directory', () => {
  it('finds users by e-mail, e-mails by user, and the days that deltas live', async () => {
    const sim = await startSim();
    const filter = encodeURIComponent("startswith(internalemailaddress,'maya')");
    const users = await sim.api('GET', `systemusers?$select=fullname&$filter=${filter}`);
    expect(users.rows).toMatchObject([{ fullname: 'Maya Lindqvist', systemuserid: people.sales.id }]);
    const app = await sim.api('GET', `systemusers(${me})?$select=applicationid,isdisabled`);
    expect(app.json).toMatchObject({
      applicationid: sim.environment['DATAVERSE_CLIENT_ID'],
      isdisabled: false,
    });
    await sim.admin('PATCH', '/settings', { trackingDays: 30 });
    const organizations = await sim.api('GET', 'organizations?$select=expirechangetrackingindays');
    expect(organizations.rows).toMatchObject([{ expirechangetrackingindays: 30 }]);
    const roles = await sim.api('GET', `systemusers(${me})/systemuserroles_association?$select=name`);
    expect(roles.rows.map((row) => row['name'])).toEqual(['Contact Sync', 'Basic User']);
  });
});
