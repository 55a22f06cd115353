import Marketo from 'node-marketo-rest';
import { describe, expect, it } from 'vitest';
import { marketoScene, type MarketoScene, type Row } from './marketo-scene.js';

const clientOf = ({ simulator }: MarketoScene, maxRetries = 3): Marketo =>
  new Marketo({
    endpoint: simulator.environment['MARKETO_ENDPOINT'] ?? '',
    identity: simulator.environment['MARKETO_IDENTITY'] ?? '',
    clientId: simulator.environment['MARKETO_CLIENT_ID'] ?? '',
    clientSecret: simulator.environment['MARKETO_CLIENT_SECRET'] ?? '',
    retry: { initialDelay: 20, maxDelay: 100, maxRetries },
  });

const AN_HOUR_AGO = new Date(Date.now() - 3_600_000).toISOString();
const FIELD = { name: 'dynamicsId', displayName: 'Dynamics Id', dataType: 'string' };

/** Marketo's code of a call that the client rejects. */
const codeOf = (call: Promise<unknown>): Promise<string | undefined> =>
  call.then(
    () => undefined,
    (error: unknown) => (error as Marketo.HttpError).errors?.[0]?.code,
  );

const idsOf = (page: Marketo.Page): unknown[] => (page.result ?? []).map((row) => row['id']);

/** Records of a page and of all pages after it, as the client follows them. */
async function allOf(page: Marketo.Page): Promise<{ readonly rows: readonly Row[]; readonly pages: number }> {
  const rows = [...(page.result ?? [])];
  let pages = 1;
  for (let at = page; at.moreResult === true && at.nextPage; pages++) {
    at = await at.nextPage();
    rows.push(...(at.result ?? []));
  }
  return { rows, pages };
}

/** Adds a custom string field, which this client itself has no call for. */
async function withCustomField(scene: MarketoScene): Promise<void> {
  const { access_token } = await clientOf(scene).getOAuthToken();
  const answer = await fetch(`${scene.simulator.origin}/rest/v1/leads/schema/fields.json`, {
    method: 'POST',
    headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ input: [FIELD] }),
  });
  expect(await answer.json()).toMatchObject({ success: true });
}

describe('node-marketo-rest and tokens', () => {
  it('gets one and describes persons', async () => {
    const client = clientOf(await marketoScene());
    expect(await client.getOAuthToken()).toMatchObject({
      token_type: 'bearer',
      scope: 'api@123-abc-456.example',
    });
    const { result } = await client.lead.describe();
    expect(result).toContainEqual(
      expect.objectContaining({ rest: { name: 'email', readOnly: false }, dataType: 'email' }),
    );
  });

  it('fetches another, by itself, when all tokens expire', async () => {
    const scene = await marketoScene({ persons: [{ email: 'ada@x.io' }] });
    const client = clientOf(scene);
    await client.lead.byId(1001);
    await scene.admin('POST', '/tokens/expire');
    expect((await client.lead.byId(1001)).result).toMatchObject([{ id: 1001, email: 'ada@x.io' }]);
    expect(await scene.admin('GET', '/journal/summary')).toMatchObject({ 'GET /identity/oauth/token': 2 });
  });
});

