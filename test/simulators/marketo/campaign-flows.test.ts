import { describe, expect, it, vi } from 'vitest';
import { clockAt, start, type Row, type Subject } from './client.js';

const NOW = '2026-11-20T10:00:00Z';

const make = (subject: Subject, campaign: Row) => subject.admin('POST', '/campaigns', campaign);
const set = (field: string, value: unknown) => ({ do: 'changeDataValue', field, value });
const read = async (subject: Subject, id: number, ...fields: string[]) => {
  const { person } = await subject.admin('GET', `/persons/${id}`);
  return fields.map((field) => (person as Row)[field]);
};
const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 5000, interval: 10 });
const fill = (subject: Subject, values: Row, more: Row = {}) =>
  subject.admin('POST', '/forms/fill', { values, ...more });

describe('a form that is filled in', () => {
  it('creates or updates the person by e-mail address, in any case, and is logged (2)', async () => {
    const subject = await start({ now: clockAt(NOW).now });
    const cookie = 'token:_mch-example.com-1';
    expect(await fill(subject, { email: 'a@x.io', title: 'VP' }, { cookie })).toEqual({
      id: 1001,
      created: true,
    });
    expect(await fill(subject, { email: 'A@x.io', title: 'CTO' }, { form: 'Demo' })).toEqual({
      ...{ id: 1001, created: false },
    });
    expect(await read(subject, 1001, 'title', 'email')).toEqual(['CTO', 'A@x.io']);
    const found = await subject.get('/leads.json', { filterType: 'cookies', filterValues: cookie });
    expect(found.result).toMatchObject([{ id: 1001 }]);
    const { activities } = await subject.admin('GET', '/activities?leadId=1001');
    const shown = (activities as Row[]).map(({ activityTypeId, primaryAttributeValue }) => [
      ...[activityTypeId, primaryAttributeValue],
    ]);
    expect(shown).toEqual([
      [12, ''],
      [2, 'Contact us'],
      [13, 'Email Address'],
      [13, 'Job Title'],
      [2, 'Demo'],
    ]);
    const { activities: changes } = await subject.admin('GET', '/activities?typeId=13');
    expect((changes as Row[])[1]).toMatchObject({
      attributes: expect.arrayContaining([
        { name: 'Reason', value: 'Form fill-out, URL: https://www.example.com/contact-us' },
        { name: 'Source', value: 'Web form fillout' },
      ]) as unknown,
    });
    await expect(fill(subject, { title: 'x' })).rejects.toThrow('email is missing');
    await expect(fill(subject, { email: 'b@x.io', nothing: 1 })).rejects.toThrow("no person field 'nothing'");
  });

  it('changes the person who changed last, when several have the address', async () => {
    const clock = clockAt(NOW);
    const subject = await start({ now: clock.now, persons: [{ email: 'a@x.io' }, { email: 'a@x.io' }] });
    clock.forward(1000);
    await subject.admin('PATCH', '/persons/1001', { city: 'Rome' });
    expect(await fill(subject, { email: 'a@x.io' })).toEqual({ id: 1001, created: false });
  });
});

