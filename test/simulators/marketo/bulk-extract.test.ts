import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { exported, first, NOW, startBulk, type BulkSubject } from './bulk.js';
import type { Row } from './client.js';

const november = { startAt: '2026-11-01T00:00:00Z', endAt: '2026-11-30T00:00:00Z' };
const request = { fields: ['id', 'email'], filter: { createdAt: november } };
const persons = [
  { email: 'a@x.io', firstName: 'Ada, "Countess"', createdAt: '2026-11-02T00:00:00Z' },
  { email: 'b@x.io', createdAt: '2026-10-31T23:59:59Z' },
];

const create = (subject: BulkSubject, body: Row = request) =>
  subject.bulk('POST', '/leads/export/create.json', body);

async function enqueued(subject: BulkSubject): Promise<string> {
  const path = `/leads/export/${String(first(await create(subject))['exportId'])}`;
  await subject.bulk('POST', `${path}/enqueue.json`);
  return path;
}

describe('an export job', () => {
  it('goes from Created to Completed by the clock, and tells the size and checksum of its file', async () => {
    const subject = await startBulk({ persons });
    const created = first(await create(subject));
    expect(created).toEqual({
      exportId: created['exportId'],
      format: 'CSV',
      status: 'Created',
      createdAt: NOW,
    });
    const path = `/leads/export/${String(created['exportId'])}`;
    const status = async () => first(await subject.bulk('GET', `${path}/status.json`));

    subject.forward(60_000);
    expect(first(await subject.bulk('POST', `${path}/enqueue.json`))).toMatchObject({
      status: 'Queued',
      queuedAt: '2026-11-20T10:01:00Z',
    });
    subject.forward(59_999);
    expect(await status()).toMatchObject({ status: 'Queued' });
    subject.forward(1);
    expect(await status()).toMatchObject({ status: 'Processing', startedAt: '2026-11-20T10:02:00Z' });
    const early = await subject.file(`${path}/file.json`);
    expect([early.status, early.headers.get('content-type'), (await early.text()).startsWith('{')]).toEqual([
      404,
      'text/plain',
      false,
    ]);

    subject.forward(120_000);
    const file = await (await subject.file(`${path}/file.json`)).text();
    expect(file).toBe('id,email\n1001,a@x.io\n');
    expect(await status()).toEqual({
      ...created,
      ...{ status: 'Completed', queuedAt: '2026-11-20T10:01:00Z', startedAt: '2026-11-20T10:02:00Z' },
      ...{ finishedAt: '2026-11-20T10:04:00Z', numberOfRecords: 1, fileSize: file.length },
      fileChecksum: `sha256:${createHash('sha256').update(file).digest('hex')}`,
    });
  });

  it('gives parts of its file, and keeps it for a week', async () => {
    const subject = await startBulk({ persons });
    const path = await enqueued(subject);
    subject.forward(180_000);
    const part = async (range: string) => {
      const response = await subject.file(`${path}/file.json`, { range });
      return [response.status, response.headers.get('content-range'), await response.text()];
    };
    expect(await part('bytes=0-7')).toEqual([206, 'bytes 0-7/21', 'id,email']);
    expect(await part('bytes=9-')).toEqual([206, 'bytes 9-20/21', '1001,a@x.io\n']);
    expect(await part('bytes=-5')).toEqual([206, 'bytes 16-20/21', 'x.io\n']);
    expect(await part('bytes=21-')).toEqual([416, 'bytes */21', '']);
    subject.forward(7 * 86_400_000);
    await subject.signIn();
    expect((await subject.file(`${path}/file.json`)).status).toBe(404);
  });

  it('can answer 404 for its file for a while after it completed', async () => {
    const subject = await startBulk({ persons });
    await subject.admin('PATCH', '/settings', { exportFileLagMs: 30_000 });
    const path = await enqueued(subject);
    subject.forward(180_000);
    expect(first(await subject.bulk('GET', `${path}/status.json`))['status']).toBe('Completed');
    expect((await subject.file(`${path}/file.json`)).status).toBe(404);
    subject.forward(30_000);
    expect((await subject.file(`${path}/file.json`)).status).toBe(200);
  });

  it('can be cancelled until it completed, and is listed by status', async () => {
    const subject = await startBulk({ persons });
    const cancelled = await enqueued(subject);
    const done = await enqueued(subject);
    expect(first(await subject.bulk('POST', `${cancelled}/cancel.json`))['status']).toBe('Cancelled');
    expect(first(await subject.bulk('GET', `${cancelled}/status.json`))['status']).toBe('Canceled');
    subject.forward(180_000);
    expect((await subject.bulk('POST', `${done}/cancel.json`)).code).toBe('1003');
    const listed = async (query = '') => {
      const { result } = await subject.bulk('GET', `/leads/export.json${query}`);
      return result.map((job) => job['status']);
    };
    expect(await listed()).toEqual(['Canceled', 'Completed']);
    expect(await listed('?status=Completed,Failed')).toEqual(['Completed']);
    expect((await subject.bulk('GET', '/activities/export.json')).result).toEqual([]);
  });

  it('is refused (1029) as the eleventh in the queue, a second time, and above the quota of the day', async () => {
    const subject = await startBulk({ persons });
    const paths = [];
    for (let job = 0; job < 9; job++) paths.push(await enqueued(subject));
    const other = { user: 'other@acme.example', request };
    await subject.admin('POST', '/bulk/exports', other);
    const eleventh = `/leads/export/${String(first(await create(subject))['exportId'])}/enqueue.json`;
    expect((await subject.bulk('POST', eleventh)).message).toBe('Too many jobs (10) in queue');
    await expect(subject.admin('POST', '/bulk/exports', other)).rejects.toThrow('1029');
    const again = await subject.bulk('POST', `${paths[0] ?? ''}/enqueue.json`);
    expect([again.code, again.message]).toEqual(['1029', 'Job already queued']);

    const running = async () => {
      const { result } = await subject.bulk('GET', '/leads/export.json?status=Processing');
      return result.length;
    };
    subject.forward(60_000);
    expect(await running()).toBe(2);
    subject.forward(120_000);
    expect((await subject.bulk('POST', eleventh)).success).toBe(true);
    expect(await running()).toBe(2);

    await subject.admin('PATCH', '/settings', { exportDailyBytes: 42 });
    expect((await create(subject)).message).toMatch(/^Export daily quota/);
    subject.forward(86_400_000);
    await subject.signIn();
    expect((await create(subject)).success).toBe(true);
  });

  it('of another API user is nobody else’s to see', async () => {
    const subject = await startBulk({ persons });
    const made = await subject.admin('POST', '/bulk/exports', { user: 'other@acme.example', request });
    const path = `/leads/export/${String(made['exportId'])}`;
    expect((await subject.bulk('GET', '/leads/export.json')).result).toEqual([]);
    expect((await subject.bulk('GET', `${path}/status.json`)).code).toBe('1013');
    expect((await subject.bulk('POST', `${path}/cancel.json`)).code).toBe('1013');
    subject.forward(180_000);
    expect((await subject.file(`${path}/file.json`)).status).toBe(404);
  });
});

