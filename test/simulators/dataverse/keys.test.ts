import { describe, expect, it } from 'vitest';
import { id, startSim, type Sim } from './client.js';

const contacts = [
  { contactid: id(1), lastname: 'One', new_marketostamp: 'm1', new_score: 1 },
  { contactid: id(2), lastname: 'Two', new_marketostamp: 'm2', new_score: 1 },
  { contactid: id(3), lastname: 'Three' },
  { contactid: id(4), lastname: 'Four' },
];
const stampKey = { table: 'contact', name: 'new_stamp', columns: ['new_marketostamp'] };

const start = async (key: object = stampKey): Promise<Sim> => {
  const sim = await startSim({ contacts });
  expect((await sim.admin('POST', '/keys', key)).status).toBe(200);
  return sim;
};
const at = (value: string): string => `contacts(new_marketostamp='${value}')`;

describe('Alternate keys', () => {
  it('address rows for every method, without regard to case', async () => {
    const sim = await start();
    expect((await sim.api('GET', at('M1'))).json).toMatchObject({ contactid: id(1) });
    const update = await sim.api('PATCH', at('m1'), { jobtitle: 'CTO' }, { 'If-Match': '*' });
    expect(update.status).toBe(204);
    expect(update.headers.get('odata-entityid')).toContain("contacts(new_marketostamp='m1')");
    expect((await sim.api('PUT', `${at('m1')}/jobtitle`, { value: 'CEO' })).status).toBe(204);
    expect((await sim.api('GET', `${at('m1')}/jobtitle/$value`)).text).toBe('CEO');
    expect((await sim.api('DELETE', at('m1'))).status).toBe(204);
    expect(await sim.api('GET', at('m1'))).toMatchObject({ status: 404, code: '0x80060891' });
    expect(await sim.api('DELETE', at('m1'))).toMatchObject({ status: 404, code: '0x80060891' });
  });

  it('upsert: a new row takes its key from the address', async () => {
    const sim = await start();
    const prefer = { Prefer: 'return=representation' };
    expect(await sim.api('PATCH', at('m1'), { jobtitle: 'A' }, prefer)).toMatchObject({
      status: 200,
      json: { contactid: id(1), lastname: 'One' },
    });
    expect(await sim.api('PATCH', at('m9'), { lastname: 'Nine' }, prefer)).toMatchObject({
      status: 201,
      json: { new_marketostamp: 'm9', lastname: 'Nine' },
    });
    const only = await sim.api('PATCH', at('m8'), { lastname: 'x' }, { 'If-Match': '*' });
    expect(only).toMatchObject({ status: 404, code: '0x80060891' });
    const taken = await sim.api('PATCH', at('m9'), { lastname: 'x' }, { 'If-None-Match': '*' });
    expect(taken).toMatchObject({ status: 412, code: '0x80040237' });
    const other = await sim.api('PATCH', at('m9'), { new_marketostamp: 'm7' });
    expect(other).toMatchObject({ status: 400, code: '0x80048d19' });
  });

  it('are unique, with the twin in the message; nulls are not compared', async () => {
    const sim = await start();
    const answer = await sim.api('PATCH', `contacts(${id(3)})`, { new_marketostamp: 'M2' });
    expect(answer).toMatchObject({ status: 412, code: '0x80060892' });
    expect(answer.message).toMatch(/Entity Key new_stamp violated/);
    expect(answer.message).toContain(id(2));
    expect(
      (await sim.admin('PATCH', `/rows/contacts/${id(3)}?force=true`, { new_marketostamp: 'm2' })).code,
    ).toBe('0x80060892');
    expect((await sim.api('POST', 'contacts', { lastname: 'Null' })).status).toBe(204);
  });

  it('of several columns need them all', async () => {
    const sim = await start({ ...stampKey, columns: ['new_marketostamp', 'new_score'] });
    const whole = await sim.api('GET', "contacts(new_score=1,new_marketostamp='m2')");
    expect(whole.json).toMatchObject({ contactid: id(2) });
    expect(await sim.api('GET', at('m2'))).toMatchObject({ status: 400, code: '0x80060890' });
  });

  it('work once their index is active; one over rows that are alike fails', async () => {
    const sim = await start({ ...stampKey, status: 'Pending' });
    expect((await sim.api('GET', at('m1'))).code).toBe('0x80060890');
    const keys =
      "EntityDefinitions(LogicalName='contact')/Keys?$select=LogicalName,KeyAttributes,EntityKeyIndexStatus";
    expect((await sim.api('GET', keys)).rows).toMatchObject([
      { LogicalName: 'new_stamp', KeyAttributes: ['new_marketostamp'], EntityKeyIndexStatus: 'Pending' },
    ]);
    await sim.admin('POST', '/keys', stampKey);
    expect((await sim.api('GET', at('m1'))).status).toBe(200);
    const failed = await sim.admin('POST', '/keys', { table: 'contact', name: 'k', columns: ['new_score'] });
    expect(failed.json['key']).toMatchObject({ status: 'Failed' });
    expect(
      (await sim.admin('POST', '/keys', { table: 'contact', name: 'k', columns: ['nope'] })).status,
    ).toBe(400);
    expect((await sim.admin('DELETE', '/keys/contact/new_stamp')).json).toEqual({ removed: 1 });
    expect((await sim.api('GET', at('m1'))).code).toBe('0x80060890');
  });

  it('are accepted in references', async () => {
    const sim = await start();
    const bind = { 'parentcustomerid_contact@odata.bind': `/${at('m1')}` };
    expect((await sim.api('PATCH', `contacts(${id(3)})`, bind)).status).toBe(204);
    expect((await sim.api('GET', `contacts(${id(3)})`)).json).toMatchObject({
      _parentcustomerid_value: id(1),
    });
    const none = { 'parentcustomerid_contact@odata.bind': `/${at('no')}` };
    expect((await sim.api('PATCH', `contacts(${id(3)})`, none)).code).toBe('0x80060891');
  });
});

