import { describe, expect, it } from 'vitest';
import { mergedIds, scoreChange } from '../../marketo/index.js';
import { FAILURES } from '../../rules/failures.js';
import { failureOf, ok, refuse, startRemote, type Reply } from './remote.js';

const DATE = 'Fri, 20 Nov 2026 10:07:00 GMT';

/** A page as Marketo sends it, at a known time of its clock. */
const page = (result: unknown, rest: Readonly<Record<string, unknown>> = {}): Reply => ({
  headers: { Date: DATE },
  body: { success: true, nextPageToken: 'T2', ...(result === undefined ? {} : { result }), ...rest },
});
const position = { nextToken: 'T2', more: false, serverTime: '2026-11-20T10:07:00.000Z' };

describe('A paging token', () => {
  it('is for an instant in whole seconds, in UTC', async () => {
    const remote = await startRemote();
    remote.answer = () => ok(undefined, { nextPageToken: 'GIYDENRN=' });
    const token = await remote.connect().pagingToken('2026-11-20T11:00:00.750+01:00');
    expect(token).toBe('GIYDENRN=');
    expect(remote.calls[0]?.path).toBe('/rest/v1/activities/pagingtoken.json');
    expect(remote.calls[0]?.query.get('sinceDatetime')).toBe('2026-11-20T10:00:00Z');
  });

  it('that is not in the answer is garbage', async () => {
    const remote = await startRemote();
    const work = remote.connect().pagingToken('2026-11-20T10:00:00Z');
    expect(await failureOf(work)).toMatchObject({ code: 'garbage' });
  });

  it.each(['1001', '1003'])('that Marketo refuses with %s ends the stream', async (code) => {
    const remote = await startRemote();
    remote.answer = () => refuse(code);
    const marketo = remote.connect();
    const expected = { type: FAILURES.cursorInvalid, code };
    expect(await failureOf(marketo.personChanges('old', ['email']))).toMatchObject(expected);
    expect(await failureOf(marketo.deletedPersons('old'))).toMatchObject(expected);
    expect(await failureOf(marketo.activities({ token: 'old', typeIds: [32] }))).toMatchObject(expected);
  });
});

describe('Changes of persons', () => {
  it('are changes of fields and new persons; anything else is left out', async () => {
    const remote = await startRemote();
    remote.answer = () =>
      page([
        {
          marketoGUID: '2107',
          leadId: 501,
          activityDate: '2026-11-20T10:02:11Z',
          activityTypeId: 13,
          campaignId: 1203,
          fields: [{ id: 60, name: 'title', newValue: 'CTO', oldValue: 'VP' }],
          attributes: [
            { name: 'Reason', value: 'Web service API' },
            { name: 'Source', value: 'Web service API' },
            { name: 'Lead ID', value: 501 },
          ],
        },
        {
          id: 2108,
          leadId: 501,
          activityDate: '2026-11-20T10:02:12+0000',
          activityTypeId: 13,
          fields: [
            { name: 'city', newValue: null },
            { name: 'doNotCall', newValue: true, oldValue: 'false' },
          ],
          attributes: [{ name: 'Source', value: 'Web form fillout' }],
        },
        {
          marketoGUID: '2109',
          leadId: 777,
          activityDate: '2026-11-20 10:02:15',
          activityTypeId: 12,
          primaryAttributeValueId: 777,
          primaryAttributeValue: 'Ada Byron',
        },
        { marketoGUID: '2110', leadId: 501, activityDate: '2026-11-20T10:02:15Z', activityTypeId: 22 },
      ]);
    expect(await remote.connect().personChanges('T1=', ['title', 'city'])).toEqual({
      ...position,
      changes: [
        {
          kind: 'changed',
          guid: '2107',
          marketoId: 501,
          at: '2026-11-20T10:02:11.000Z',
          viaApi: true,
          fields: [{ name: 'title', oldValue: 'VP', newValue: 'CTO' }],
        },
        {
          kind: 'changed',
          guid: '2108',
          marketoId: 501,
          at: '2026-11-20T10:02:12.000Z',
          viaApi: false,
          fields: [
            { name: 'city', oldValue: null, newValue: null },
            { name: 'doNotCall', oldValue: 'false', newValue: 'true' },
          ],
        },
        { kind: 'created', guid: '2109', marketoId: 777, at: '2026-11-20T10:02:15.000Z' },
      ],
    });
    expect(Object.fromEntries(remote.calls[0]?.query ?? [])).toEqual({
      nextPageToken: 'T1=',
      fields: 'title,city',
      batchSize: '300',
    });
  });

  it('may be an empty page with more behind it', async () => {
    const remote = await startRemote();
    remote.answer = () => page(undefined, { moreResult: true });
    expect(await remote.connect().personChanges('T1', ['title'])).toEqual({
      ...position,
      more: true,
      changes: [],
    });
  });

  it('with a very long token and many fields travel in the body', async () => {
    const remote = await startRemote();
    remote.answer = () => page([]);
    const token = 'T'.repeat(8_000);
    await remote.connect().personChanges(token, ['title']);
    expect(remote.calls[0]?.method).toBe('POST');
    expect(remote.calls[0]?.query.get('nextPageToken')).toBe(token);
  });

  it.each<readonly [string, Reply]>([
    ['without a token to go on with', ok([])],
    [
      'with an entry that nothing identifies',
      page([{ leadId: 1, activityDate: '2026-11-20', activityTypeId: 13 }]),
    ],
    ['with a date that is none', page([{ id: 1, leadId: 1, activityDate: 'yesterday', activityTypeId: 13 }])],
  ])('%s are garbage: nothing may be skipped', async (_what, reply) => {
    const remote = await startRemote();
    remote.answer = () => reply;
    const failure = await failureOf(remote.connect().personChanges('T1', ['title']));
    expect(failure).toMatchObject({ type: FAILURES.unavailable, code: 'garbage', effect: 'none' });
  });
});