describe('a trigger campaign', () => {
  it('lets in whoever its trigger is about and its filter holds, with all values of the call', async () => {
    const subject = await start();
    await make(subject, {
      ...{
        name: 'DE',
        triggers: [{ on: 'personCreated' }],
        filter: { where: [{ field: 'country', is: 'DE' }] },
      },
      flow: [set('leadStatus', '{{trigger.Trigger Name}}'), set('leadScore', 5), set('unsubscribed', 'true')],
    });
    await make(subject, {
      ...{ name: 'Scored', triggers: [{ on: 'dataValueChanged', field: 'leadScore', to: '5' }] },
      flow: [set('rating', 'Hot {{campaign.name}} {{program.Name}} {{lead.Lead Score}}')],
    });
    await make(subject, {
      ...{ name: 'Demo', triggers: [{ on: 'formFilled', form: 'Demo' }] },
      flow: [set('department', null), set('city', '{{my.none}}{{system.date}}')],
    });
    await subject.sync([
      { email: 'a@x.io', country: 'DE' },
      { email: 'b@x.io', country: 'FR' },
    ]);
    await eventually(async () => {
      expect(await read(subject, 1001, 'leadStatus', 'leadScore', 'unsubscribed', 'rating')).toEqual([
        ...['Person is Created', 5, true, 'Hot Scored Default program 5'],
      ]);
    });
    expect(await read(subject, 1002, 'leadStatus', 'rating')).toEqual([null, null]);
    await fill(subject, { email: 'b@x.io', department: 'Sales' });
    await fill(subject, { email: 'b@x.io', department: 'Sales' }, { form: 'Demo' });
    await eventually(async () => {
      expect((await read(subject, 1002, 'city'))[0]).toMatch(/^\d{4}-\d\d-\d\d$/);
    });
    expect(await read(subject, 1002, 'department')).toEqual([null]);
    const { activities } = await subject.admin('GET', '/activities?typeId=13&leadId=1001');
    expect((activities as Row[])[0]).toMatchObject({
      attributes: expect.arrayContaining([
        {
          ...{ name: 'Reason' },
          value: 'Changed by Smart Campaign Default program.DE action Change Data Value',
        },
      ]) as unknown,
    });
  });

  it('lets a person through once or every time, and only while it is active', async () => {
    const subject = await start();
    const flow = [set('leadStatus', '{{lead.Lead Status}}x')];
    const triggers = [{ on: 'formFilled' }];
    await make(subject, { name: 'Once', triggers, flow, qualification: 'once' });
    await make(subject, { name: 'Every', triggers, flow: [set('rating', '{{lead.Lead Rating}}y')] });
    const twice = async () => {
      await fill(subject, { email: 'a@x.io' });
      await fill(subject, { email: 'a@x.io' });
    };
    await twice();
    await eventually(async () =>
      expect(await read(subject, 1001, 'leadStatus', 'rating')).toEqual(['x', 'yy']),
    );
    const write = async (verb: string) =>
      (await subject.raw(`/rest/asset/v1/smartCampaign/2002/${verb}.json`, { method: 'POST' })).json();
    expect(await write('deactivate')).toMatchObject({ success: true, result: [{ id: 2002 }] });
    expect(await write('deactivate')).toMatchObject({ success: false, errors: [{ code: '709' }] });
    await twice();
    expect(await subject.admin('GET', '/flows')).toEqual({ parties: 0, persons: 0, scheduled: [] });
    expect(await read(subject, 1001, 'rating')).toEqual(['yy']);
    await write('activate');
    await twice();
    await eventually(async () => expect(await read(subject, 1001, 'rating')).toEqual(['yyyy']));
  });

  it('hears of a custom activity', async () => {
    const subject = await start({ persons: [{ email: 'a@x.io' }] });
    const primaryAttribute = { apiName: 'what', name: 'What', dataType: 'string' };
    const type = { apiName: 'synced', name: 'Synced', triggerName: 'Is Synced', filterName: 'Was Synced' };
    await subject.post('/activities/external/type.json', { ...type, primaryAttribute });
    await subject.post('/activities/external/type/synced/approve.json');
    const flow = [set('leadStatus', '{{trigger.Trigger Name}}: {{trigger.Name}}')];
    await make(subject, { name: 'C', triggers: [{ on: 'customActivity', type: 'synced' }], flow });
    const activity = { leadId: 1001, activityDate: NOW, activityTypeId: 100_001, attributes: [] };
    await subject.post('/activities/external.json', {
      input: [{ ...activity, primaryAttributeValue: 'refused' }],
    });
    await eventually(async () => {
      expect(await read(subject, 1001, 'leadStatus')).toEqual(['Is Synced: refused']);
    });
  });

  it.each<[string, Row, string]>([
    ['a field', { flow: [set('nothing', 1)] }, "flow[0]: there is no person field 'nothing'"],
    ['a read-only field', { flow: [set('mktoName', 'x')] }, 'is read-only'],
    ['a token', { flow: [set('city', '{{lead.Nowhere}}')] }, '{{lead.Nowhere}} is no field'],
    ['a webhook', { flow: [{ do: 'callWebhook', webhook: 'x' }] }, "there is no webhook 'x'"],
    ['a service', { flow: [{ do: 'flowStep', service: 'x' }] }, "no flow step service 'x'"],
    ['a list', { filter: { list: 7 } }, 'there is no list 7'],
    ['a field to filter by', { filter: { where: [{ field: 'x', empty: true }] } }, "no person field 'x'"],
    ['a trigger’s field', { triggers: [{ on: 'dataValueChanged', field: 'x' }] }, "no person field 'x'"],
    ['a trigger’s service', { triggers: [{ on: 'flowStep', service: 'x' }] }, "no flow step service 'x'"],
    ['a type', { triggers: [{ on: 'customActivity', type: 'x' }] }, "no custom activity type 'x'"],
    ['another trigger', { triggers: [{ on: 'someday' }] }, 'triggers'],
    ['two things at once', { triggers: [], isRequestable: true }, 'not both'],
    [
      'a trigger of a batch',
      { type: 'batch', triggers: [{ on: 'personCreated' }] },
      'a batch campaign has none',
    ],
  ])('is refused when it names what is not there: %s', async (_what, campaign, message) => {
    const subject = await start();
    await expect(make(subject, { name: 'Bad', ...campaign })).rejects.toThrow(message);
    expect((await subject.admin('GET', '/campaigns'))['campaigns']).toEqual([]);
  });
});

