import { describe, expect, it } from 'vitest';
import type { DataverseSimulatorOptions } from '../../../simulators/dataverse/index.js';
import { id, startSim, type Answer, type Sim } from './client.js';

const lead = {
  leadid: id(1),
  firstname: 'Ana',
  lastname: 'Ruiz',
  companyname: 'Adatum',
  subject: 'Wants it',
  emailaddress1: 'ana@example.com',
  mobilephone: '555',
  address1_city: 'Oslo',
  donotbulkemail: true,
};
const all = { CreateAccount: true, CreateContact: true, CreateOpportunity: true, Status: 3 };

const start = (options: DataverseSimulatorOptions = {}): Promise<Sim> =>
  startSim({ leads: [lead], ...options });

const qualify = (sim: Sim, body: unknown = all): Promise<Answer> =>
  sim.api('POST', `leads(${id(1)})/Microsoft.Dynamics.CRM.QualifyLead`, body);

const leadNow = async (sim: Sim): Promise<Record<string, unknown>> =>
  (await sim.api('GET', `leads(${id(1)})`)).json;

describe('QualifyLead', () => {
  it('makes what is asked for, copies the columns, closes the lead and links both ways', async () => {
    const sim = await start();
    const answer = await qualify(sim);
    expect(answer.status).toBe(200);
    expect(answer.rows.map((row) => row['@odata.type'])).toEqual([
      '#Microsoft.Dynamics.CRM.account',
      '#Microsoft.Dynamics.CRM.contact',
      '#Microsoft.Dynamics.CRM.opportunity',
    ]);
    const [account, contact, opportunity] = answer.rows;
    const ids = [account?.['accountid'], contact?.['contactid'], opportunity?.['opportunityid']].map(String);
    expect((await sim.api('GET', `accounts(${ids[0] ?? ''})`)).json).toMatchObject({
      name: 'Adatum',
      address1_city: 'Oslo',
      _originatingleadid_value: id(1),
    });
    expect((await sim.api('GET', `contacts(${ids[1] ?? ''})`)).json).toMatchObject({
      fullname: 'Ana Ruiz',
      emailaddress1: 'ana@example.com',
      mobilephone: '555',
      donotbulkemail: true,
      statecode: 0,
      _parentcustomerid_value: ids[0],
      _originatingleadid_value: id(1),
    });
    expect((await sim.api('GET', `opportunities(${ids[2] ?? ''})`)).json).toMatchObject({
      name: 'Wants it',
      _parentcontactid_value: ids[1],
      _customerid_value: ids[0],
    });
    expect(await leadNow(sim)).toMatchObject({
      statecode: 1,
      statuscode: 3,
      _parentaccountid_value: ids[0],
      _parentcontactid_value: ids[1],
      _qualifyingopportunityid_value: ids[2],
    });
  });

  it('takes over the contact and account that the lead has already', async () => {
    const contacts = [{ contactid: id(5), lastname: 'There' }];
    const sim = await start({ contacts, leads: [{ ...lead, parentcontactid: id(5) }] });
    const answer = await qualify(sim, { ...all, CreateOpportunity: false });
    expect(answer.rows.map((row) => row['@odata.type'])).toEqual(['#Microsoft.Dynamics.CRM.account']);
    expect(await leadNow(sim)).toMatchObject({ statecode: 1, _parentcontactid_value: id(5) });
  });

  it('lets the server choose the status, and answers and fills as it is set up', async () => {
    const sim = await start();
    await sim.admin('PATCH', '/settings', { qualifyAnswer: 'none', qualifyFillsParents: false });
    expect((await qualify(sim, { ...all, Status: -1 })).status).toBe(204);
    expect(await leadNow(sim)).toMatchObject({ statuscode: 3, _parentcontactid_value: null });
  });

  it('refuses a lead that is closed, a status of another state, and a body that is none', async () => {
    const sim = await start();
    expect(await qualify(sim, { ...all, Status: 4 })).toMatchObject({ status: 400, code: '0x80048408' });
    expect(await qualify(sim, {})).toMatchObject({ status: 400, code: '0x80048d19' });
    await qualify(sim);
    expect(await qualify(sim)).toMatchObject({ status: 400, code: '0x80040519' });
  });

  it('makes nothing at all when one row may not be made', async () => {
    const sim = await start();
    await sim.admin('PATCH', '/privileges', { opportunity: { create: false } });
    expect(await qualify(sim)).toMatchObject({ status: 403, code: '0x80040220' });
    expect((await sim.admin('GET', '/stats')).json).toMatchObject({ accounts: 0, contacts: 0 });
    expect(await leadNow(sim)).toMatchObject({ statecode: 0 });
  });

  it('is pressed by people too, into a new contact or one that is there', async () => {
    const contacts = [{ contactid: id(5), lastname: 'There' }];
    const sim = await start({ contacts, leads: [lead, { leadid: id(2), lastname: 'Second' }] });
    const made = await sim.admin('POST', `/rows/leads/${id(1)}/qualify`, { createAccount: false });
    expect(made.json['created']).toMatchObject([{ table: 'contact' }]);
    const into = await sim.admin('POST', `/rows/leads/${id(2)}/qualify`, { contact: id(5) });
    expect(into.json['created']).toEqual([]);
    const second = (await sim.api('GET', `leads(${id(2)})`)).json;
    expect(second).toMatchObject({ statecode: 1, _parentcontactid_value: id(5) });
    const me = (await sim.api('GET', 'WhoAmI')).json['UserId'];
    expect(second['_modifiedby_value']).not.toBe(me);
    expect((await sim.admin('POST', `/rows/leads/${id(1)}/qualify`, {})).code).toBe('0x80040519');
    await sim.admin('POST', `/rows/leads/${id(1)}/activate`, {});
    expect(await leadNow(sim)).toMatchObject({ statecode: 0, statuscode: 1 });
  });
});