describe('node-marketo-rest and persons', () => {
  it('reads by id and by filter, a page at a time', async () => {
    const persons = Array.from({ length: 7 }, (_, index) => ({ email: `p${index}@x.io`, firstName: 'P' }));
    const client = clientOf(await marketoScene({ persons }));
    expect((await client.lead.byId(1001, { fields: ['email', 'title'] })).result).toEqual([
      { id: 1001, email: 'p0@x.io', title: null },
    ]);
    expect(await codeOf(client.lead.byId(7))).toBe('1004');
    const emails = persons.map(({ email }) => email.toUpperCase());
    const { rows, pages } = await allOf(
      await client.lead.find('email', emails, { batchSize: 3, fields: ['id'] }),
    );
    expect([rows.map((row) => row['id']), pages]).toEqual([[1001, 1002, 1003, 1004, 1005, 1006, 1007], 3]);
    expect((await client.lead.find('email', ['nobody@x.io'])).result).toEqual([]);
    expect(await codeOf(client.lead.find('firstName', ['P']))).toBe('1011');
  });

  it('streams all pages, and stops where there is no further one', async () => {
    const persons = Array.from({ length: 5 }, (_, index) => ({ email: `p${index}@x.io` }));
    const client = clientOf(await marketoScene({ persons }));
    const args = ['email', persons.map(({ email }) => email), { batchSize: 2 }];
    const seen = [];
    for await (const row of client.streamify('lead', 'find', args)) seen.push(row['id']);
    expect(seen).toEqual([1001, 1002, 1003, 1004, 1005]);
  });

  it('creates, updates and upserts, by e-mail and by a custom field, one record skipped by itself', async () => {
    const scene = await marketoScene();
    await withCustomField(scene);
    const { lead } = clientOf(scene);
    const upsert = await lead.createOrUpdate([
      { email: 'a@x.io' },
      { email: 'bademail' },
      { email: 'b@x.io' },
    ]);
    expect(upsert.result).toEqual([
      { id: 1001, status: 'created' },
      {
        status: 'skipped',
        reasons: [{ code: '1003', message: expect.stringContaining('bademail') as string }],
      },
      { id: 1002, status: 'created' },
    ]);
    const byField = { lookupField: 'dynamicsId' };
    await lead.createOrUpdate([{ email: 'a@x.io', dynamicsId: '7d1e' }]);
    const moved = await lead.createOrUpdate(
      [
        { dynamicsId: '7d1e', email: 'moved@x.io' },
        { dynamicsId: 'new', email: 'c@x.io' },
      ],
      byField,
    );
    expect(moved.result?.map((row) => row['status'])).toEqual(['updated', 'created']);
    expect(await scene.person(1001)).toMatchObject({ email: 'moved@x.io', dynamicsId: '7d1e' });
    const again = await lead.createOrUpdate([{ email: 'b@x.io' }], { action: 'createOnly' });
    expect(again.result).toMatchObject([{ status: 'skipped', reasons: [{ code: '1005' }] }]);
    const byId = { action: 'updateOnly', lookupField: 'id' };
    const updates = await lead.createOrUpdate(
      [
        { id: 1002, title: null },
        { id: 7, title: 'x' },
      ],
      byId,
    );
    expect(updates.result).toMatchObject([{ id: 1002, status: 'updated' }, { reasons: [{ code: '1004' }] }]);
    expect(await codeOf(lead.createOrUpdate([{ email: 'a@x.io', nope: 1 }]))).toBe('1006');
    expect(await scene.admin('GET', '/stats')).toMatchObject({ persons: 3 });
  });
});

describe('node-marketo-rest and streams', () => {
  it('follows changes and activities from a date on', async () => {
    const scene = await marketoScene({ persons: [{ email: 'a@x.io' }, { email: 'b@x.io' }] });
    const { lead, activities } = clientOf(scene);
    const token = (await lead.getPageToken(AN_HOUR_AGO)).nextPageToken ?? '';
    await lead.createOrUpdate([{ email: 'a@x.io', title: 'CTO', city: 'Bern' }, { email: 'c@x.io' }]);
    const changes = await lead.getChanges(token, { fields: ['title'] });
    expect(changes.result?.map((row) => [row['activityTypeId'], row['leadId'], row['fields']])).toEqual([
      [13, 1001, [{ id: 60, name: 'title', newValue: 'CTO', oldValue: null }]],
      [12, 1003, undefined],
    ]);
    expect(changes.moreResult).toBe(false);
    const later = changes.nextPageToken ?? '';
    expect((await lead.getChanges(later, { fields: ['title'] })).result).toBeUndefined();

    const single = await lead.getActivities([1001], [12, 13], token, { batchSize: 1 });
    const { rows, pages } = await allOf(single);
    expect([rows.map((row) => row['primaryAttributeValue']), pages]).toEqual([['Job Title', 'City'], 3]);
    const types = (await activities.getActivityTypes()).result ?? [];
    expect(types.map((type) => type['id'])).toEqual(expect.arrayContaining([12, 13, 24, 25, 37, 47]));
  });

  it('goes on over empty pages', async () => {
    const persons = Array.from({ length: 9 }, () => ({}));
    const scene = await marketoScene();
    await scene.admin('PATCH', '/settings', { scanBlock: 2 });
    await scene.admin('POST', '/persons', { input: persons });
    await scene.admin('PATCH', '/persons/1001', { title: 'CTO' });
    const { lead } = clientOf(scene);
    const token = (await lead.getPageToken(AN_HOUR_AGO)).nextPageToken ?? '';
    const { rows, pages } = await allOf(await lead.getActivities([1001], [13], token));
    expect([rows.length, pages]).toEqual([1, 5]);
  });
});

