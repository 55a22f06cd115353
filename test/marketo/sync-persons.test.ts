import { describe, expect, it } from 'vitest';
import { failureOf, ok, startRemote } from './remote.js';

describe('Sync persons', () => {
  it('sends action, lookup field and records as they are, nulls among them', async () => {
    const remote = await startRemote();
    remote.answer = () => ok([{ id: 501, status: 'updated' }]);
    const records = [{ id: 501, title: null, doNotCall: false }];
    await remote.connect().syncPersons({ action: 'updateOnly', lookupField: 'id', records });
    expect(remote.calls[0]).toMatchObject({
      method: 'POST',
      path: '/rest/v1/leads.json',
      body: { action: 'updateOnly', lookupField: 'id', input: records },
    });
    expect(remote.calls[0]?.headers['content-type']).toBe('application/json');
  });

  it('gives every record its own result, also those that Marketo skips without an id', async () => {
    const remote = await startRemote();
    remote.answer = () =>
      ok([
        { id: 501, status: 'created' },
        {
          status: 'skipped',
          reasons: [{ code: '1003', message: "Invalid value for field 'isCustomer' and value 'o'ther'" }],
        },
        {
          id: 502,
          status: 'skipped',
          reasons: [{ code: 1007, message: 'Multiple lead match lookup criteria' }],
        },
        { status: 'skipped' },
        { id: 503, status: 'updated' },
      ]);
    const records = [{ email: 'a' }, { email: 'b' }, { email: 'c' }, { email: 'd' }, { email: 'e' }];
    expect(
      await remote.connect().syncPersons({ action: 'createOrUpdate', lookupField: 'email', records }),
    ).toEqual([
      { status: 'created', id: 501 },
      {
        status: 'skipped',
        code: '1003',
        message: "Invalid value for field 'isCustomer' and value 'o'ther'",
        field: 'isCustomer',
      },
      { status: 'skipped', id: 502, code: '1007', message: 'Multiple lead match lookup criteria' },
      { status: 'skipped', code: 'unstated', message: 'Marketo skipped the record without a reason' },
      { status: 'updated', id: 503 },
    ]);
  });

  it.each([
    [
      'one result more',
      [
        { id: 1, status: 'updated' },
        { id: 2, status: 'updated' },
      ],
    ],
    ['one result less', []],
    ['a created record without its id', [{ status: 'created' }]],
  ])('trusts nothing of an answer with %s', async (_what, result) => {
    const remote = await startRemote();
    remote.answer = () => ok(result);
    const records = [{ email: 'a' }];
    const work = remote.connect().syncPersons({ action: 'createOnly', lookupField: 'email', records });
    expect(await failureOf(work)).toMatchObject({ code: 'garbage', effect: 'unknown' });
  });

  it('makes no call for no records, and none for more than 300', async () => {
    const remote = await startRemote();
    const marketo = remote.connect();
    const call = { action: 'updateOnly', lookupField: 'id' } as const;
    expect(await marketo.syncPersons({ ...call, records: [] })).toEqual([]);
    const records = Array.from({ length: 301 }, (_, id) => ({ id }));
    await expect(marketo.syncPersons({ ...call, records })).rejects.toThrow(RangeError);
    expect(remote.calls).toEqual([]);
  });
});
