import { describe, expect, it } from 'vitest';
import { id, part, startSim } from './client.js';

const contacts = [1, 2, 3].map((n) => ({ contactid: id(n), lastname: `N${n}` }));

describe('The administrative door', () => {
  it('makes, edits and deletes rows as a person in the product does', async () => {
    const sim = await startSim();
    const made = await sim.admin('POST', '/rows/leads', { input: [{ lastname: 'A' }, { lastname: 'B' }] });
    const [first] = made.json['ids'] as string[];
    const edited = await sim.admin('PATCH', `/rows/leads/${first ?? ''}`, {
      jobtitle: 'CTO',
      new_creditrating: 'A',
    });
    const row = edited.json['row'] as Record<string, unknown>;
    expect(row).toMatchObject({ leadid: first, jobtitle: 'CTO', new_creditrating: 'A', fullname: 'A' });
    const me = (await sim.api('GET', 'WhoAmI')).json['UserId'];
    expect(row['_modifiedby_value']).not.toBe(me);
    const asSync = await sim.admin('PATCH', `/rows/leads/${first ?? ''}?as=sync`, { jobtitle: 'COO' });
    expect(asSync.json['row']).toMatchObject({ jobtitle: 'COO', _modifiedby_value: me });
    await sim.admin('DELETE', `/rows/leads/${first ?? ''}`);
    expect((await sim.admin('GET', `/rows/leads/${first ?? ''}`)).status).toBe(404);
    expect((await sim.admin('GET', '/stats')).json).toMatchObject({ leads: 1, contacts: 0, writes: 0 });
  });

  it('holds people to the rules too, unless forced', async () => {
    const sim = await startSim({ contacts });
    const robot = { jobtitle: 'Test Robot', mobilephone: '1'.repeat(60) };
    expect((await sim.admin('POST', '/rows/contacts', { input: [robot] })).status).toBe(400);
    const forced = await sim.admin('PATCH', `/rows/contacts/${id(1)}?force=true`, robot);
    expect(forced.json['row']).toMatchObject(robot);
    expect((await sim.admin('PATCH', `/rows/contacts/${id(1)}`, { nothere: 1 })).status).toBe(400);
  });

  it('sets what only the platform sets, as qualification and merges do', async () => {
    const sim = await startSim({ contacts, leads: [{ leadid: id(8), lastname: 'L' }] });
    await sim.admin('PATCH', `/rows/leads/${id(8)}`, { statecode: 1, statuscode: 3, parentcontactid: id(1) });
    await sim.admin('PATCH', `/rows/contacts/${id(2)}`, { statecode: 1, merged: true, masterid: id(1) });
    expect((await sim.api('GET', `leads(${id(8)})`)).json).toMatchObject({
      statecode: 1,
      statuscode: 3,
      _parentcontactid_value: id(1),
    });
    expect((await sim.api('GET', `contacts(${id(2)})`)).json).toMatchObject({
      merged: true,
      statuscode: 2,
      _masterid_value: id(1),
    });
  });

  it('lists whole rows page by page', async () => {
    const sim = await startSim({ contacts });
    const first = (await sim.admin('GET', '/rows/contacts?limit=2')).json;
    const second = (await sim.admin('GET', `/rows/contacts?limit=2&after=${String(first['next'])}`)).json;
    const rows = [first, second].flatMap((page) => page['rows'] as Record<string, unknown>[]);
    expect(rows.map((row) => row['contactid'])).toEqual([id(1), id(2), id(3)]);
    expect(second['next']).toBeNull();
    expect(Object.keys(rows[0] ?? {})).toEqual(
      expect.arrayContaining(['new_creditrating', 'versionnumber', '_ownerid_value', 'birthdate']),
    );
  });

  it('journals calls, counts them by pattern and keeps its numbers when emptied', async () => {
    const sim = await startSim({ contacts });
    await sim.api('GET', `contacts(${id(1)})?$select=lastname`);
    await sim.api('GET', `contacts(${id(2)})?$select=nothere`);
    const { calls, next } = (await sim.admin('GET', '/journal?after=1')).json;
    expect(calls).toMatchObject([
      { n: 2, method: 'GET', status: 200, code: null, parts: 0, write: false },
      { n: 3, method: 'GET', status: 400, code: '0x80060888' },
    ]);
    expect(next).toBe(3);
    expect((await sim.admin('GET', '/journal/summary')).json).toEqual({
      'GET /api/data/v9.2/contacts({id})': 2,
      'POST /{tenant}/oauth2/v2.0/token': 1,
    });
    await sim.admin('DELETE', '/journal');
    await sim.api('GET', 'WhoAmI');
    expect((await sim.admin('GET', '/journal')).json).toMatchObject({ calls: [{ n: 4 }], next: 4 });
  });

  it('journals writes, those of parts and of people too', async () => {
    const sim = await startSim({ contacts });
    await sim.api('PATCH', `contacts(${id(1)})`, { jobtitle: 'CTO', firstname: 'A' }, { 'If-Match': '*' });
    const parts = [
      part('PATCH', `contacts(${id(9)})`, { lastname: 'New' }, { 'If-None-Match': '*' }),
      part('PATCH', `contacts(${id(2)})`, { new_score: -1 }, { 'If-Match': '*' }),
      part('DELETE', `contacts(${id(3)})`),
    ];
    await sim.batch(parts, { Prefer: 'odata.continue-on-error' });
    await sim.admin('PATCH', `/rows/contacts/${id(1)}`, { jobtitle: 'x' });
    const { writes } = (await sim.admin('GET', '/journal/writes')).json;
    expect(writes).toMatchObject([
      {
        n: 1,
        table: 'contact',
        id: id(1),
        kind: 'update',
        columns: ['jobtitle', 'firstname'],
        by: 'sync',
        status: 204,
      },
      { n: 2, id: id(9), kind: 'create', columns: ['lastname'], status: 204, batch: 3 },
      { n: 3, id: id(2), kind: 'update', status: 400, code: '0x8004432f', batch: 3 },
      { n: 4, id: id(3), kind: 'delete', columns: [], status: 204, batch: 3 },
      { n: 5, id: id(1), kind: 'update', by: 'user' },
    ]);
    expect((await sim.admin('GET', '/journal?after=2')).json['calls']).toMatchObject([
      { n: 3, parts: 3, write: true },
    ]);
    expect((await sim.admin('GET', '/stats')).json).toMatchObject({
      leads: 0,
      contacts: 3,
      calls: 3,
      writes: 3,
    });
  });

  it('refuses settings that it does not know', async () => {
    const sim = await startSim();
    expect((await sim.admin('PATCH', '/settings', { speed: 11 })).status).toBe(400);
    expect((await sim.admin('PATCH', '/settings', { dopHint: 9 })).json['dopHint']).toBe(9);
    expect((await sim.api('GET', 'WhoAmI')).headers.get('x-ms-dop-hint')).toBe('9');
  });
});
