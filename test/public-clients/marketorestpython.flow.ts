import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { marketoScene, type MarketoScene, type Row } from './marketo-scene.js';
import { runPython, stepsOf, type PythonRun, type Step } from './python.js';

const SCRIPT = 'marketorestpython_flow.py';

const environmentOf = ({ simulator }: MarketoScene): Record<string, string> => ({
  ...simulator.environment,
  MARKETO_ORIGIN: simulator.origin,
});

/** A custom string field, made by a user: this client has no call for the schema. */
async function withCustomField({ simulator }: MarketoScene): Promise<void> {
  const { environment, origin } = simulator;
  const query = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: environment['MARKETO_CLIENT_ID'] ?? '',
    client_secret: environment['MARKETO_CLIENT_SECRET'] ?? '',
  });
  const token = (await (await fetch(`${origin}/identity/oauth/token?${query.toString()}`)).json()) as Row;
  await fetch(`${origin}/rest/v1/leads/schema/fields.json`, {
    method: 'POST',
    headers: { authorization: `Bearer ${String(token['access_token'])}`, 'content-type': 'application/json' },
    body: JSON.stringify({ input: [{ name: 'dynamicsId', displayName: 'Dynamics Id', dataType: 'string' }] }),
  });
}

const ids = (rows: unknown): unknown[] => (rows as readonly Row[]).map((row) => row['id']);
/** The client's own exceptions hold Marketo's code in their text. */
const refusal = (code: string): unknown => ({
  type: 'Exception',
  text: expect.stringContaining(`'code': '${code}'`) as string,
});

