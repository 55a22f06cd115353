import { describe, expect, it } from 'vitest';
import { clockAt, start, type Row, type Subject } from './client.js';

const NOW = '2026-11-20T10:00:00Z';

async function withCampaigns(): Promise<Subject> {
  const subject = await start({ now: clockAt(NOW).now, persons: [{ email: 'a@x.io' }, { email: 'b@x.io' }] });
  const make = (campaign: Row) => subject.admin('POST', '/campaigns', campaign);
  await make({ name: 'Rejected', programName: 'Sync', tokens: ['{{my.reason}}'] });
  await make({ name: 'Nightly', type: 'batch', programName: 'Sync' });
  await make({ name: 'Asleep', active: false });
  await make({ name: 'On form', isRequestable: false });
  return subject;
}

const names = ({ result }: { result: readonly Row[] }) => result.map((row) => row['name']);
const trigger = (subject: Subject, id: number, input: Row) =>
  subject.post(`/campaigns/${id}/trigger.json`, { input });
const many = (count: number, make: (index: number) => Row) =>
  Array.from({ length: count }, (_, index) => make(index));

describe('campaigns', () => {
  it('are listed, with those that can be requested on demand, and read by id', async () => {
    const subject = await withCampaigns();
    expect(names(await subject.get('/campaigns.json'))).toEqual(['Rejected', 'Nightly', 'Asleep', 'On form']);
    expect(names(await subject.get('/campaigns.json', { isTriggerable: 'true' }))).toEqual(['Rejected']);
    expect(names(await subject.get('/campaigns.json', { programName: 'Sync', name: 'Nightly' }))).toEqual([
      'Nightly',
    ]);
    expect((await subject.get('/campaigns/2002.json')).result).toEqual([
      {
        ...{ id: 2002, name: 'Nightly', type: 'batch', programName: 'Sync', programId: 901 },
        ...{ workspaceName: 'Default', createdAt: NOW, updatedAt: NOW, active: true },
      },
    ]);
    expect((await subject.get('/campaigns/7.json')).code).toBe('1013');
  });

  it('let persons in on request, with values for tokens, and log it (47)', async () => {
    const subject = await withCampaigns();
    const tokens = [{ name: '{{my.reason}}', value: 'no last name' }];
    const answer = await trigger(subject, 2001, { leads: [{ id: 1001 }, { id: 1002 }], tokens });
    expect([answer.success, answer.result]).toEqual([true, [{ id: 2001 }]]);
    expect((await subject.admin('GET', '/campaigns'))['runs']).toEqual([
      { campaignId: 2001, leadIds: [1001, 1002], tokens },
    ]);
    const { activities } = await subject.admin('GET', '/activities?typeId=47');
    expect(activities).toMatchObject([
      { leadId: 1001, primaryAttributeValueId: 2001, primaryAttributeValue: 'Rejected' },
      { leadId: 1002, primaryAttributeValueId: 2001 },
    ]);
  });

  const one = [{ id: 1001 }];
  it.each<[string, number, Row, string, string]>([
    ['an unknown campaign', 7, { leads: one }, '1013', 'Campaign not found'],
    [
      'unknown persons',
      2001,
      { leads: [{ id: 1001 }, { id: 12 }, { id: 13 }] },
      '1004',
      'Lead [12, 13] not found',
    ],
    ['a batch campaign', 2002, { leads: one }, '1003', 'Batch campaign is not allowed'],
    ['an inactive campaign', 2003, { leads: one }, '1003', 'Campaign is not active'],
    [
      'a campaign of another trigger',
      2004,
      { leads: one },
      '1003',
      'or has no trigger of source Web Service API',
    ],
    ['nobody', 2001, { leads: [] }, '1002', "Missing value for required parameter 'leads'"],
    ['101 persons', 2001, { leads: many(101, () => ({ id: 1001 })) }, '1003', 'Max number of leads'],
    [
      '101 tokens',
      2001,
      { leads: one, tokens: many(101, () => ({ name: '{{my.reason}}' })) },
      '1003',
      'Max number of tokens',
    ],
    [
      'a token of no use',
      2001,
      { leads: one, tokens: [{ name: '{{my.x}}' }] },
      '1003',
      "Token '{{my.x}}' not found",
    ],
  ])('refuse a request as a whole for %s', async (_what, id, input, code, message) => {
    const subject = await withCampaigns();
    const answer = await trigger(subject, id, input);
    expect([answer.success, answer.code, answer.message]).toEqual([
      false,
      code,
      expect.stringContaining(message),
    ]);
    expect((await subject.admin('GET', '/campaigns'))['runs']).toEqual([]);
    expect((await subject.admin('GET', '/activities?typeId=47'))['activities']).toEqual([]);
  });

  it('are scheduled when they are batch campaigns, at a time to come', async () => {
    const subject = await withCampaigns();
    const schedule = (id: number, input?: Row) => subject.post(`/campaigns/${id}/schedule.json`, { input });
    expect((await schedule(2002, { runAt: '2026-11-20T12:00:00+0100' })).result).toEqual([{ id: 2002 }]);
    expect((await schedule(2002)).success).toBe(true);
    expect((await schedule(2002, { runAt: '2026-11-20T09:59:59Z' })).code).toBe('1042');
    expect((await schedule(2002, { runAt: 'tomorrow' })).code).toBe('1042');
    expect((await schedule(2001)).code).toBe('1003');
    expect((await subject.admin('GET', '/campaigns'))['runs']).toEqual([
      { campaignId: 2002, runAt: '2026-11-20T11:00:00Z', tokens: [] },
      { campaignId: 2002, runAt: '2026-11-20T10:05:00Z', tokens: [] },
    ]);
  });
});

it('lists and campaigns outlive a run', async () => {
  const { startMarketoSimulator } = await import('../../../simulators/marketo/index.js');
  const first = await startMarketoSimulator({ persons: [{ email: 'a@x.io' }] });
  const admin = async (origin: string, method: string, path: string, body?: Row): Promise<unknown> => {
    const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    return (await fetch(`${origin}/admin${path}`, { method, ...(body && json) })).json();
  };
  const before = first.revision();
  await admin(first.origin, 'POST', '/lists', { name: 'Newsletter' });
  await admin(first.origin, 'POST', '/lists/1501/members', { input: [1001] });
  await admin(first.origin, 'POST', '/campaigns', { name: 'Rejected' });
  const shown = (origin: string) =>
    Promise.all(['/lists', '/campaigns'].map((path) => admin(origin, 'GET', path)));
  const kept = await shown(first.origin);
  expect(first.revision()).not.toBe(before);
  await first.close();
  const state = JSON.parse(JSON.stringify(first.state())) as ReturnType<typeof first.state>;
  const second = await startMarketoSimulator({ state });
  expect(await shown(second.origin)).toEqual(kept);
  await second.close();
});
