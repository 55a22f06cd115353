import { describe, expect, it } from 'vitest';
import { batchBody, id, part, startSim, type Sim } from './client.js';

const contacts = [1, 2, 3].map((n) => ({ contactid: id(n), lastname: `N${n}` }));
const goOn = { Prefer: 'odata.continue-on-error' };
const onlyOld = { 'If-Match': '*' };
const patch = (n: number, body: unknown): string => part('PATCH', `contacts(${id(n)})`, body, onlyOld);

const jobTitles = async (sim: Sim): Promise<unknown[]> =>
  (await sim.api('GET', 'contacts?$select=jobtitle')).rows.map((row) => row['jobtitle']);

const raw = (sim: Sim, body: string, type = 'multipart/mixed; boundary=batch_7f3c'): Promise<Response> =>
  sim.token().then((token) =>
    fetch(`${sim.origin}/api/data/v9.2/$batch`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': type },
      body,
    }),
  );

describe('$batch', () => {
  it('answers each part in order and goes on after an error when asked to', async () => {
    const sim = await startSim({ contacts });
    const answer = await sim.batch(
      [
        patch(1, { jobtitle: 'CTO' }),
        patch(2, { jobtitle: 'x'.repeat(200) }),
        part('POST', 'leads', { lastname: 'New' }),
        part('GET', `contacts(${id(1)})?$select=jobtitle`),
        part('DELETE', `contacts(${id(3)})`),
        patch(9, { jobtitle: 'CTO' }),
      ],
      goOn,
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^multipart\/mixed; ?boundary=batchresponse_/);
    expect(answer.parts.map(({ status }) => status)).toEqual([204, 400, 204, 200, 204, 404]);
    expect(answer.parts[1]?.code).toBe('0x80044331');
    expect(JSON.parse(answer.parts[3]?.text ?? '')).toMatchObject({ jobtitle: 'CTO' });
    expect(answer.text).toContain(`OData-EntityId: ${sim.origin}/api/data/v9.2/contacts(${id(1)})\r\n`);
  });

  it('stops at the first error without it, keeps what was done, and answers with that status', async () => {
    const sim = await startSim({ contacts });
    const answer = await sim.batch([
      patch(1, { jobtitle: 'CTO' }),
      patch(2, { new_score: -1 }),
      patch(3, { jobtitle: 'never' }),
    ]);
    expect(answer.status).toBe(400);
    expect(answer.parts.map(({ status }) => status)).toEqual([204, 400]);
    expect(await jobTitles(sim)).toEqual(['CTO', null, null]);
  });

  it('obeys the headers of each part', async () => {
    const sim = await startSim({ contacts });
    const create = part('PATCH', `contacts(${id(1)})`, { lastname: 'A' }, { 'If-None-Match': '*' });
    const stale = part('PATCH', `contacts(${id(2)})`, { lastname: 'A' }, { 'If-Match': 'W/"1"' });
    const full = part(
      'PATCH',
      `contacts(${id(3)})?$select=lastname`,
      { lastname: 'A' },
      {
        ...onlyOld,
        Prefer: 'return=representation',
      },
    );
    const answer = await sim.batch([create, stale, full], goOn);
    expect(answer.parts.map(({ status, code }) => [status, code])).toEqual([
      [412, '0x80040237'],
      [412, '0x80060882'],
      [200, undefined],
    ]);
    expect(JSON.parse(answer.parts[2]?.text ?? '')).toMatchObject({ lastname: 'A' });
  });

  it('takes full addresses and texts in any script', async () => {
    const sim = await startSim({ contacts });
    const text = part('PATCH', `contacts(${id(1)})`, { jobtitle: 'Größe\n李雷' }, onlyOld);
    const answer = await sim.batch([text.replace('PATCH ', `PATCH ${sim.origin}`)]);
    expect(answer.parts.map(({ status }) => status)).toEqual([204]);
    expect((await jobTitles(sim))[0]).toBe('Größe\n李雷');
  });

  it.each([
    ['LF line ends', (body: string) => body.replace(/\r\n/g, '\n')],
    ['no line end after the last delimiter', (body: string) => body.slice(0, -2)],
    ['no empty line after a GET', (body: string) => body.replace('HTTP/1.1\r\n\r\n', 'HTTP/1.1')],
  ])('cannot read a body with %s', async (_what, spoil) => {
    const sim = await startSim({ contacts });
    const response = await raw(sim, spoil(batchBody([part('GET', 'WhoAmI')])));
    expect(response.status).toBe(400);
    const text = await response.text();
    expect(text).toContain('0x80048d19');
    expect(text).toContain('Stream was not readable.');
  });

  it('takes 1,000 parts and refuses 1,001 as a whole', async () => {
    const sim = await startSim({ contacts });
    const one = part('GET', `contacts(${id(1)})?$select=lastname`);
    const full = await sim.batch(Array.from({ length: 1000 }, () => one));
    expect(full.parts.length).toBe(1000);
    expect(await sim.batch(Array.from({ length: 1001 }, () => one))).toMatchObject({
      status: 400,
      code: '0x80040203',
    });
  });

  it('does not nest', async () => {
    const sim = await startSim();
    expect((await sim.batch([part('POST', '$batch', {})])).parts).toMatchObject([{ status: 400 }]);
  });

  it('needs a token and a boundary', async () => {
    const sim = await startSim();
    expect((await raw(sim, 'x', 'application/json')).status).toBe(400);
    expect((await sim.batch([part('GET', 'WhoAmI')], { Authorization: 'Bearer no' })).status).toBe(401);
  });
});