describe('node-marketo-rest and lists and campaigns', () => {
  it('finds lists, adds, asks and removes persons, and reads the members', async () => {
    const scene = await marketoScene({ persons: [{ email: 'a@x.io' }, { email: 'b@x.io' }] });
    await scene.admin('POST', '/lists', { name: 'Newsletter' });
    await scene.admin('POST', '/lists', { name: 'Fair' });
    const { list, lead } = clientOf(scene);
    expect(idsOf(await list.find())).toEqual([1501, 1502]);
    expect(idsOf(await list.find({ name: ['Fair', 'None'] }))).toEqual([1502]);
    expect((await list.byId(1501)).result).toMatchObject([{ id: 1501, name: 'Newsletter' }]);

    expect((await list.addLeadsToList(1501, [1001, { id: 7 }])).result).toMatchObject([
      { id: 1001, status: 'added' },
      { id: 7, status: 'skipped', reasons: [{ code: '1004' }] },
    ]);
    expect((await list.addEmailsToList(['b@x.io', 'new@x.io'], 1501)).result).toMatchObject([
      { id: 1002, status: 'added' },
      { id: 1003, status: 'added' },
    ]);
    expect((await list.isMember(1501, [1002])).result).toEqual([{ id: 1002, status: 'memberof' }]);
    const page = await list.getLeads(1501, { batchSize: 2, fields: 'email' });
    expect((await allOf(page)).rows.map((row) => row['email'])).toEqual(['a@x.io', 'b@x.io', 'new@x.io']);
    expect((await list.removeLeadsFromList(1501, [1002])).result).toEqual([{ id: 1002, status: 'removed' }]);
    // It writes several ids into one parameter as `1001&id=1002` and encodes the `&`: no API could read that.
    expect(await codeOf(list.removeLeadsFromList(1501, [1001, 1003]))).toBe('1001');
    expect(await codeOf(list.isMember(7, [1001]))).toBe('1013');

    expect((await scene.admin('GET', '/lists'))['lists']).toMatchObject([
      { members: [1001, 1003] },
      { members: [] },
    ]);
    const token = (await lead.getPageToken(AN_HOUR_AGO)).nextPageToken ?? '';
    const logged = await lead.getActivitiesForList(1501, [24, 25], token);
    expect(logged.result?.map((row) => [row['activityTypeId'], row['leadId']])).toEqual([
      [24, 1001],
      [24, 1003],
    ]);
  });

  it('requests campaigns, and hears why not', async () => {
    const scene = await marketoScene({ persons: [{ email: 'a@x.io' }] });
    await scene.admin('POST', '/campaigns', { name: 'Rejected', tokens: ['{{my.reason}}'] });
    await scene.admin('POST', '/campaigns', { name: 'Nightly', type: 'batch' });
    const { campaign } = clientOf(scene);
    expect(idsOf(await campaign.getCampaigns())).toEqual([2001, 2002]);
    const tokens = [{ name: '{{my.reason}}', value: 'no last name' }];
    expect((await campaign.request(2001, [{ id: 1001 }], tokens)).result).toEqual([{ id: 2001 }]);
    expect(await codeOf(campaign.request(7, [{ id: 1001 }], []))).toBe('1013');
    expect(await codeOf(campaign.request(2001, [{ id: 7 }], []))).toBe('1004');
    expect(await codeOf(campaign.request(2002, [{ id: 1001 }], []))).toBe('1003');
    expect((await scene.admin('GET', '/campaigns'))['runs']).toEqual([
      { campaignId: 2001, leadIds: [1001], tokens },
    ]);
    expect(await scene.activities('?typeId=47')).toHaveLength(1);
  });
});

