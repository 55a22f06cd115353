import { describe, expect, it } from 'vitest';
import { FAILURES } from '../../rules/failures.js';
import { failureOf, ok, refuse, startRemote } from './remote.js';

describe('The person schema', () => {
  it('is what describe2 tells this API role; what it does not tell is no right', async () => {
    const remote = await startRemote();
    remote.answer = () =>
      ok([
        {
          name: 'API Lead',
          searchableFields: [['id'], ['email'], ['leadPartitionId', 'other']],
          fields: [
            { name: 'email', displayName: 'Email Address', dataType: 'email', length: 255, updateable: true },
            { name: 'other', dataType: 'hologram', crmManaged: true },
          ],
        },
      ]);
    expect(await remote.connect().fields()).toEqual([
      {
        name: 'email',
        displayName: 'Email Address',
        type: 'email',
        length: 255,
        updateable: true,
        searchable: true,
        crmManaged: false,
      },
      {
        name: 'other',
        displayName: 'other',
        type: 'unknown',
        updateable: false,
        searchable: false,
        crmManaged: true,
      },
    ]);
    expect(remote.calls[0]?.path).toBe('/rest/v1/leads/describe2.json');
  });

  it('tells the description of one field', async () => {
    const remote = await startRemote();
    remote.answer = () =>
      ok([
        { name: 'dynamicsId', displayName: 'Dynamics Id', dataType: 'string', description: 'installation 1' },
      ]);
    expect(await remote.connect().fieldSchema('dynamicsId')).toEqual({
      name: 'dynamicsId',
      description: 'installation 1',
      type: 'string',
    });
    expect(remote.calls[0]?.path).toBe('/rest/v1/leads/schema/fields/dynamicsId.json');
  });

  it('of a field is not taken for missing where the whole API is: the endpoint is wrong', async () => {
    const remote = await startRemote();
    remote.answer = () => ({ status: 404, body: '<html>Not Found</html>' });
    const failure = await failureOf(remote.connect().fieldSchema('dynamicsId'));
    expect(failure).toMatchObject({ type: FAILURES.misconfigured, code: '404' });
  });

  it.each(['610', '702', '1006', '1013'])('has no field where Marketo answers %s', async (code) => {
    const remote = await startRemote();
    remote.answer = () => refuse(code);
    expect(await remote.connect().fieldSchema('dynamicsId')).toBeUndefined();
  });

  it('has no field where the result is empty', async () => {
    const remote = await startRemote();
    expect(await remote.connect().fieldSchema('dynamicsId')).toBeUndefined();
  });

  it('does not take a missing right for a missing field', async () => {
    const remote = await startRemote();
    remote.answer = () => refuse('603');
    expect(await failureOf(remote.connect().fieldSchema('dynamicsId'))).toMatchObject({
      type: FAILURES.forbidden,
    });
  });

  it('grows by fields, each with its own result', async () => {
    const remote = await startRemote();
    remote.answer = () =>
      ok([
        { name: 'dynamicsId', status: 'created' },
        { status: 'skipped', reasons: [{ code: '1017', message: 'Object already exists' }] },
      ]);
    const created = await remote.connect().createFields([
      { name: 'dynamicsId', displayName: 'Dynamics Id', type: 'string', description: 'key' },
      { name: 'dynamicsDeleted', displayName: 'Dynamics Deleted', type: 'boolean' },
    ]);
    expect(created).toEqual([
      { status: 'created' },
      { status: 'skipped', code: '1017', message: 'Object already exists' },
    ]);
    expect(remote.calls[0]?.body).toEqual({
      input: [
        { name: 'dynamicsId', displayName: 'Dynamics Id', dataType: 'string', description: 'key' },
        { name: 'dynamicsDeleted', displayName: 'Dynamics Deleted', dataType: 'boolean' },
      ],
    });
  });

  it('takes a new description of a field, and tells when it does not', async () => {
    const remote = await startRemote();
    remote.answer = () => ok([{ name: 'dynamicsId', status: 'updated' }]);
    const marketo = remote.connect();
    await marketo.describeField('dynamicsId', 'installation 2');
    expect(remote.calls[0]).toMatchObject({
      method: 'POST',
      path: '/rest/v1/leads/schema/fields/dynamicsId.json',
      body: { input: [{ description: 'installation 2' }] },
    });
    remote.answer = () =>
      ok([{ status: 'skipped', reasons: [{ code: '1013', message: 'Field not found' }] }]);
    expect(await failureOf(marketo.describeField('nothing', 'x'))).toMatchObject({
      type: FAILURES.refusedCall,
      code: '1013',
    });
  });

  it("tells today's calls, none on a day without any", async () => {
    const remote = await startRemote();
    remote.answer = (_seen, place) =>
      place === 0 ? ok([{ date: '2026-11-22', total: 1120, users: [] }]) : ok();
    const marketo = remote.connect();
    expect(await marketo.usageToday()).toBe(1120);
    expect(await marketo.usageToday()).toBe(0);
  });
});
