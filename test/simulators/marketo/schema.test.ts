import { describe, expect, it } from 'vitest';
import { start, type Answered, type Row } from './client.js';

const named = (rows: unknown, name: string): Row | undefined =>
  (rows as Row[]).find((row) => row['name'] === name);
const fieldsOf = (answer: Answered): Row[] => answer.result[0]?.['fields'] as Row[];

describe('describe', () => {
  it('gives numeric ids, REST and SOAP names, and a score as an integer', async () => {
    const subject = await start();
    const { result } = await subject.get('/leads/describe.json');
    expect(result.find((field) => field['id'] === 56)).toEqual({
      id: 56,
      displayName: 'Email Address',
      dataType: 'email',
      length: 255,
      rest: { name: 'email', readOnly: false },
      soap: { name: 'Email', readOnly: false },
    });
    expect(result.find((field) => field['id'] === 146)).toMatchObject({ dataType: 'integer' });
    expect(result.find((field) => field['id'] === 44)).toMatchObject({
      rest: { name: 'id', readOnly: true },
    });
  });

  it('describe2 gives types, lengths, what is updateable and what can be searched by', async () => {
    const subject = await start();
    const answer = await subject.get('/leads/describe2.json');
    expect(answer.result).toHaveLength(1);
    expect(answer.result[0]?.['name']).toBe('API Lead');
    const fields = fieldsOf(answer);
    expect(named(fields, 'sicCode')).toEqual({
      name: 'sicCode',
      displayName: 'SIC Code',
      dataType: 'string',
      length: 40,
      updateable: true,
      crmManaged: false,
    });
    expect(named(fields, 'createdAt')).toMatchObject({ updateable: false });
    expect(named(fields, 'leadScore')).toMatchObject({ dataType: 'score' });
    expect(named(fields, 'mktoPersonNotes')).toMatchObject({ dataType: 'text' });
    expect(named(fields, 'lastDemoAt')).toMatchObject({ dataType: 'datetime', updateable: true });
    const searchable = answer.result[0]?.['searchableFields'];
    expect(searchable).toContainEqual(['email']);
    expect(searchable).toContainEqual(['id']);
    expect(searchable).not.toContainEqual(['firstName']);
  });

  it('leaves out what the API role cannot see and follows the read-only setting', async () => {
    const subject = await start();
    await subject.admin('PATCH', '/settings', { hiddenFields: ['title'], readOnlyFields: ['city'] });
    const fields = fieldsOf(await subject.get('/leads/describe2.json'));
    expect(named(fields, 'title')).toBeUndefined();
    expect(named(fields, 'city')).toMatchObject({ updateable: false });
    expect((await subject.get('/leads/schema/fields/title.json')).success).toBe(false);
  });
});

describe('the lead field schema', () => {
  it('creates a field once; a second time it is skipped with 1017', async () => {
    const subject = await start();
    const create = () =>
      subject.post('/leads/schema/fields.json', {
        input: [
          { name: 'dynamicsId', displayName: 'Dynamics Id', dataType: 'string', description: 'The row' },
        ],
      });
    expect((await create()).result).toEqual([{ name: 'dynamicsId', status: 'created' }]);
    const again = await create();
    expect(again.success).toBe(true);
    expect(again.result).toMatchObject([
      { name: 'dynamicsId', status: 'skipped', reasons: [{ code: '1017' }] },
    ]);
    expect((await subject.get('/leads/schema/fields/dynamicsId.json')).result).toEqual([
      {
        displayName: 'Dynamics Id',
        name: 'dynamicsId',
        description: 'The row',
        dataType: 'string',
        length: 255,
        isHidden: false,
        isHtmlEncodingInEmail: true,
        isSensitive: false,
        isCustom: true,
        isApiCreated: true,
      },
    ]);
    const describe2 = await subject.get('/leads/describe2.json');
    expect(describe2.result[0]?.['searchableFields']).toContainEqual(['dynamicsId']);
  });

  it('refuses names and types that Marketo does not take, and a missing member', async () => {
    const subject = await start();
    const { result } = await subject.post('/leads/schema/fields.json', {
      input: [
        { name: '1st', displayName: 'First', dataType: 'string' },
        { name: 'notes', displayName: 'Notes', dataType: 'text' },
        { name: 'EMAIL', displayName: 'Email', dataType: 'email' },
      ],
    });
    expect(result.map((row) => (row['reasons'] as Row[])[0]?.['code'])).toEqual(['1003', '1003', '1017']);
    const missing = await subject.post('/leads/schema/fields.json', { input: [{ name: 'x' }] });
    expect([missing.code, missing.message]).toEqual([
      '1002',
      "Missing value for required parameter 'displayName'",
    ]);
  });

  it('changes a description, and neither a type nor the display name of a standard field', async () => {
    const subject = await start();
    const change = (name: string, input: Row) =>
      subject.post(`/leads/schema/fields/${name}.json`, { input: [input] });
    expect((await change('lastDemoAt', { description: 'by us' })).result).toEqual([
      { name: 'lastDemoAt', status: 'updated' },
    ]);
    expect((await subject.get('/leads/schema/fields/lastDemoAt.json')).result[0]?.['description']).toBe(
      'by us',
    );
    expect((await change('lastDemoAt', { dataType: 'date' })).code).toBe('1003');
    expect((await change('title', { displayName: 'X' })).code).toBe('1003');
  });

  it('lists the fields in pages', async () => {
    const subject = await start();
    const first = await subject.get('/leads/schema/fields.json', { batchSize: '50' });
    expect(first.result).toHaveLength(50);
    const second = await subject.get('/leads/schema/fields.json', {
      batchSize: '50',
      nextPageToken: first.nextPageToken ?? '',
    });
    expect(second.moreResult).toBeUndefined();
    const names = [...first.result, ...second.result].map((field) => field['name']);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('lastDemoAt');
    expect((await subject.get('/leads/schema/fields/nope.json')).code).toBe('702');
  });
});