describe('an export of persons', () => {
  it('writes commas, tabs or semicolons, with null for nothing and headers of one’s own', async () => {
    const subject = await startBulk({ persons });
    const wanted = {
      fields: ['firstName', 'unsubscribed', 'title', 'createdAt'],
      columnHeaderNames: { firstName: 'First Name' },
      filter: { createdAt: november },
    };
    const name = '"Ada, ""Countess"""';
    const rest = ['false', 'null', '2026-11-02T00:00:00Z'];
    const header = ['First Name', 'unsubscribed', 'title', 'createdAt'];
    for (const [format, separator] of [
      ['CSV', ','],
      ['TSV', '\t'],
      ['SSV', ';'],
    ]) {
      expect(await exported(subject, 'leads', { ...wanted, format })).toBe(
        [header, [name, ...rest]].map((row) => `${row.join(separator)}\n`).join(''),
      );
    }
  });

  it('finds who changed in any field, and who is on a list', async () => {
    const subject = await startBulk({ persons });
    await subject.post('/leads/schema/fields.json', {
      input: [{ name: 'dynamicsId', displayName: 'Dynamics Id', dataType: 'string' }],
    });
    await subject.sync([{ email: 'b@x.io', dynamicsId: '7d1e' }]);
    const changed = { updatedAt: { startAt: '2026-11-20T00:00:00Z', endAt: '2026-11-21T00:00:00Z' } };
    const wanted = { fields: ['email', 'updatedAt'] };
    expect(await exported(subject, 'leads', { ...wanted, filter: changed })).toBe(
      'email,updatedAt\nb@x.io,2026-10-31T23:59:59Z\n',
    );
    await subject.admin('POST', '/lists', { name: 'Newsletter' });
    await subject.admin('POST', '/lists/1501/members', { input: [1002] });
    for (const filter of [{ staticListId: 1501 }, { staticListName: 'Newsletter' }])
      expect(await exported(subject, 'leads', { fields: ['email'], filter })).toBe('email\nb@x.io\n');
  });

  it.each<[string, Row, string]>([
    ['no fields', { fields: undefined }, '1002'],
    ['an unknown field', { fields: ['nope'] }, '1006'],
    ['an unknown format', { format: 'XLS' }, '1001'],
    ['no filter', { filter: undefined }, '1002'],
    ['two filters', { filter: { createdAt: november, updatedAt: november } }, '1003'],
    ['an unknown filter', { filter: { email: 'a@x.io' } }, '1003'],
    ['a smart list', { filter: { smartListId: 7 } }, '1035'],
    ['an unknown list', { filter: { staticListName: 'None' } }, '1013'],
    ['an open period', { filter: { createdAt: { startAt: NOW } } }, '1002'],
    ['more than 31 days', { filter: { createdAt: { ...november, endAt: '2026-12-02T00:00:01Z' } } }, '1003'],
    ['milliseconds', { filter: { createdAt: { ...november, startAt: '2026-11-01T00:00:00.000Z' } } }, '704'],
  ])('is refused with %s', async (_what, wrong, code) => {
    const subject = await startBulk({ persons });
    expect((await create(subject, { ...request, ...wrong })).code).toBe(code);
    expect((await subject.bulk('GET', '/leads/export.json')).result).toEqual([]);
  });
});

