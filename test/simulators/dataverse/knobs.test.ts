import { describe, expect, it } from 'vitest';
import { id, signIn, startSim } from './client.js';

const contacts = [{ contactid: id(1), lastname: 'N1', jobtitle: 'CTO' }];
const onlyOld = { 'If-Match': '*' };

describe('Securing a column', () => {
  it('closes it to the sync user, until something opens it', async () => {
    const sim = await startSim({ contacts });
    const jobTitle = async (): Promise<unknown> =>
      (await sim.api('GET', `contacts(${id(1)})?$select=jobtitle`)).json['jobtitle'];
    const { column } = (await sim.admin('PATCH', '/columns/contacts/jobtitle', { secured: true })).json;
    expect(column).toMatchObject({ secured: true, canRead: false, canUpdate: false, canCreate: false });
    expect(await jobTitle()).toBeNull();
    const write = await sim.api('PATCH', `contacts(${id(1)})`, { jobtitle: 'x' }, onlyOld);
    expect(write).toMatchObject({ status: 403, code: '0x8004f507' });
    await sim.admin('PATCH', '/columns/contacts/jobtitle', { canRead: true });
    await sim.admin('PATCH', '/columns/contacts/jobtitle', { secured: true });
    expect(await jobTitle()).toBe('CTO');
  });

  it('leaves open what the same call opens', async () => {
    const sim = await startSim();
    const patched = await sim.admin('PATCH', '/columns/contacts/fax', { secured: true, canRead: true });
    expect(patched.json['column']).toMatchObject({ canRead: true, canUpdate: false, canCreate: false });
    const order = { schemaName: 'new_Secret', type: 'String', secured: true, canCreate: true };
    const made = await sim.admin('POST', '/columns/contacts', order);
    expect(made.json['column']).toMatchObject({ canRead: false, canUpdate: false, canCreate: true });
  });
});

describe('Privileges', () => {
  it('take true and false for reading, too', async () => {
    const sim = await startSim({ contacts });
    const allow = (read: boolean) => sim.admin('PATCH', '/privileges', { contact: { read } });
    const tracked = { Prefer: 'odata.track-changes' };
    expect((await allow(false)).json).toMatchObject({ contact: { read: false } });
    expect(await sim.api('GET', 'contacts')).toMatchObject({ status: 403, code: '0x80040220' });
    expect((await allow(true)).status).toBe(200);
    expect((await sim.api('GET', 'contacts', undefined, tracked)).status).toBe(200);
  });
});

describe('What names nothing', () => {
  const rule = { table: '*', column: 'jobtitel', contains: 'x', message: 'No.' };
  const workflow = { table: 'lead', whenSent: 'jobtitel', set: { jobtitle: 'x' } };
  const share = { table: 'lead', id: id(1), column: 'jobtitle', read: true, update: true };

  it.each<[string, string, object, RegExp]>([
    ['PATCH', '/settings', { untrackedTables: ['leads'] }, /untrackedTables/],
    ['PATCH', '/settings', { withheldPrivileges: ['prvReadUsers'] }, /withheldPrivileges/],
    ['PUT', '/rules', { rules: [rule] }, /No table has a column 'jobtitel'/],
    [
      'PUT',
      '/rules',
      { rules: [{ ...rule, table: 'account', column: 'jobtitle' }] },
      /'account' has no column/,
    ],
    ['PUT', '/workflows', { workflows: [workflow] }, /no column 'jobtitel'/],
    ['PUT', '/shares', { shares: [{ ...share, column: 'jobtitel' }] }, /no column 'jobtitel'/],
    ['POST', '/faults', { kind: 'slow', delayMs: 2 ** 31 }, /delayMs/],
  ])('is refused: %s %s %j', async (method, path, body, words) => {
    const sim = await startSim();
    const answer = await sim.admin(method, path, body);
    expect([400, 404]).toContain(answer.status);
    expect(answer.message).toMatch(words);
  });

  it('leaves everything as it was, and what does name something is taken', async () => {
    const sim = await startSim({ contacts });
    const { rules } = (await sim.admin('GET', '/rules')).json;
    await sim.admin('PUT', '/rules', { rules: [rule] });
    expect((await sim.admin('GET', '/rules')).json).toEqual({ rules });
    const lookup = {
      table: 'contact',
      column: '_parentcustomerid_value',
      requiredOnCreate: true,
      message: 'No.',
    };
    expect((await sim.admin('PUT', '/rules', { rules: [lookup] })).status).toBe(200);
    expect(await sim.api('POST', 'contacts', { lastname: 'A' })).toMatchObject({ code: '0x80040265' });
  });
});

describe('Columns of the platform', () => {
  it.each([
    ['contactid', { removed: true }],
    ['statecode', { removed: true }],
    ['statuscode', { removed: true }],
    ['versionnumber', { removed: true }],
    ['ownerid', { removed: true }],
    ['modifiedon', { removed: true }],
    ['fullname', { removed: true }],
    ['lastname', { removed: true }],
    ['lastname', { type: 'Integer' }],
    ['parentcustomerid', { type: 'String' }],
  ])('stay: %s %j', async (name, patch) => {
    const sim = await startSim({ contacts });
    const answer = await sim.admin('PATCH', `/columns/contacts/${name}`, patch);
    expect(answer.status).toBe(400);
    expect(answer.message).toContain(`'${name}' of 'contact' is a column of the platform`);
    expect((await sim.api('GET', `contacts(${id(1)})`)).json).toMatchObject({ lastname: 'N1', statecode: 0 });
  });

  it('are not all: others go, and take a type that their values fit', async () => {
    const sim = await startSim({ contacts });
    const retype = (type: string) => sim.admin('PATCH', '/columns/contacts/jobtitle', { type });
    const refused = await retype('Integer');
    expect(refused.status).toBe(400);
    expect(refused.message).toContain('values that are no Integer, such as "CTO"');
    expect((await retype('Picklist')).message).toContain('needs options');
    await sim.admin('PATCH', `/rows/contacts/${id(1)}`, { jobtitle: null });
    expect((await retype('Integer')).status).toBe(200);
    expect((await sim.admin('PATCH', '/columns/contacts/fax', { removed: true })).status).toBe(200);
  });
});

describe('Faults', () => {
  it.each([{ kind: 'drop' }, { preset: 'deadlock' }, { kind: 'refuse', method: 'POST', path: '/' }])(
    'pass the sign-in by unless their path names it: %j',
    async (fault) => {
      const sim = await startSim();
      await sim.admin('POST', '/faults', fault);
      expect((await signIn(sim)).status).toBe(200);
      expect((await sim.admin('GET', '/faults')).json['faults']).toHaveLength(1);
    },
  );
});
