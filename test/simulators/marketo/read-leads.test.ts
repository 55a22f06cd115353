import { describe, expect, it } from 'vitest';
import { answered, clockAt, idOf, idsOf, start } from './client.js';

const people = (count: number, values: Record<string, string>) =>
  Array.from({ length: count }, (_, index) => ({ email: `p${index}@x.io`, ...values }));

describe('reading persons by filter', () => {
  it('gives the default fields, with null for what is empty', async () => {
    const subject = await start({
      persons: [{ email: 'ada@x.io', createdAt: '2026-01-02T03:04:05Z', id: 501 }],
    });
    const { result } = await subject.get('/leads.json', { filterType: 'email', filterValues: 'ada@x.io' });
    expect(result).toEqual([
      {
        id: 501,
        email: 'ada@x.io',
        firstName: null,
        lastName: null,
        createdAt: '2026-01-02T03:04:05Z',
        updatedAt: '2026-01-02T03:04:05Z',
      },
    ]);
  });

  it('gives natively typed values of the fields asked for, and false for an empty boolean', async () => {
    const subject = await start({
      persons: [
        { email: 'a@x.io', leadScore: 10, annualRevenue: 1.5, dateOfBirth: '1815-12-10', lastDemoAt: null },
      ],
    });
    const fields = 'email,leadScore,annualRevenue,dateOfBirth,unsubscribed,lastDemoAt,numberOfEmployees';
    const { result } = await subject.get('/leads.json', {
      filterType: 'email',
      filterValues: 'a@x.io',
      fields,
    });
    expect(result).toEqual([
      {
        id: 1001,
        email: 'a@x.io',
        leadScore: 10,
        annualRevenue: 1.5,
        dateOfBirth: '1815-12-10',
        unsubscribed: false,
        lastDemoAt: null,
        numberOfEmployees: null,
      },
    ]);
  });

  it('finds all persons with one e-mail, whatever its case, and leaves out values without a match', async () => {
    const subject = await start({
      persons: [{ email: 'Twin@x.io' }, { email: 'twin@X.io' }, { email: 'other@x.io' }],
    });
    const { result } = await subject.get('/leads.json', {
      filterType: 'email',
      filterValues: 'TWIN@x.io,none@x.io',
    });
    expect(result.map((row) => row['email'])).toEqual(['Twin@x.io', 'twin@X.io']);
  });

  it('searches by id and by custom string fields, and follows changes of their values', async () => {
    const subject = await start();
    await subject.post('/leads/schema/fields.json', {
      input: [{ name: 'dynamicsId', displayName: 'Dynamics Id', dataType: 'string' }],
    });
    const id = idOf(await subject.sync([{ email: 'a@x.io', dynamicsId: 'one' }]));
    const find = async (filterType: string, filterValues: string) =>
      idsOf(await subject.get('/leads.json', { filterType, filterValues, fields: 'email' }));
    expect(await find('id', String(id))).toEqual([id]);
    expect(await find('dynamicsId', 'ONE')).toEqual([id]);
    await subject.sync([{ id, dynamicsId: 'two' }], { action: 'updateOnly', lookupField: 'id' });
    expect(await find('dynamicsId', 'one')).toEqual([]);
    expect(await find('dynamicsId', 'two')).toEqual([id]);
    await subject.sync([{ id, dynamicsId: null }], { action: 'updateOnly', lookupField: 'id' });
    expect(await find('dynamicsId', 'two,null')).toEqual([]);
  });

  it('refuses a missing filter with 701, an unsearchable field with 1011, an unknown field with 1006', async () => {
    const subject = await start();
    expect((await subject.get('/leads.json', {})).code).toBe('701');
    expect((await subject.get('/leads.json', { filterType: 'email' })).code).toBe('701');
    const unsearchable = await subject.get('/leads.json', { filterType: 'firstName', filterValues: 'Ada' });
    expect([unsearchable.code, unsearchable.message]).toEqual(['1011', "Field 'firstName' not supported"]);
    const unknown = await subject.get('/leads.json', {
      filterType: 'id',
      filterValues: '1',
      fields: 'Email',
    });
    expect([unknown.code, unknown.message]).toEqual(['1006', "Field 'Email' not found"]);
  });

  it('pages by 300 and refuses more than 1000 matches, or more than 300 values, with 1003', async () => {
    const persons = people(1000, {}).map((person, index) => ({ ...person, email: `p${index % 5}@x.io` }));
    const subject = await start({ persons });
    const filter = {
      filterType: 'email',
      filterValues: 'p0@x.io,p1@x.io,p2@x.io,p3@x.io,p4@x.io',
      fields: 'id',
    };
    const seen: number[] = [];
    let page = await subject.get('/leads.json', filter);
    const sizes = [page.result.length];
    seen.push(...idsOf(page));
    while (page.moreResult === true) {
      page = await subject.get('/leads.json', { ...filter, nextPageToken: page.nextPageToken ?? '' });
      sizes.push(page.result.length);
      seen.push(...idsOf(page));
    }
    expect(sizes).toEqual([300, 300, 300, 100]);
    expect(new Set(seen).size).toBe(1000);
    await subject.sync([{ email: 'p0@x.io' }], { action: 'createDuplicate' });
    const tooMany = await subject.get('/leads.json', filter);
    expect([tooMany.code, tooMany.message]).toEqual(['1003', 'Too many results match the filter']);
    const values = Array.from({ length: 301 }, (_, index) => index).join();
    expect((await subject.get('/leads.json', { filterType: 'id', filterValues: values })).code).toBe('1003');
  });

  it('takes a long query as a form with _method=GET', async () => {
    const subject = await start({ persons: people(300, {}) });
    const filterValues = people(300, {})
      .map(({ email }) => email)
      .join();
    const response = await subject.raw('/rest/v1/leads.json?_method=GET', {
      method: 'POST',
      body: new URLSearchParams({ filterType: 'email', filterValues, fields: 'email' }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect((await answered(response)).result).toHaveLength(300);
    expect(await subject.admin('GET', '/journal/summary')).toMatchObject({ 'GET /rest/v1/leads.json': 1 });
  });
});

describe('reading one person by id', () => {
  it('gives the person, or 1004', async () => {
    const subject = await start({ persons: [{ id: 501, firstName: 'Ada', lastName: 'Byron' }] });
    const found = await subject.get('/lead/501.json', { fields: 'mktoName' });
    expect(found.result).toEqual([{ id: 501, mktoName: 'Ada Byron' }]);
    const unknown = await subject.get('/lead/7.json');
    expect([unknown.code, unknown.message]).toEqual(['1004', "Lead '7' not found"]);
  });
});

describe('100,000 persons', () => {
  it('are found at once', async () => {
    const persons = Array.from({ length: 100_000 }, (_, index) => ({
      email: `p${index}@x.io`,
      firstName: 'P',
    }));
    const subject = await start({ persons, limits: 'off' });
    const from = await subject.get('/leads.json', { filterType: 'email', filterValues: 'p99999@x.io' });
    expect(from.result).toHaveLength(1);
    const began = performance.now();
    for (let call = 0; call < 20; call++) {
      await subject.get('/leads.json', {
        filterType: 'email',
        filterValues: `p${call}@x.io,p${call + 50_000}@x.io`,
      });
    }
    expect(performance.now() - began).toBeLessThan(2000);
    expect(await subject.admin('GET', '/stats')).toMatchObject({ persons: 100_000, activities: 100_000 });
  });

  it('leave no activity newer than the start', async () => {
    const clock = clockAt('2026-11-20T10:00:00Z');
    const subject = await start({ now: clock.now, persons: [{ createdAt: '2030-01-01T00:00:00Z' }, {}] });
    const { activities } = await subject.admin('GET', '/activities');
    const dates = (activities as { activityDate: string }[]).map(({ activityDate }) => activityDate);
    expect(dates).toEqual(['2026-10-21T09:59:59Z', '2026-11-20T09:59:59Z']);
  });
});
