import { describe, expect, it } from 'vitest';
import { id, startSim, type Sim } from './client.js';

const ana = { contactid: id(1), firstname: 'Ana', lastname: 'Ruiz', jobtitle: 'CEO' };
const path = `contacts(${id(1)})`;
const onlyNew = { 'If-None-Match': '*' };
const onlyOld = { 'If-Match': '*' };

const cells = async (sim: Sim, n = 1): Promise<Record<string, unknown>> =>
  (await sim.admin('GET', `/rows/contacts/${id(n)}`)).json['row'] as Record<string, unknown>;

describe('Creating rows', () => {
  it('answers 204 with the address of the row', async () => {
    const sim = await startSim();
    const answer = await sim.api('POST', 'contacts', { lastname: 'Sato' });
    expect(answer.status).toBe(204);
    const address = answer.headers.get('odata-entityid') ?? '';
    expect((await sim.api('GET', address)).json['lastname']).toBe('Sato');
  });

  it('answers 201 with the row and no address when the representation is asked for', async () => {
    const sim = await startSim();
    const prefer = { Prefer: 'return=representation' };
    const answer = await sim.api('POST', 'contacts?$select=lastname', { lastname: 'Sato' }, prefer);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('odata-entityid')).toBeNull();
    expect(answer.json).toMatchObject({
      lastname: 'Sato',
      '@odata.etag': expect.stringMatching(/^W\//) as string,
    });
  });

  it('sets defaults, owner and author', async () => {
    const sim = await startSim();
    await sim.api('PATCH', path, { lastname: 'Sato' }, onlyNew);
    const me = (await sim.api('GET', 'WhoAmI')).json['UserId'];
    expect(await cells(sim)).toMatchObject({
      fullname: 'Sato',
      donotbulkemail: false,
      followemail: true,
      statecode: 0,
      statuscode: 1,
      _ownerid_value: me,
      _createdby_value: me,
      _modifiedby_value: me,
    });
  });

  it('is idempotent under a key of our own with If-None-Match: *', async () => {
    const sim = await startSim();
    expect((await sim.api('PATCH', path, ana, onlyNew)).status).toBe(204);
    const again = await sim.api('PATCH', path, { lastname: 'Other' }, onlyNew);
    expect(again).toMatchObject({ status: 412, code: '0x80040237' });
    expect(await cells(sim)).toMatchObject({ lastname: 'Ruiz' });
  });

  it('refuses a second row under one key with POST', async () => {
    const sim = await startSim({ contacts: [ana] });
    expect(await sim.api('POST', 'contacts', ana)).toMatchObject({ status: 412, code: '0x80040237' });
  });
});