describe('node-marketo-rest and limits', () => {
  it('waits for the window after 606, and then is served', async () => {
    let now = Date.parse('2026-11-20T10:00:00Z');
    const scene = await marketoScene({ persons: [{ email: 'a@x.io' }], now: () => now });
    await scene.admin('PATCH', '/settings', { ratePerWindow: 3 });
    const { lead } = clientOf(scene, 50);
    for (let call = 0; call < 3; call++) expect(idsOf(await lead.byId(1001))).toEqual([1001]);
    const fourth = lead.byId(1001);
    await expect
      .poll(async () => (await scene.admin('GET', '/journal'))['calls'], { timeout: 10_000 })
      .toContainEqual(expect.objectContaining({ code: '606' }));
    now += 20_000;
    expect(idsOf(await fourth)).toEqual([1001]);
  });

  it('gives up after its retries on 606, at once on 607, and tries 502 and 604 again', async () => {
    const scene = await marketoScene({ persons: [{ email: 'a@x.io' }] });
    const { lead, stats } = clientOf(scene);
    const arm = (fault: Row) => scene.admin('POST', '/faults', { path: '/lead/', ...fault });
    await arm({ kind: 'code', code: '606', times: 4 });
    expect(await codeOf(lead.byId(1001))).toBe('606');
    await arm({ kind: 'code', code: '607' });
    expect(await codeOf(lead.byId(1001))).toBe('607');
    await arm({ kind: 'refuse', status: 502 });
    await arm({ kind: 'code', code: '604' });
    expect(idsOf(await lead.byId(1001))).toEqual([1001]);

    const [usage] = (await stats.usage()).result ?? [];
    expect(usage).toMatchObject({ users: [{ userId: 'api@123-abc-456.example', count: usage?.['total'] }] });
    expect((await stats.usageLast7Days()).result).toHaveLength(1);
    const errors = [
      { errorCode: '606', count: 4 },
      { errorCode: '607', count: 1 },
      { errorCode: '604', count: 1 },
    ];
    expect((await stats.errors()).result).toMatchObject([{ total: 6, errors }]);
    expect((await stats.errorsLast7Days()).result).toMatchObject([{ total: 6 }]);
  });
});

describe('node-marketo-rest and bulk extracts', () => {
  const period = { startAt: '2026-11-01T00:00:00Z', endAt: '2026-11-30T00:00:00Z' };
  const persons = [{ email: 'a@x.io', createdAt: '2026-11-02T00:00:00Z' }];

  /** Its bulk paths begin with `/rest/../bulk`, and it sends them so. */
  const bulkScene = async (): Promise<MarketoScene> => {
    const scene = await marketoScene({ persons, now: () => Date.parse('2026-11-20T10:00:00Z') });
    await scene.admin('PATCH', '/settings', {
      unnormalizedPaths: 'accept',
      bulkQueueMs: 0,
      bulkProcessingMs: 0,
    });
    return scene;
  };

  it('cannot be reached with its old paths unless the simulator is told to take them', async () => {
    const { bulkLeadExtract } = clientOf(await marketoScene());
    expect(await codeOf(bulkLeadExtract.create(['id'], { createdAt: period }))).toBe('610');
  });

  it('go from the request to the file, for persons and for activities', async () => {
    const { bulkLeadExtract, bulkActivityExtract } = clientOf(await bulkScene());
    const leads = await bulkLeadExtract.get(['id', 'email'], { createdAt: period });
    expect(leads.result).toMatchObject([{ status: 'Completed', numberOfRecords: 1 }]);
    expect(await bulkLeadExtract.file(String(leads.result?.[0]?.['exportId']))).toBe(
      'id,email\n1001,a@x.io\n',
    );
    const activities = await bulkActivityExtract.get({ createdAt: period, activityTypeIds: [12] });
    const file = String(await bulkActivityExtract.file(String(activities.result?.[0]?.['exportId'])));
    expect(file.split('\n')[1]).toMatch(/^1,1001,2026-11-02T00:00:00Z,12,null,1001,/);
  });

  it('are cancelled, and a file that is not there is 404', async () => {
    const scene = await bulkScene();
    await scene.admin('PATCH', '/settings', { bulkQueueMs: 60_000 });
    const { bulkLeadExtract } = clientOf(scene);
    const created = await bulkLeadExtract.create(['id'], { createdAt: period });
    const exportId = String(created.result?.[0]?.['exportId']);
    expect((await bulkLeadExtract.enqueue(exportId)).result).toMatchObject([{ status: 'Queued' }]);
    await expect(bulkLeadExtract.file(exportId)).rejects.toMatchObject({ code: 404 });
    expect((await bulkLeadExtract.cancel(exportId)).result).toMatchObject([{ status: 'Cancelled' }]);
    expect((await bulkLeadExtract.status(exportId)).result).toMatchObject([{ status: 'Canceled' }]);
    expect(await codeOf(bulkLeadExtract.create(['id'], { smartListId: 7 }))).toBe('1035');
  });
});
