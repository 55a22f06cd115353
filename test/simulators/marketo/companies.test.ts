import { describe, expect, it } from 'vitest';
import { readAll, start, tokenSince, type Row, type Subject } from './client.js';

const ACME = { externalCompanyId: 'acc-1', company: 'Acme', industry: 'Retail', numberOfEmployees: 12 };
const reasons = (code: string, message: string) => ({ status: 'skipped', reasons: [{ code, message }] });
const companiesOf = async (subject: Subject, filterType: string, filterValues: string): Promise<unknown[]> =>
  (await subject.get('/companies.json', { filterType, filterValues, fields: 'company' })).result.map(
    (row) => row['company'],
  );

describe.each([
  ['companies', 'externalCompanyId', 'company'],
  ['salespersons', 'externalSalesPersonId', 'firstName'],
])('%s', (path, key, field) => {
  const input = [
    { [key]: 'one', [field]: 'One' },
    { [key]: 'two', [field]: 'Two' },
  ];

  it('are created and updated by their key, with the place of each record in the call', async () => {
    const subject = await start();
    expect((await subject.post(`/${path}.json`, { input })).result).toEqual([
      { seq: 0, id: 1, status: 'created' },
      { seq: 1, id: 2, status: 'created' },
    ]);
    const again = await subject.post(`/${path}.json`, {
      action: 'createOrUpdate',
      dedupeBy: 'dedupeFields',
      input: [{ [key]: 'TWO', [field]: 'Zwei' }, { [key]: 'three' }],
    });
    expect(again.result).toEqual([
      { seq: 0, id: 2, status: 'updated' },
      { seq: 1, id: 3, status: 'created' },
    ]);
    const found = await subject.get(`/${path}.json`, {
      filterType: 'dedupeFields',
      filterValues: 'two,three,none',
      fields: `${key},${field}`,
    });
    expect(found.result).toEqual([
      { seq: 0, id: 2, [key]: 'two', [field]: 'Zwei' },
      { seq: 1, id: 3, [key]: 'three', [field]: null },
    ]);
  });

  it('heed createOnly, updateOnly and dedupeBy idField', async () => {
    const subject = await start();
    await subject.post(`/${path}.json`, { input });
    const sync = async (options: Row, ...records: Row[]) =>
      (await subject.post(`/${path}.json`, { ...options, input: records })).result;
    expect(await sync({ action: 'createOnly' }, { [key]: 'one' }, { [key]: 'new' })).toEqual([
      { seq: 0, ...reasons('1017', 'Object already exists') },
      { seq: 1, id: 3, status: 'created' },
    ]);
    expect(await sync({ action: 'updateOnly' }, { [key]: 'none' }, { [key]: 'one' })).toEqual([
      { seq: 0, ...reasons('1013', 'Record not found') },
      { seq: 1, id: 1, status: 'updated' },
    ]);
    const byId = { action: 'updateOnly', dedupeBy: 'idField' };
    expect(await sync(byId, { id: 1, [field]: 'Uno' }, { id: 77 })).toEqual([
      { seq: 0, id: 1, status: 'updated' },
      { seq: 1, ...reasons('1013', 'Record not found') },
    ]);
    expect((await subject.post(`/${path}.json`, { dedupeBy: 'idField', input: [{ id: 1 }] })).code).toBe(
      '1003',
    );
  });

  it('skip a key that was in the call before with 1036, a missing key with 1002, a bad value with 1003', async () => {
    const subject = await start();
    const { result } = await subject.post(`/${path}.json`, {
      input: [
        { [key]: 'one' },
        { [key]: 'ONE' },
        { [field]: 'x' },
        { [key]: 'two', [field]: 'x'.repeat(256) },
      ],
    });
    expect(result.map((row) => [row['seq'], (row['reasons'] as Row[] | undefined)?.[0]?.['code']])).toEqual([
      [0, undefined],
      [1, '1036'],
      [2, '1002'],
      [3, '1003'],
    ]);
  });

  it('fail as a whole for unknown fields, actions and filters', async () => {
    const subject = await start();
    const post = async (body: Row) => (await subject.post(`/${path}.json`, body)).code;
    expect(await post({ input: [{ [key]: 'one', nope: 1 }] })).toBe('1006');
    expect(await post({ action: 'createDuplicate', input: [{ [key]: 'one' }] })).toBe('1001');
    expect(await post({ dedupeBy: 'email', input: [{ [key]: 'one' }] })).toBe('1001');
    expect(await post({ input: [] })).toBe('1002');
    const query = async (parameters: Record<string, string>) =>
      (await subject.get(`/${path}.json`, parameters)).code;
    expect(await query({ filterType: 'industry', filterValues: 'x' })).toBe('1011');
    expect(await query({ filterType: 'id' })).toBe('701');
    expect(await query({ filterType: 'id', filterValues: '1', fields: 'nope' })).toBe('1006');
  });

  it('are deleted by key or id, unless persons are linked with them', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io', [key]: 'one' }] });
    await subject.post(`/${path}.json`, { input: [...input, { [key]: 'three' }] });
    const remove = async (body: Row) => (await subject.post(`/${path}/delete.json`, body)).result;
    expect(await remove({ input: [{ [key]: 'one' }, { [key]: 'two' }, { [key]: 'two' }] })).toEqual([
      { seq: 0, ...reasons('1022', 'Object in use') },
      { seq: 1, id: 2, status: 'deleted' },
      { seq: 2, ...reasons('1036', 'Duplicate object found in input') },
    ]);
    expect(await remove({ deleteBy: 'idField', input: [{ id: 3 }, { id: 2 }] })).toEqual([
      { seq: 0, id: 3, status: 'deleted' },
      { seq: 1, ...reasons('1013', 'Record not found') },
    ]);
  });

  it('are described', async () => {
    const subject = await start();
    const { result } = await subject.get(`/${path}/describe.json`);
    expect(result[0]).toMatchObject({ idField: 'id', dedupeFields: [key] });
    expect(result[0]?.['searchableFields']).toContainEqual([key]);
    const fields = result[0]?.['fields'] as Row[];
    expect(fields.find(({ name }) => name === key)).toMatchObject({ dataType: 'string', updateable: false });
    expect(fields.find(({ name }) => name === field)).toMatchObject({ length: 255, updateable: true });
  });

  it('are read-only beside a native CRM sync: 1018', async () => {
    const subject = await start();
    await subject.admin('POST', `/${path}`, { input });
    await subject.admin('PATCH', '/settings', { nativeCrmSync: true });
    const refused = await subject.post(`/${path}.json`, { input });
    expect([refused.code, refused.message]).toEqual(['1018', 'CRM Enabled']);
    expect((await subject.post(`/${path}/delete.json`, { input: [{ [key]: 'one' }] })).code).toBe('1018');
    const found = await subject.get(`/${path}.json`, { filterType: 'id', filterValues: '1,2' });
    expect(found.result).toHaveLength(2);
    expect((await subject.get(`/${path}/describe.json`)).success).toBe(true);
  });
});