const accounts = [1, 2].map((n) => ({ accountid: id(n), name: `A${n}` }));
const children = [3, 4].map((n) => ({ contactid: id(n), lastname: `C${n}`, parentcustomerid: id(2) }));

const merge = (sim: Sim, table: string, keep: number, drop: number, more = {}): Promise<Answer> => {
  const entity = (n: number) => ({ '@odata.type': `Microsoft.Dynamics.CRM.${table}`, [`${table}id`]: id(n) });
  return sim.api('POST', 'Merge', { Target: entity(keep), Subordinate: entity(drop), ...more });
};

describe('Merge', () => {
  it('keeps one row, puts the other under it and moves the children; all of them come in the delta', async () => {
    const sim = await startSim({ accounts, contacts: children });
    const load = await sim.api('GET', 'accounts', undefined, { Prefer: 'odata.track-changes' });
    const UpdateContent = { '@odata.type': 'Microsoft.Dynamics.CRM.account', name: 'Other', telephone1: '1' };
    expect((await merge(sim, 'account', 1, 2, { UpdateContent })).status).toBe(204);
    const delta = await sim.api('GET', String(load.json['@odata.deltaLink']));
    expect(delta.rows).toMatchObject([
      { accountid: id(1), name: 'A1', telephone1: '1', statecode: 0, merged: false },
      { accountid: id(2), statecode: 1, statuscode: 2, merged: true, _masterid_value: id(1) },
    ]);
    const moved = await sim.api('GET', `contacts?$filter=_parentcustomerid_value eq ${id(1)}`);
    expect(moved.rows).toHaveLength(2);
  });

  it('refuses itself, what is not active, and a circle', async () => {
    const contacts = [
      { contactid: id(5), lastname: 'Up' },
      { contactid: id(6), lastname: 'Below' },
      { contactid: id(7), lastname: 'Closed', statecode: 1 },
    ];
    const sim = await startSim({ contacts });
    const bind = { 'parentcustomerid_contact@odata.bind': `/contacts(${id(5)})` };
    await sim.api('PATCH', `contacts(${id(6)})`, bind);
    expect((await merge(sim, 'contact', 5, 5)).code).toBe('0x80045305');
    expect((await merge(sim, 'contact', 5, 7)).code).toBe('0x80045304');
    const checks = { PerformParentingChecks: true };
    expect((await merge(sim, 'contact', 6, 5, checks)).code).toBe('0x80045300');
    expect((await merge(sim, 'contact', 5, 99)).code).toBe('0x80040217');
  });

  it('is done by people too; a lead that is merged away is disqualified', async () => {
    const leads = [1, 2].map((n) => ({ leadid: id(n), lastname: `L${n}` }));
    const sim = await startSim({ leads });
    const body = { subordinate: id(2), content: { jobtitle: 'CTO' } };
    expect((await sim.admin('POST', `/rows/leads/${id(1)}/merge`, body)).status).toBe(200);
    expect((await sim.api('GET', `leads(${id(1)})`)).json).toMatchObject({ jobtitle: 'CTO' });
    expect((await sim.api('GET', `leads(${id(2)})`)).json).toMatchObject({ statecode: 2, merged: true });
  });
});

describe('Closing rows by hand', () => {
  it('goes to the default status, or the one that is asked for if it fits', async () => {
    const sim = await startSim({ leads: [lead] });
    await sim.admin('POST', `/rows/leads/${id(1)}/deactivate`, { status: 7 });
    expect(await leadNow(sim)).toMatchObject({ statecode: 2, statuscode: 7 });
    await sim.admin('POST', `/rows/leads/${id(1)}/activate`);
    expect(await leadNow(sim)).toMatchObject({ statecode: 0, statuscode: 1 });
    expect((await sim.admin('POST', `/rows/leads/${id(1)}/deactivate`, { status: 1 })).code).toBe(
      '0x80048408',
    );
  });
});