describe('marketorestpython, from the first call to the last', () => {
  let steps: ReadonlyMap<string, Step> = new Map();
  let end: Readonly<Record<'person' | 'imported' | 'lists' | 'campaigns' | 'summary', unknown>>;
  const step = (name: string): Row => steps.get(name) ?? {};

  beforeAll(async () => {
    const scene = await marketoScene();
    await withCustomField(scene);
    await scene.admin('PATCH', '/settings', { bulkQueueMs: 0, bulkProcessingMs: 0 });
    await scene.admin('POST', '/lists', { name: 'Newsletter' });
    await scene.admin('POST', '/lists', { name: 'Fair' });
    await scene.admin('POST', '/campaigns', { name: 'Rejected', tokens: ['{{my.reason}}'] });
    await scene.admin('POST', '/campaigns', { name: 'Nightly', type: 'batch' });
    await scene.admin('DELETE', '/journal');
    steps = await stepsOf(SCRIPT, environmentOf(scene), ['life']);
    const { persons } = await scene.admin('GET', '/persons');
    end = {
      person: await scene.person(1002),
      imported: (persons as readonly Row[]).find(({ email }) => email === 'imported@x.io'),
      lists: (await scene.admin('GET', '/lists'))['lists'],
      campaigns: (await scene.admin('GET', '/campaigns'))['runs'],
      summary: await scene.admin('GET', '/journal/summary'),
    };
  });

  it('gets one token for all its calls, and describes persons in both ways', () => {
    expect(step('scope')['scope']).toBe('api@123-abc-456.example');
    expect(end.summary).toMatchObject({ 'GET /identity/oauth/token': 1 });
    const email = expect.objectContaining({ rest: { name: 'email', readOnly: false } }) as unknown;
    expect(step('describe')['old']).toContainEqual(email);
    expect(step('describe')['new']).toMatchObject([
      { searchableFields: expect.arrayContaining([['email'], ['dynamicsId']]) as unknown },
    ]);
  });

  it('creates and updates, by e-mail and by a custom field, one record skipped by itself', () => {
    const reasons = [{ code: '1003', message: "Invalid value for field 'email' and value 'bademail'" }];
    expect(step('upsert')['result']).toEqual([
      { id: 1001, status: 'created' },
      { status: 'skipped', reasons },
      { id: 1002, status: 'created' },
    ]);
    expect(step('custom field')['result']).toEqual([{ id: 1002, status: 'updated' }]);
    expect(end.person).toMatchObject({ email: 'moved@x.io', dynamicsId: '7d1e' });
    expect(step('partial')).toMatchObject({
      again: [{ status: 'skipped', reasons: [{ code: '1005' }] }],
      absent: [{ status: 'skipped', reasons: [{ code: '1004' }] }],
    });
    expect(step('unknown field')['failure']).toEqual(refusal('1006'));
  });

  it('reads by id, and by a filter longer than any URL, a page at a time', () => {
    expect(step('by id')['result']).toEqual([{ id: 1001, email: 'a@x.io', title: null }]);
    expect(step('no such lead')['failure']).toEqual(refusal('1004'));
    expect(step('long query')['characters']).toBeGreaterThan(8192);
    expect(step('long query')['result']).toEqual([{ id: 1001 }, { id: 1002 }]);
    expect(end.summary).toMatchObject({ 'GET /rest/v1/leads.json': 3 });
    expect(step('bad filter')['failure']).toEqual(refusal('1011'));
  });

  it('follows changes, activities and deletes', () => {
    const kinds = (rows: unknown) =>
      (rows as readonly Row[]).map((row) => [row['activityTypeId'], row['leadId']]);
    const changes = step('changes');
    expect(kinds(changes['result'])).toEqual([
      [12, 1001],
      [12, 1002],
      [13, 1001],
    ]);
    expect(changes['pages']).toHaveLength(3);
    expect(kinds(step('activities')['result'])).toEqual([
      [12, 1001],
      [13, 1001],
    ]);
    expect(step('activities')['types']).toEqual(expect.arrayContaining([12, 13, 24, 25, 37, 47]));
    const gone = step('deleted leads')['gone'];
    expect(step('delete')['result']).toMatchObject([
      { id: gone, status: 'deleted' },
      { status: 'skipped', reasons: [{ code: '1004' }] },
    ]);
    expect(kinds(step('deleted leads')['result'])).toEqual([[37, gone]]);
  });

  it('makes a custom activity type and logs with it', () => {
    expect(step('custom activities')).toMatchObject({
      approved: { apiName: 'syncRejected', status: 'approved' },
      added: [{ status: 'added' }, { status: 'skipped', errors: [{ code: '1004' }] }],
      listed: ['syncRejected'],
    });
  });

  it('finds lists, adds, asks and removes persons, and reads the members', () => {
    const lists = step('lists');
    expect([ids(lists['all']), ids(lists['named'])]).toEqual([[1501, 1502], [1501]]);
    expect(lists).toMatchObject({
      added: [{ status: 'added' }, { status: 'added' }, { id: 7, status: 'skipped' }],
      member: [{ status: 'memberof' }, { status: 'memberof' }],
      leads: [
        { id: 1001, email: 'a@x.io' },
        { id: 1002, email: 'moved@x.io' },
      ],
      removed: [{ status: 'removed' }, { id: 1003, status: 'skipped' }],
      unknown: refusal('1013'),
    });
  });

  it('requests and schedules campaigns, and hears why not', () => {
    const campaigns = step('campaigns');
    const listed = ['all', 'by_ids', 'by_id'].map((name) => ids(campaigns[name]));
    expect(listed).toEqual([[2001, 2002], [2001, 2002], [2001]]);
    expect(campaigns).toMatchObject({ requested: true, scheduled: true });
    expect(campaigns).toMatchObject({
      batch: refusal('1003'),
      unknown: refusal('1013'),
      nobody: refusal('1004'),
    });
    expect(end.campaigns).toEqual([
      { campaignId: 2001, leadIds: [1001], tokens: [{ name: '{{my.reason}}', value: 'no last name' }] },
      { campaignId: 2002, runAt: '2099-01-01T00:00:00Z', tokens: [] },
    ]);
  });

  it('exports in bulk', () => {
    expect(step('lead export')).toMatchObject({
      job: { status: 'Created', format: 'CSV' },
      done: { status: 'Completed', numberOfRecords: 1 },
      file: 'id,email\n1001,a@x.io\n',
    });
    expect(step('activity export')).toMatchObject({
      cancelled: { status: 'Cancelled' },
      listed: ['Canceled'],
    });
    expect(step('bad export')['failure']).toEqual(refusal('1035'));
  });

  it('imports in bulk, and gets the rows that failed', () => {
    expect(step('import')).toMatchObject({
      batch: { batchId: 3401, status: 'Queued' },
      status: [{ status: 'Complete', numOfLeadsProcessed: 1, numOfRowsFailed: 1, numOfRowsWithWarning: 1 }],
      warnings: expect.stringContaining('\nimported@x.io,Zoë,many,Invalid value for') as string,
      failures: expect.stringContaining('Import Failure Reason\nbad mail,Eve,3,') as string,
    });
    expect(end.imported).toMatchObject({ firstName: 'Zoë' });
    expect(end.lists).toMatchObject([{ members: [1001, (end.imported as Row)['id']] }, { members: [] }]);
  });

  it('asks for usage and errors', () => {
    const { today, week, errors, week_of_errors } = step('usage');
    const [day] = today as readonly Row[];
    expect(day).toMatchObject({ users: [{ userId: 'api@123-abc-456.example', count: day?.['total'] }] });
    expect([week, week_of_errors]).toEqual([[expect.anything()], errors]);
    expect(errors).toMatchObject([
      { errors: expect.arrayContaining([{ errorCode: '1011', count: 1 }]) as unknown },
    ]);
  });
});