describe('Updating rows', () => {
  it('changes what is sent and nothing else, under a new version', async () => {
    const sim = await startSim({ contacts: [ana] });
    const before = await cells(sim);
    expect((await sim.api('PATCH', path, { firstname: 'Anna' }, onlyOld)).status).toBe(204);
    const after = await cells(sim);
    expect(after).toMatchObject({ firstname: 'Anna', fullname: 'Anna Ruiz', jobtitle: 'CEO' });
    expect(after['versionnumber']).toBeGreaterThan(Number(before['versionnumber']));
    expect(after['createdon']).toBe(before['createdon']);
    expect(after['_modifiedby_value']).not.toBe(before['_modifiedby_value']);
  });

  it('writes with the etag that it read, and refuses a stale one', async () => {
    const sim = await startSim({ contacts: [ana] });
    const etag = (await sim.api('GET', path)).headers.get('etag') ?? '';
    expect((await sim.api('PATCH', path, { jobtitle: 'CTO' }, { 'If-Match': etag })).status).toBe(204);
    const stale = await sim.api('PATCH', path, { jobtitle: 'COO' }, { 'If-Match': etag });
    expect(stale).toMatchObject({ status: 412, code: '0x80060882' });
    expect(await cells(sim)).toMatchObject({ jobtitle: 'CTO' });
  });

  it('answers 404 for a missing row with If-Match, and makes one without', async () => {
    const sim = await startSim();
    expect(await sim.api('PATCH', path, ana, onlyOld)).toMatchObject({ status: 404, code: '0x80040217' });
    expect((await sim.api('PATCH', path, ana, { 'If-Match': 'W/"5"' })).status).toBe(404);
    const prefer = { Prefer: 'return=representation' };
    expect((await sim.api('PATCH', path, ana, prefer)).status).toBe(201);
    expect((await sim.api('PATCH', path, ana, prefer)).status).toBe(200);
  });

  it('returns the new etag with the representation', async () => {
    const sim = await startSim({ contacts: [ana] });
    const headers = { ...onlyOld, Prefer: 'return=representation' };
    const answer = await sim.api('PATCH', `${path}?$select=jobtitle`, { jobtitle: 'CTO' }, headers);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe(answer.json['@odata.etag']);
    expect((await sim.api('GET', path)).headers.get('etag')).toBe(answer.json['@odata.etag']);
  });

  it('gives all tables versions from one counter', async () => {
    const sim = await startSim({ contacts: [ana] });
    await sim.api('POST', 'leads', { lastname: 'between' });
    const before = Number((await cells(sim))['versionnumber']);
    await sim.api('PATCH', path, { jobtitle: 'x' }, onlyOld);
    expect(Number((await cells(sim))['versionnumber'])).toBe(before + 2);
  });

  it('clears by null and keeps an empty text as null', async () => {
    const sim = await startSim({ contacts: [ana] });
    await sim.api('PATCH', path, { jobtitle: null, firstname: '' }, onlyOld);
    expect(await cells(sim)).toMatchObject({ jobtitle: null, firstname: null, fullname: 'Ruiz' });
  });

  it('passes over read-only columns, or refuses them when it is set up so', async () => {
    const sim = await startSim({ contacts: [ana] });
    expect((await sim.api('PATCH', path, { fullname: 'Nope' }, onlyOld)).status).toBe(204);
    expect(await cells(sim)).toMatchObject({ fullname: 'Ana Ruiz' });
    await sim.admin('PATCH', '/settings', { readOnlyColumns: 'refuse' });
    expect((await sim.api('PATCH', path, { fullname: 'Nope' }, onlyOld)).status).toBe(400);
  });

  it('refuses an unknown column, a lookup by value and a wrong navigation name', async () => {
    const sim = await startSim({ contacts: [ana] });
    const code = async (body: unknown): Promise<unknown> =>
      (await sim.api('PATCH', path, body, onlyOld)).code;
    expect(await code({ nothere: 1 })).toBe('0x80060888');
    expect(await code({ _parentcustomerid_value: id(5) })).toBe('0x80060888');
    expect(await code({ 'parentcustomerid@odata.bind': `/accounts(${id(5)})` })).toBe('0x80048d19');
  });

  it('sets and clears lookups by their navigation property', async () => {
    const accounts = [{ accountid: id(5), name: 'Contoso' }];
    const sim = await startSim({ accounts, contacts: [ana], leads: [{ leadid: id(8), lastname: 'Origin' }] });
    const bind = {
      'parentcustomerid_account@odata.bind': `/accounts(${id(5)})`,
      'originatingleadid@odata.bind': `/leads(${id(8)})`,
    };
    expect((await sim.api('PATCH', path, bind, onlyOld)).status).toBe(204);
    const annotated = { Prefer: 'odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"' };
    expect((await sim.api('GET', path, undefined, annotated)).json).toMatchObject({
      _parentcustomerid_value: id(5),
      '_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname': 'account',
      _originatingleadid_value: id(8),
    });
    await sim.api('PATCH', path, { 'parentcustomerid_account@odata.bind': null }, onlyOld);
    expect(await cells(sim)).toMatchObject({ _parentcustomerid_value: null });
    const gone = { 'originatingleadid@odata.bind': `/leads(${id(99)})` };
    expect((await sim.api('PATCH', path, gone, onlyOld)).status).toBe(404);
  });

  it('keeps state and status in step', async () => {
    const sim = await startSim({ leads: [{ leadid: id(2), lastname: 'Lee' }] });
    const lead = `leads(${id(2)})`;
    const wrong = await sim.api('PATCH', lead, { statecode: 1, statuscode: 1 }, onlyOld);
    expect(wrong).toMatchObject({ status: 400, code: '0x80048408' });
    expect(wrong.message).toContain(
      '1 is not a valid status code for state code LeadState.Qualified on lead',
    );
    await sim.api('PATCH', lead, { statecode: 2 }, onlyOld);
    expect((await sim.api('GET', lead)).json).toMatchObject({ statecode: 2, statuscode: 4 });
    await sim.api('PATCH', lead, { jobtitle: 'x' }, onlyOld);
    expect((await sim.api('GET', lead)).json).toMatchObject({ statecode: 2, statuscode: 4 });
    await sim.admin('PATCH', '/settings', { closedRowsReadOnly: true });
    expect((await sim.api('PATCH', lead, { jobtitle: 'y' }, onlyOld)).code).toBe('0x8004022e');
    expect((await sim.api('PATCH', lead, { statecode: 0, jobtitle: 'y' }, onlyOld)).status).toBe(204);
  });

  it('is followed by a touch of a CRM workflow when it is set up so', async () => {
    const sim = await startSim({ contacts: [ana] });
    await sim.admin('PATCH', '/settings', { touchAfterWrite: true });
    const headers = { ...onlyOld, Prefer: 'return=representation' };
    const etag = String((await sim.api('PATCH', path, { jobtitle: 'CTO' }, headers)).json['@odata.etag']);
    const next = await sim.api('PATCH', path, { jobtitle: 'COO' }, { 'If-Match': etag });
    expect(next).toMatchObject({ status: 412, code: '0x80060882' });
  });
});

describe('Deleting rows', () => {
  it('answers 204, then 404; with a stale etag 412', async () => {
    const sim = await startSim({ contacts: [ana] });
    const stale = await sim.api('DELETE', path, undefined, { 'If-Match': 'W/"1"' });
    expect(stale).toMatchObject({ status: 412, code: '0x80060882' });
    expect((await sim.api('DELETE', path)).status).toBe(204);
    expect(await sim.api('DELETE', path)).toMatchObject({ status: 404, code: '0x80040217' });
  });
});