describe('the company of a person', () => {
  it('shows in the person’s fields; its changes show at once, and in no activity', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io', company: 'Own words' }] });
    await subject.post('/companies.json', { input: [ACME] });
    await subject.sync([{ email: 'a@x.io', externalCompanyId: 'ACC-1' }]);
    const since = await tokenSince(subject, new Date(Date.now() + 1).toISOString());
    const read = async () =>
      (await subject.get('/lead/1001.json', { fields: 'company,industry,numberOfEmployees' })).result[0];
    expect(await read()).toMatchObject({ company: 'Acme', industry: 'Retail', numberOfEmployees: 12 });
    await subject.post('/companies.json', { input: [{ externalCompanyId: 'acc-1', company: 'Acme SE' }] });
    expect(await read()).toMatchObject({ company: 'Acme SE', industry: 'Retail' });
    const { items } = await readAll(subject, '/activities/leadchanges.json', since, {
      fields: 'company,industry',
    });
    expect(items).toEqual([]);
  });

  it('is changed by a user’s edit of any of its persons, for all of them', async () => {
    const persons = ['a@x.io', 'b@x.io'].map((email) => ({ email, externalCompanyId: 'acc-1' }));
    const subject = await start({ persons });
    await subject.post('/companies.json', { input: [ACME] });
    await subject.admin('PATCH', '/persons/1001', { company: 'Acme Ltd' });
    expect((await subject.admin('GET', '/persons/1002'))['person']).toMatchObject({ company: 'Acme Ltd' });
    expect(await companiesOf(subject, 'company', 'acme ltd')).toEqual(['Acme Ltd']);
  });

  it('can be another one later, and never none', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io', externalCompanyId: 'acc-1' }] });
    await subject.post('/companies.json', {
      input: [ACME, { externalCompanyId: 'acc-2', company: 'Zenith' }],
    });
    const company = async () =>
      (await subject.get('/lead/1001.json', { fields: 'company' })).result[0]?.['company'];
    const { result } = await subject.sync([{ email: 'a@x.io', externalCompanyId: null }]);
    expect(result).toMatchObject([{ status: 'skipped', reasons: [{ code: '1003' }] }]);
    expect(await company()).toBe('Acme');
    await subject.sync([{ email: 'a@x.io', externalCompanyId: 'acc-2' }]);
    expect(await company()).toBe('Zenith');
  });

  it('refuses company values through Sync Leads with 1021, also in the record that makes the link', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    const refused = reasons('1021', 'Company update not allowed');
    const both = { externalCompanyId: 'acc-1', company: 'Acme' };
    const { result } = await subject.sync([
      { email: 'a@x.io', ...both },
      { email: 'new@x.io', ...both },
      { email: 'a@x.io', company: 'Acme' },
    ]);
    expect(result).toEqual([refused, refused, { id: 1001, status: 'updated' }]);
  });

  it('pages like other searches', async () => {
    const subject = await start();
    const input = ['a', 'b', 'c'].map((externalCompanyId) => ({ externalCompanyId }));
    await subject.post('/companies.json', { input });
    const parameters = { filterType: 'id', filterValues: '1,2,3', batchSize: '2' };
    const first = await subject.get('/companies.json', parameters);
    expect([first.result.length, first.moreResult]).toEqual([2, true]);
    const second = await subject.get('/companies.json', {
      ...parameters,
      nextPageToken: first.nextPageToken ?? '',
    });
    expect(second.result).toMatchObject([{ seq: 0, id: 3, externalCompanyId: 'c' }]);
    expect(second.moreResult).toBeUndefined();
  });
});

describe('the owner of a person', () => {
  it('changes as activity 23 and not as a lead change, unless the setting says otherwise', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io', externalSalesPersonId: 'u-1' }] });
    const since = await tokenSince(subject, new Date(Date.now() - 60_000).toISOString());
    const assign = (externalSalesPersonId: string) =>
      subject.sync([{ email: 'a@x.io', externalSalesPersonId }]);
    const types = async () =>
      (await readAll(subject, '/activities.json', since, { activityTypeIds: '13,23' })).items;
    await assign('u-2');
    expect(await types()).toMatchObject([
      {
        activityTypeId: 23,
        primaryAttributeValue: 'u-2',
        attributes: [
          { name: 'New Value', value: 'u-2' },
          { name: 'Old Value', value: 'u-1' },
          { name: 'Reason', value: 'Web service API' },
          { name: 'Source', value: 'Web service API' },
        ],
      },
    ]);
    await subject.admin('PATCH', '/settings', { ownerActivity: 'both' });
    await assign('u-3');
    await subject.admin('PATCH', '/settings', { ownerActivity: '13' });
    await assign('u-4');
    expect((await types()).map((item) => item['activityTypeId'])).toEqual([23, 23, 13, 13]);
  });
});