describe('a batch campaign', () => {
  it('runs when it is scheduled, for those whom its smart list holds', async () => {
    const clock = clockAt(NOW);
    const persons = ['DE', 'DE', 'FR'].map((country, index) => ({ email: `p${index}@x.io`, country }));
    const subject = await start({ now: clock.now, persons });
    await subject.admin('POST', '/lists', { name: 'Some' });
    await subject.admin('POST', '/lists/1501/members', { input: [1002, 1003] });
    const filter = { list: 1501, where: [{ field: 'country', is: 'de' }] };
    const flow = [set('leadStatus', '{{my.status}}')];
    const tokens = [{ name: '{{my.status}}', value: 'Old' }];
    await make(subject, { name: 'Nightly', type: 'batch', filter, flow, tokens });
    const input = { runAt: '2026-11-20T11:00:00Z', tokens: [{ name: '{{my.status}}', value: 'New' }] };
    expect((await subject.post('/campaigns/2001/schedule.json', { input })).success).toBe(true);
    const { scheduled } = await subject.admin('GET', '/flows');
    expect(scheduled).toEqual([{ campaignId: 2001, runAt: '2026-11-20T11:00:00Z' }]);
    clock.forward(3_599_000);
    await subject.admin('GET', '/flows');
    expect(await read(subject, 1002, 'leadStatus')).toEqual([null]);
    clock.forward(1000);
    await eventually(async () => expect(await read(subject, 1002, 'leadStatus')).toEqual(['New']));
    expect(await read(subject, 1001, 'leadStatus')).toEqual([null]);
    expect(await read(subject, 1003, 'leadStatus')).toEqual([null]);
    expect(await subject.admin('POST', '/campaigns/2001/run')).toEqual({ persons: 1 });
    await eventually(async () => expect(await read(subject, 1002, 'leadStatus')).toEqual(['Old']));
    expect(await subject.admin('POST', '/campaigns/2001/run', { runAt: '2026-11-21T00:00:00Z' })).toEqual({
      runAt: '2026-11-21T00:00:00Z',
    });
    await make(subject, { name: 'Trigger' });
    await expect(subject.admin('POST', '/campaigns/2002/run')).rejects.toThrow('activate it instead');
    await expect(subject.admin('POST', '/campaigns/9/run')).rejects.toThrow('404');
  });
});

it('smart campaigns are listed by the asset API, in pages and with warnings', async () => {
  const subject = await start({ now: clockAt(NOW).now });
  const asset = async (path: string) => (await subject.raw(`/rest/asset/v1/${path}`)).json() as Promise<Row>;
  expect(await asset('smartCampaigns.json')).toMatchObject({
    ...{ success: true, warnings: ['No assets found for the given search criteria.'] },
  });
  await make(subject, { name: 'One', description: 'first', qualification: 'once' });
  await make(subject, { name: 'Two', type: 'batch' });
  const all = await asset('smartCampaigns.json?maxReturn=1&offset=0');
  expect(all['result']).toEqual([
    {
      ...{ id: 2001, name: 'One', description: 'first', type: 'trigger', status: 'Active' },
      ...{ createdAt: '2026-11-20T10:00:00Z+0000', updatedAt: '2026-11-20T10:00:00Z+0000' },
      ...{ folder: { id: 901, type: 'Program' }, isSystem: false, isActive: true, isRequestable: true },
      ...{ isCommunicationLimitEnabled: false, qualificationRuleType: 'once', workspace: 'Default' },
      ...{ parentProgramId: 901, parentFolderId: 30901, smartListId: 22001, flowId: 12001 },
    },
  ]);
  expect(await asset('smartCampaign/2002.json')).toMatchObject({
    result: [{ name: 'Two', isRequestable: false }],
  });
  expect(await asset('smartCampaign/byName.json?name=Two')).toMatchObject({ result: [{ id: 2002 }] });
  expect(await asset('smartCampaign/7.json')).not.toHaveProperty('result');
  expect(await asset('smartCampaigns.json?maxReturn=201')).toMatchObject({ errors: [{ code: '1003' }] });
});
