import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInstance } from '../../../simulators/marketo/instance.js';
import { USER_EDIT } from '../../../simulators/marketo/activities/origins.js';
import type { Field, FieldValue } from '../../../simulators/marketo/fields/field.js';
import { idsOf, readAll, start, tokenSince, type Row, type Subject } from './client.js';

const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
const DAYS_40 = 40 * 86_400_000;

const activities = async (subject: Subject, types: string, since = ago(60_000)): Promise<Row[]> =>
  (
    await readAll(subject, '/activities.json', await tokenSince(subject, since), {
      activityTypeIds: types,
    })
  ).items;
const read = async (subject: Subject, id: number, fields: string): Promise<Row> =>
  (await subject.get(`/lead/${id}.json`, { fields })).result[0] ?? {};

const TRIO = [
  { email: 'a@x.io', firstName: 'Ada', unsubscribed: false },
  { email: 'b@x.io', firstName: 'Ida', lastName: 'Byron', unsubscribed: true },
  { email: 'c@x.io', lastName: 'King', city: 'London', leadScore: 4 },
];

describe('a merge', () => {
  it('keeps the winner’s values, takes the first loser’s where it has none, and ends the losers', async () => {
    const subject = await start({ persons: TRIO });
    const merged = await subject.post('/leads/1001/merge.json?leadIds=1002,1003');
    expect([merged.success, Object.keys(merged.envelope)]).toEqual([true, ['requestId', 'success']]);
    expect(await read(subject, 1001, 'email,firstName,lastName,city,leadScore,unsubscribed')).toEqual({
      id: 1001,
      email: 'a@x.io',
      firstName: 'Ada',
      lastName: 'Byron',
      city: 'London',
      leadScore: 4,
      unsubscribed: false,
    });
    expect((await subject.get('/lead/1002.json')).code).toBe('1004');
    const found = await subject.get('/leads.json', {
      filterType: 'email',
      filterValues: 'a@x.io,b@x.io,c@x.io',
    });
    expect(idsOf(found)).toEqual([1001]);
  });

  it('is told as activity 32 of the winner, and each filled field as a changed one', async () => {
    const subject = await start({ persons: TRIO });
    await subject.post('/leads/1001/merge.json?leadId=1003');
    const all = await activities(subject, '13,22,32,37');
    expect(all.map((item) => [item['activityTypeId'], item['primaryAttributeValue']])).toEqual([
      [13, 'Last Name'],
      [13, 'City'],
      [22, 'Lead Score'],
      [32, 'Ada King'],
    ]);
    expect(all[3]).toMatchObject({
      leadId: 1001,
      primaryAttributeValueId: 1001,
      attributes: [
        { name: 'Merge IDs', value: '1003' },
        { name: 'Merge Fields', value: 'Last Name,City,Lead Score' },
        { name: 'Source', value: 'Web service API' },
      ],
    });
  });

  it('gives the losers’ activities to the winner', async () => {
    const subject = await start({ persons: TRIO });
    await subject.sync([{ email: 'b@x.io', title: 'Countess' }]);
    await subject.post('/leads/1001/merge.json?leadId=1002');
    const all = await activities(subject, '12,13', ago(DAYS_40));
    expect(all.filter((item) => item['activityTypeId'] === 12).map((item) => item['leadId'])).toEqual([
      1001, 1001, 1003,
    ]);
    expect(all.some((item) => item['leadId'] === 1002)).toBe(false);
    const token = await tokenSince(subject, ago(60_000));
    const changes = await subject.get('/activities/leadchanges.json', {
      nextPageToken: token,
      fields: 'title',
      leadIds: '1001',
    });
    // The loser's own change, and the value that the winner took from it.
    expect(changes.result.map((row) => row['leadId'])).toEqual([1001, 1001]);
  });

  it('gives the losers’ list memberships to the winner', async () => {
    const subject = await start({ persons: TRIO });
    const { id } = (await subject.admin('POST', '/lists', { name: 'Fair' })) as { id: number };
    await subject.post(`/lists/${id}/leads.json`, { input: [{ id: 1002 }] });
    await subject.post('/leads/1001/merge.json?leadId=1002');
    expect(idsOf(await subject.get(`/lists/${id}/leads.json`))).toEqual([1001]);
  });

  it('tells the losers as deleted ones only when the setting says so', async () => {
    const subject = await start({ persons: TRIO });
    const deleted = async () =>
      (await readAll(subject, '/activities/deletedleads.json', await tokenSince(subject, ago(60_000)))).items;
    await subject.post('/leads/1001/merge.json?leadId=1002');
    expect(await deleted()).toEqual([]);
    await subject.admin('PATCH', '/settings', { mergeLosersDeleted: true });
    await subject.post('/leads/1001/merge.json?leadId=1003');
    expect(await deleted()).toMatchObject([{ leadId: 1003, primaryAttributeValue: 'King' }]);
  });

  it('fails as a whole with 1004, 1080, 1002, 1001 or 1003, and changes nobody', async () => {
    const subject = await start({ persons: TRIO });
    const failure = async (call: string): Promise<unknown[]> => {
      const { code, message } = await subject.post(call);
      return [code, message];
    };
    expect(await failure('/leads/1001/merge.json?leadIds=1002,502')).toEqual([
      '1004',
      "Lead '502' not found",
    ]);
    expect(await failure('/leads/7/merge.json?leadId=1002')).toEqual(['1004', "Lead '7' not found"]);
    const many = Array.from({ length: 26 }, (_, index) => index + 1).join();
    expect((await failure(`/leads/1001/merge.json?leadIds=${many}`))[0]).toBe('1080');
    expect((await failure('/leads/1001/merge.json'))[0]).toBe('1002');
    expect((await failure('/leads/1001/merge.json?leadId=x'))[0]).toBe('1001');
    expect((await failure('/leads/1001/merge.json?leadId=1001'))[0]).toBe('1003');
    expect(await subject.admin('GET', '/stats')).toMatchObject({ persons: 3, activities: 3 });
  });

  it('made by a user does the same, in the user’s words', async () => {
    const subject = await start({ persons: TRIO });
    const { person } = await subject.admin('POST', '/persons/1002/merge', { losers: [1001, 1003] });
    expect(person).toMatchObject({ id: 1002, email: 'b@x.io', firstName: 'Ida', city: 'London' });
    const [merge] = await activities(subject, '32');
    expect(merge?.['attributes']).toContainEqual({ name: 'Merge IDs', value: '1001,1003' });
    expect(merge?.['attributes']).not.toContainEqual({ name: 'Source', value: 'Web service API' });
    await expect(subject.admin('POST', '/persons/1002/merge', { losers: [1002] })).rejects.toThrow('itself');
    await expect(subject.admin('POST', '/persons/1002/merge', { losers: [9] })).rejects.toThrow('404');
  });

  it('always keeps what the winner has, and fills the rest from the first loser that has it', () => {
    const NAMES = ['firstName', 'lastName', 'city', 'leadScore', 'lastDemoAt'];
    const values = fc.record(
      {
        firstName: fc.constantFrom('A', 'B'),
        lastName: fc.constantFrom('C', 'D'),
        city: fc.constantFrom('E', 'F'),
        leadScore: fc.integer({ min: 1, max: 9 }),
        lastDemoAt: fc.constantFrom('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(values, fc.array(values, { minLength: 1, maxLength: 4 }), (winnerHas, losersHave) => {
        const instance = createInstance({
          client: { id: 'c', secret: 's', user: 'u' },
          settings: {},
          now: () => 0,
        });
        const enter = (given: Readonly<Record<string, unknown>>) =>
          instance.people.create(
            new Map<Field, FieldValue>(
              Object.entries(given).flatMap(([name, value]) => {
                const field = instance.fields.get(name);
                return field ? [[field, value as FieldValue]] : [];
              }),
            ),
            'test',
          );
        const winner = enter(winnerHas);
        const losers = losersHave.map(enter);
        instance.people.merge(winner, losers, USER_EDIT);
        const all = [winnerHas, ...losersHave] as readonly Readonly<Record<string, unknown>>[];
        const record = instance.people.record(winner);
        for (const name of NAMES) {
          expect(record[name]).toBe(all.find((each) => each[name] !== undefined)?.[name] ?? null);
        }
        expect(instance.people.table.size).toBe(1);
        expect(instance.log.entries().every(({ leadId }) => leadId === winner.id)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describe('associating a cookie', () => {
  const COOKIE = 'id:123-ABC-456&token:_mch-example.com-1396310362214-46169';
  const call = (id: number, cookie: string): string =>
    `/leads/${id}/associate.json?${new URLSearchParams({ cookie }).toString()}`;
  const owners = async (subject: Subject): Promise<number[]> =>
    idsOf(await subject.get('/leads.json', { filterType: 'cookies', filterValues: COOKIE }));

  it('lets a search by cookie find the person, the last one named; a merge moves it, a deletion ends it', async () => {
    const subject = await start({ persons: TRIO });
    expect(await owners(subject)).toEqual([]);
    expect((await subject.post(call(1001, COOKIE))).success).toBe(true);
    expect(await owners(subject)).toEqual([1001]);
    await subject.post(call(1002, COOKIE));
    expect(await owners(subject)).toEqual([1002]);
    await subject.post('/leads/1001/merge.json?leadId=1002');
    expect(await owners(subject)).toEqual([1001]);
    await subject.post('/leads/delete.json?id=1001');
    expect(await owners(subject)).toEqual([]);
  });

  it('fails with 1012 for what is no cookie, 1004 for an unknown person, 701 without a cookie', async () => {
    const subject = await start({ persons: TRIO });
    expect((await subject.post(call(1001, 'chocolate'))).code).toBe('1012');
    const unknown = await subject.post(call(7, COOKIE));
    expect([unknown.code, unknown.message]).toEqual(['1004', "Lead '7' not found"]);
    expect((await subject.post('/leads/1001/associate.json')).code).toBe('701');
  });
});