describe('Duplicate detection', () => {
  const ask = { 'MSCRM.SuppressDuplicateDetection': 'false' };
  const start = (): Promise<Sim> =>
    startSim({
      contacts: [{ contactid: id(1), lastname: 'One', emailaddress1: 'a@example.com' }, ...contacts.slice(1)],
    });

  it('is run when it is asked for, on create and on a change of its columns', async () => {
    const sim = await start();
    const twin = { lastname: 'x', emailaddress1: 'A@example.com' };
    const refused = await sim.api('POST', 'contacts', twin, ask);
    expect(refused).toMatchObject({ status: 412, code: '0x80040333' });
    expect(refused.message).toContain(id(1));
    expect((await sim.api('PATCH', `contacts(${id(2)})`, twin, ask)).code).toBe('0x80040333');
    expect((await sim.api('PATCH', `contacts(${id(1)})`, twin, ask)).status).toBe(204);
    expect((await sim.api('POST', 'contacts', twin)).status).toBe(204);
    expect((await sim.api('PATCH', `contacts(${id(1)})`, { jobtitle: 'x' }, ask)).status).toBe(204);
    await sim.admin('PATCH', '/settings', { duplicateStatus: 500 });
    expect(await sim.api('POST', 'contacts', twin, ask)).toMatchObject({ status: 500, code: '0x80040333' });
  });

  it('follows the rules that are published', async () => {
    const sim = await start();
    const rules = [{ name: 'same name', table: 'contact', columns: ['lastname'] }];
    await sim.admin('PUT', '/duplicate-rules', { rules });
    expect((await sim.api('POST', 'contacts', { lastname: 'two' }, ask)).code).toBe('0x80040333');
    await sim.admin('PUT', '/duplicate-rules', { rules: [{ ...rules[0], published: false }] });
    expect((await sim.api('POST', 'contacts', { lastname: 'two' }, ask)).status).toBe(204);
    const wrong = { rules: [{ name: 'x', table: 'contact', columns: ['nope'] }] };
    expect((await sim.admin('PUT', '/duplicate-rules', wrong)).status).toBe(400);
  });
});
