import { describe, expect, it } from 'vitest';
import { first, startBulk, type BulkSubject } from './bulk.js';

const persons = [{ email: 'a@x.io', title: 'CTO' }, { email: 'twin@x.io' }, { email: 'twin@x.io' }];

const status = async (subject: BulkSubject, batchId: unknown) =>
  first(await subject.bulk('GET', `/leads/batch/${String(batchId)}.json`));

const rows = async (subject: BulkSubject, which: 'failures' | 'warnings', batchId = 3401) =>
  (await subject.file(`/leads/batch/${batchId}/${which}.json`)).text();

describe('a bulk import', () => {
  it('creates and updates by e-mail, puts all on a list, and tells of rows that failed or lost a value', async () => {
    const subject = await startBulk({ persons });
    await subject.admin('POST', '/lists', { name: 'Fair' });
    const content = [
      'email,title,firstName,unsubscribed,numberOfEmployees',
      'a@x.io,null,,true,',
      'new@x.io,"Head of ""R&D"", EMEA",Eve,0,many',
      'twin@x.io,VP,,,',
      'bad mail,VP,,,',
      'short@x.io,VP',
      '',
    ].join('\r\n');
    expect((await subject.upload('format=csv&listId=1501', content)).result).toEqual([
      { batchId: 3401, importId: '3401', status: 'Queued' },
    ]);
    expect(await status(subject, 3401)).toEqual({ batchId: 3401, status: 'Queued' });
    expect((await subject.upload('format=csv&listId=1501', content)).code).toBe('1019');
    expect((await subject.file('/leads/batch/3401/failures.json')).status).toBe(404);
    subject.forward(60_000);
    expect(await status(subject, 3401)).toEqual({ batchId: 3401, status: 'Importing' });
    subject.forward(120_000);
    expect(await status(subject, 3401)).toEqual({
      ...{
        batchId: 3401,
        status: 'Complete',
        numOfLeadsProcessed: 2,
        numOfRowsFailed: 3,
        numOfRowsWithWarning: 1,
      },
      message: 'Import completed with errors, 2 records imported (2 members), 3 failed',
    });
    const header = 'email,title,firstName,unsubscribed,numberOfEmployees';
    expect(await rows(subject, 'failures')).toBe(
      `${header},Import Failure Reason\n` +
        'twin@x.io,VP,,,,Multiple lead match lookup criteria\n' +
        "bad mail,VP,,,,Value for lookup field 'email' not found\n" +
        'short@x.io,VP,Wrong number of columns\n',
    );
    expect(await rows(subject, 'warnings')).toBe(
      `${header},Import Warning Reason\n` +
        `new@x.io,"Head of ""R&D"", EMEA",Eve,0,many,Invalid value for field 'numberOfEmployees' and value 'many'\n`,
    );
    expect((await subject.admin('GET', '/persons/1001'))['person']).toMatchObject({
      title: null,
      unsubscribed: true,
    });
    expect((await subject.admin('GET', '/persons/1004'))['person']).toMatchObject({
      ...{ email: 'new@x.io', firstName: 'Eve', title: 'Head of "R&D", EMEA', unsubscribed: false },
      numberOfEmployees: null,
    });
    expect((await subject.admin('GET', '/lists'))['lists']).toMatchObject([{ members: [1001, 1004] }]);
  });

  it('is carried out by its time, whether anybody asks for its status or not', async () => {
    const subject = await startBulk();
    await subject.upload('format=tsv', 'email\tlastName\nada@x.io\tLovelace\n');
    subject.forward(180_000);
    const found = await subject.get('/lead/1001.json');
    expect(found.result).toMatchObject([{ email: 'ada@x.io', lastName: 'Lovelace' }]);
    expect(await status(subject, 3401)).toMatchObject({
      message: 'Import succeeded, 1 records imported (0 members)',
    });
    expect(await rows(subject, 'failures')).toBe('');
  });

  it('by id only updates, and takes semicolons', async () => {
    const subject = await startBulk({ persons });
    await subject.upload('format=ssv&lookupField=id', 'id;title\n1001;CEO\n99;x\n');
    subject.forward(180_000);
    expect(await status(subject, 3401)).toMatchObject({ numOfLeadsProcessed: 1, numOfRowsFailed: 1 });
    expect(await rows(subject, 'failures')).toBe('id;title;Import Failure Reason\n99;x;Lead not found\n');
    expect((await subject.admin('GET', '/persons/1001'))['person']).toMatchObject({ title: 'CEO' });
  });

  it.each([
    ['nope,email\n1,a@x.io\n', "Field 'nope' not found"],
    ['title\nCEO\n', "Lookup field 'email' not found"],
    ['', 'File is empty'],
  ])('fails as a whole for a bad header: %j', async (content, reason) => {
    const subject = await startBulk({ persons });
    await subject.upload('format=csv', content);
    subject.forward(180_000);
    expect(await status(subject, 3401)).toMatchObject({
      status: 'Failed',
      message: `Import failed: ${reason}`,
    });
  });

  it('is refused: 701/1001 format, 1006/1011 lookup field, 1013 list, 613 body, 1016 in a full queue', async () => {
    const subject = await startBulk({ persons });
    const refused = async (query: string, name?: string) =>
      (await subject.upload(query, 'email\n', name)).code;
    expect(await refused('')).toBe('701');
    expect(await refused('format=xls')).toBe('1001');
    expect(await refused('format=csv&lookupField=nope')).toBe('1006');
    expect(await refused('format=csv&lookupField=title')).toBe('1011');
    expect(await refused('format=csv&listId=7')).toBe('1013');
    expect(await refused('format=csv', 'other')).toBe('613');
    expect((await subject.bulk('POST', '/leads.json?format=csv', { email: 'a@x.io' })).code).toBe('613');
    expect((await subject.bulk('GET', '/leads/batch/7.json')).code).toBe('1013');
    for (let job = 0; job < 10; job++) expect(await refused('format=csv')).toBeUndefined();
    const full = await subject.upload('format=csv', 'email\n');
    expect([full.code, full.message]).toEqual([
      '1016',
      expect.stringMatching(/^There are 10 imports currently/),
    ]);
  });

  it('above 10 MB is 413', async () => {
    const subject = await startBulk();
    const answer = await subject.upload('format=csv', `email\n${'x'.repeat(10 * 1_048_576)}`);
    expect(answer.status).toBe(413);
  });
});