describe('Deleted persons', () => {
  it('are their ids, with the time', async () => {
    const remote = await startRemote();
    remote.answer = () =>
      page([
        {
          marketoGUID: '9',
          leadId: 501,
          activityDate: '2026-11-20T10:02:11Z',
          activityTypeId: 37,
          primaryAttributeValueId: 501,
          primaryAttributeValue: 'Ada Byron',
          attributes: [],
        },
      ]);
    expect(await remote.connect().deletedPersons('T1')).toEqual({
      ...position,
      deleted: [{ guid: '9', marketoId: 501, at: '2026-11-20T10:02:11.000Z' }],
    });
    expect(remote.calls[0]?.path).toBe('/rest/v1/activities/deletedleads.json');
  });
});

describe('Activities', () => {
  it('have their attributes by display name and by API name, as text', async () => {
    const remote = await startRemote();
    remote.answer = () =>
      page([
        {
          marketoGUID: '5',
          leadId: 501,
          activityDate: '2026-11-20T10:02:11Z',
          activityTypeId: 100001,
          primaryAttributeValue: '7d1e',
          attributes: [
            { name: 'Error Code', apiName: 'errorCode', value: 400 },
            { name: 'Nothing', value: null },
          ],
        },
      ]);
    const query = { token: 'T1', typeIds: [100001, 22], marketoIds: [501, 502] };
    expect(await remote.connect().activities(query)).toEqual({
      ...position,
      activities: [
        {
          guid: '5',
          marketoId: 501,
          at: '2026-11-20T10:02:11.000Z',
          typeId: 100001,
          primaryValue: '7d1e',
          attributes: { 'Error Code': '400', errorCode: '400' },
        },
      ],
    });
    expect(remote.calls[0]?.query.get('activityTypeIds')).toBe('100001,22');
    expect(remote.calls[0]?.query.get('leadIds')).toBe('501,502');
  });

  it.each([['[502, 503]'], ['502,503'], [[502, 503]]])('of a merge name the losers (%j)', async (value) => {
    const remote = await startRemote();
    const merge = { marketoGUID: '6', leadId: 501, activityDate: '2026-11-20T10:02:11Z', activityTypeId: 32 };
    remote.answer = () => page([{ ...merge, attributes: [{ name: 'Merge IDs', value }] }]);
    const { activities } = await remote.connect().activities({ token: 'T1', typeIds: [32] });
    expect(activities.map(mergedIds)).toEqual([[502, 503]]);
  });

  it('of a score name it, with its old and new value', async () => {
    const remote = await startRemote();
    const score = { marketoGUID: '7', leadId: 501, activityDate: '2026-11-20T10:02:11Z', activityTypeId: 22 };
    const attributes = [
      { name: 'Change Value', value: '+5' },
      { name: 'New Value', value: 15 },
      { name: 'Old Value', value: '10' },
    ];
    remote.answer = () =>
      page([
        { ...score, primaryAttributeValue: 'Person Score', attributes },
        { ...score, attributes: [{ name: 'Score Name', value: 'Person Score' }] },
        { ...score, activityTypeId: 32, primaryAttributeValue: 'Ada Byron' },
      ]);
    const { activities } = await remote.connect().activities({ token: 'T1', typeIds: [22, 32] });
    expect(activities.map(scoreChange)).toEqual([
      { name: 'Person Score', oldValue: '10', newValue: '15' },
      { name: 'Person Score', oldValue: null, newValue: null },
      undefined,
    ]);
  });

  it('are asked for within the limits of the API', async () => {
    const marketo = (await startRemote()).connect();
    const many = Array.from({ length: 31 }, (_, index) => index + 1);
    await expect(marketo.activities({ token: 'T', typeIds: [] })).rejects.toThrow(RangeError);
    await expect(marketo.activities({ token: 'T', typeIds: many.slice(0, 11) })).rejects.toThrow(RangeError);
    await expect(marketo.activities({ token: 'T', typeIds: [13], marketoIds: many })).rejects.toThrow(
      RangeError,
    );
  });
});