describe('an export of activities', () => {
  const today = { startAt: NOW, endAt: '2026-11-20T10:00:00Z' };

  it('shows attributes as JSON by display name, and filters by type and primary value', async () => {
    const subject = await startBulk({ persons });
    await subject.sync([{ email: 'a@x.io', title: 'CTO', city: 'Bern' }]);
    const everything = await exported(subject, 'activities', { filter: { createdAt: today } });
    const [header, ...lines] = everything.trimEnd().split('\n');
    expect(header).toBe(
      'marketoGUID,leadId,activityDate,activityTypeId,campaignId,primaryAttributeValueId,primaryAttributeValue,attributes',
    );
    expect(lines).toHaveLength(2);
    const attributes =
      '{""New Value"":""CTO"",""Reason"":""Web service API"",""Source"":""Web service API""}';
    expect(lines[0]).toBe(`3,1001,${NOW},13,null,60,Job Title,"${attributes}"`);
    const filtered = (filter: Row) =>
      exported(subject, 'activities', {
        fields: ['leadId', 'primaryAttributeValue'],
        filter: { createdAt: today, ...filter },
      });
    expect(await filtered({ primaryAttributeValues: ['City'] })).toBe(
      'leadId,primaryAttributeValue\n1001,City\n',
    );
    expect(await filtered({ primaryAttributeValueIds: [60] })).toBe(
      'leadId,primaryAttributeValue\n1001,Job Title\n',
    );
    expect(await filtered({ activityTypeIds: [12] })).toBe('leadId,primaryAttributeValue\n');
  });

  it.each<[string, Row, string]>([
    ['no period', {}, '1002'],
    ['type 37', { createdAt: today, activityTypeIds: [37] }, '1003'],
    [
      'both primary filters',
      { createdAt: today, primaryAttributeValueIds: [1], primaryAttributeValues: ['x'] },
      '1003',
    ],
    ['51 values', { createdAt: today, primaryAttributeValues: Array.from({ length: 51 }, String) }, '1003'],
  ])('is refused with %s', async (_what, filter, code) => {
    const subject = await startBulk({ persons });
    expect((await subject.bulk('POST', '/activities/export/create.json', { filter })).code).toBe(code);
  });
});

it('old paths with .. or doubled slashes work only when told to', async () => {
  const subject = await startBulk({ persons });
  const get = async (path: string) => {
    const { request } = await import('node:http');
    const { port } = new URL(subject.origin);
    const { body } = await subject.token();
    const headers = { authorization: `Bearer ${String(body['access_token'])}` };
    return new Promise<string>((resolve, reject) => {
      const call = request({ port, path, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(text));
      });
      call.on('error', reject).end();
    });
  };
  const paths = ['/rest/../bulk/v1/leads/export.json', '/rest//v1/stats/usage.json'];
  for (const path of paths) expect(await get(path)).toContain('"code":"610"');
  await subject.admin('PATCH', '/settings', { unnormalizedPaths: 'accept' });
  for (const path of paths) expect(await get(path)).toContain('"success":true');
});