describe('marketorestpython', () => {
  const runs: PythonRun[] = [];
  afterEach(() => runs.splice(0).forEach((run) => run.stop()));

  const begin = async (part: string): Promise<{ scene: MarketoScene; run: PythonRun }> => {
    const scene = await marketoScene({ persons: [{ email: 'a@x.io' }] });
    const run = runPython(SCRIPT, environmentOf(scene), [part]);
    runs.push(run);
    return { scene, run };
  };

  /** Lets the script go on once the simulator is prepared for it. */
  const meanwhile = async (run: PythonRun, name: string, prepare: () => Promise<unknown>): Promise<Step> => {
    expect((await run.next()).step).toBe(`ready for ${name}`);
    await prepare();
    run.goOn();
    return run.next();
  };

  it('loses its token when it tries again after 606, and gives up on 607 and on what is no JSON', async () => {
    const { scene, run } = await begin('faults');
    const meet = (name: string, fault: Row) =>
      meanwhile(run, name, () => scene.admin('POST', '/faults', { path: '/lead/', ...fault }));
    // It takes the token out of its arguments before the first try and has none for the second: 603, as documented.
    expect((await meet('606', { kind: 'code', code: '606' }))['failure']).toEqual(refusal('603'));
    const { calls } = await scene.admin('GET', '/journal');
    const codes = (calls as readonly Row[]).map((call) => call['code']);
    expect(codes).toEqual([null, '606', '603']);
    expect((await meet('607', { kind: 'code', code: '607' }))['failure']).toEqual(refusal('607'));
    const gateway = await meet('gateway', { kind: 'refuse', status: 502 });
    expect(gateway['failure']).toMatchObject({ type: 'JSONDecodeError' });
  });

  it('does not get over the expiry of all tokens, but over the expected end of its own', async () => {
    const { scene, run } = await begin('expiry');
    // It asks for another token only when its own clock says so: ten calls answered 602, and then nothing at all.
    const expired = await meanwhile(run, 'expiry', () => scene.admin('POST', '/tokens/expire'));
    expect(expired['result']).toBeNull();
    expect(ids(expired['fresh'])).toEqual([1001]);
    const { calls } = await scene.admin('GET', '/journal');
    expect((calls as readonly Row[]).filter((call) => call['code'] === '602')).toHaveLength(10);

    const short = await meanwhile(run, 'short tokens', async () => {
      await scene.admin('PATCH', '/settings', { tokenLifetimeSeconds: 30 });
      await scene.admin('POST', '/tokens/expire');
    });
    expect((short['results'] as unknown[]).map(ids)).toEqual([[1001], [1001], [1001]]);
    expect((await run.next())['failure']).toEqual({ type: 'Exception', text: 'Bad client credentials' });
    expect((await run.next()).step).toBe('end');
    await run.ended();
  });
});
