import { describe, expect, it } from 'vitest';
import { id, part, signIn, startSim, type Sim } from './client.js';

const contacts = [1, 2].map((n) => ({ contactid: id(n), lastname: `N${n}` }));
const path = `contacts(${id(1)})`;
const onlyOld = { 'If-Match': '*' };
const goOn = { Prefer: 'odata.continue-on-error' };

const start = async (fault: Record<string, unknown>): Promise<Sim> => {
  const sim = await startSim({ contacts });
  await sim.api('GET', 'WhoAmI');
  expect((await sim.admin('POST', '/faults', fault)).json).toEqual({ id: '1' });
  return sim;
};

const write = (sim: Sim) => sim.api('PATCH', path, { jobtitle: 'CTO' }, onlyOld);
const jobTitle = async (sim: Sim): Promise<unknown> =>
  ((await sim.admin('GET', `/rows/contacts/${id(1)}`)).json['row'] as Record<string, unknown>)['jobtitle'];

describe('Faults', () => {
  it('refuse before the write', async () => {
    const sim = await start({ method: 'PATCH', path: 'contacts(', kind: 'refuse', retryAfter: 3 });
    const answer = await write(sim);
    expect(answer).toMatchObject({ status: 503, code: '0x80040216' });
    expect(answer.headers.get('retry-after')).toBe('3');
    expect(await jobTitle(sim)).toBeNull();
    expect((await write(sim)).status).toBe(204);
  });

  it('fail after the write took effect', async () => {
    const sim = await start({
      kind: 'afterWrite',
      status: 500,
      code: '0x80044150',
      message: 'Generic SQL error.',
    });
    expect(await write(sim)).toMatchObject({
      status: 500,
      code: '0x80044150',
      message: 'Generic SQL error.',
    });
    expect(await jobTitle(sim)).toBe('CTO');
  });

  it.each([
    ['drop', null],
    ['dropAfterWrite', 'CTO'],
  ])('%s the connection', async (kind, expected) => {
    const sim = await start({ kind });
    await expect(write(sim)).rejects.toThrow();
    expect(await jobTitle(sim)).toBe(expected);
    const calls = (await sim.admin('GET', '/journal')).json['calls'] as unknown[];
    expect(calls.at(-1)).toMatchObject({ method: 'PATCH', status: 0 });
  });

  it('make an answer slow', async () => {
    const sim = await start({ kind: 'slow', delayMs: 120 });
    const began = performance.now();
    expect((await write(sim)).status).toBe(204);
    expect(performance.now() - began).toBeGreaterThan(110);
  });

  it('answer with a page of HTML', async () => {
    const sim = await start({ kind: 'garbage' });
    const answer = await write(sim);
    expect(answer.status).toBe(200);
    expect(answer.text).toMatch(/^<!DOCTYPE html>/);
    expect(await jobTitle(sim)).toBeNull();
  });

  it('reach the token endpoint too', async () => {
    const sim = await start({ path: '/oauth2/v2.0/token', kind: 'refuse', status: 503 });
    expect((await signIn(sim)).status).toBe(503);
    expect((await signIn(sim)).status).toBe(200);
  });

  it('skip some requests, then last for some', async () => {
    const sim = await start({ kind: 'refuse', skip: 1, times: 2 });
    const statuses: number[] = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await write(sim)).status);
    expect(statuses).toEqual([204, 503, 503, 204]);
  });

  it('wait in a list that can be emptied', async () => {
    const sim = await start({ kind: 'refuse', times: 9 });
    expect((await sim.admin('GET', '/faults')).json).toMatchObject({ faults: [{ id: '1', times: 9 }] });
    expect((await sim.admin('DELETE', '/faults')).json).toEqual({ removed: 1 });
    expect((await write(sim)).status).toBe(204);
  });

  const two = [
    part('PATCH', path, { jobtitle: 'CTO' }, onlyOld),
    part('PATCH', `contacts(${id(2)})`, { jobtitle: 'CTO' }, onlyOld),
  ];

  it.each([
    ['refuse', [503, 204], null],
    ['afterWrite', [503, 204], 'CTO'],
    ['missingPart', [204], null],
  ])('%s one part of a batch', async (kind, statuses, expected) => {
    const sim = await start({ part: true, path: id(1), kind });
    const answer = await sim.batch(two, goOn);
    expect(answer.status).toBe(200);
    expect(answer.parts.map(({ status }) => status)).toEqual(statuses);
    expect(await jobTitle(sim)).toBe(expected);
  });

  it('drop the connection in the middle of a batch', async () => {
    const sim = await start({ part: true, path: id(2), kind: 'drop' });
    await expect(sim.batch(two, goOn)).rejects.toThrow();
    expect(await jobTitle(sim)).toBe('CTO');
  });

  it('refuse an order that makes no sense', async () => {
    const sim = await startSim();
    expect((await sim.admin('POST', '/faults', { kind: 'explode' })).status).toBe(400);
  });

  it.each([
    ['message', 'application/json; charset=utf-8', /^\{"Message":"Broken\."\}$/],
    ['html', 'text/html', /^<!DOCTYPE html>/],
    ['empty', null, /^$/],
    ['codeless', 'application/json; odata.metadata=minimal', /^\{"error":\{"message":"Broken\."\}\}$/],
    ['innerError', 'application/json; odata.metadata=minimal', /"innererror":\{"message":"Broken\."/],
  ])('can be written as %s', async (body, type, text) => {
    const sim = await start({ kind: 'refuse', status: 502, message: 'Broken.', body });
    const answer = await write(sim);
    expect(answer.status).toBe(502);
    expect(answer.headers.get('content-type')).toBe(type);
    expect(answer.text).toMatch(text);
  });

  it.each([
    ['throttledRequests', 429, '0x80072322'],
    ['throttledTime', 429, '0x80072321'],
    ['throttledConcurrency', 429, '0x80072326'],
    ['tooManyRequests', 429, '0x8005f103'],
    ['deadlock', 500, '0x80044150'],
    ['sqlTimeout', 500, '0x80044151'],
    ['organizationDisabled', 503, '0x8004a104'],
    ['noCode', 500, ''],
    ['zeroCode', 400, '0x0'],
  ])('have the name %s', async (preset, status, code) => {
    const sim = await start({ preset });
    expect(await write(sim)).toMatchObject({ status, code });
    expect(await jobTitle(sim)).toBeNull();
  });

  it('let an order change a preset, also in how codes are written', async () => {
    const sim = await start({ preset: 'deadlock', code: '0X80044150', retryAfter: 2, retryAfterDate: true });
    const answer = await write(sim);
    expect(answer.code).toBe('0X80044150');
    expect(answer.headers.get('retry-after')).toMatch(/ GMT$/);
  });

  it.each([
    ['expiredDelta', 400, '0x80044352'],
    ['goneDelta', 410, ''],
  ])('%s meets deltas alone', async (preset, status, code) => {
    const sim = await start({ preset });
    const tracked = { Prefer: 'odata.track-changes' };
    const load = await sim.api('GET', 'contacts?$select=lastname', undefined, tracked);
    expect(load.status).toBe(200);
    const link = String(load.json['@odata.deltaLink']);
    expect(await sim.api('GET', link)).toMatchObject({ status, code });
    expect((await sim.api('GET', link)).status).toBe(200);
  });

  const three = [...two, part('PATCH', `contacts(${id(1)})`, { department: 'R&D' }, onlyOld)];

  it('throttle in the middle of a batch: this part and all after it', async () => {
    const sim = await start({
      kind: 'throttleRest',
      path: id(2),
      ...{ status: 429, code: '0x80072322', retryAfter: 9 },
    });
    const answer = await sim.batch(three, goOn);
    expect(answer.status).toBe(200);
    expect(answer.parts.map(({ status }) => status)).toEqual([204, 429, 429]);
    expect(answer.text.match(/Retry-After: 9/g)).toHaveLength(2);
    expect((await sim.api('GET', path)).json).toMatchObject({ jobtitle: 'CTO', department: null });
  });

  it('stop a batch in spite of continue-on-error', async () => {
    const sim = await start({ kind: 'stopBatch', path: id(2), status: 500 });
    const answer = await sim.batch(three, goOn);
    expect([answer.status, answer.parts.map(({ status }) => status)]).toEqual([200, [204, 500]]);
    expect((await sim.api('GET', path)).json['department']).toBeNull();
  });

  it('cut the answer of a batch that was carried out whole', async () => {
    const sim = await start({ kind: 'cutBatch', wholeParts: 1 });
    const answer = await sim.batch(three, goOn);
    expect(answer.text.match(/HTTP\/1\.1 204/g)?.length).toBeLessThan(3);
    expect(answer.text).not.toMatch(/--\r\n$/);
    expect((await sim.api('GET', path)).json['department']).toBe('R&D');
  });

  it.each<[string, (text: string, type: string) => boolean]>([
    ['lf', (text) => !text.includes('\r')],
    ['quoted', (_text, type) => type.includes('boundary="batchresponse_')],
    ['spaced', (_text, type) => type.startsWith('Multipart/Mixed; charset=utf-8; boundary="b_')],
    ['preamble', (text) => text.startsWith('This is a multi-part message.')],
    ['noFinalDelimiter', (text) => !text.endsWith('--\r\n')],
  ])('write the answer of a batch oddly: %s', async (shape, isOdd) => {
    const sim = await start({ kind: 'oddBatch', shape });
    const { text, headers } = await sim.batch(three, goOn);
    const type = headers.get('content-type') ?? '';
    expect(isOdd(text, type)).toBe(true);
    const boundary = /boundary="?([^";]+)/.exec(type)?.[1] ?? '';
    expect(text.split(`--${boundary}`).length - 1).toBeGreaterThanOrEqual(3);
    expect(text.match(/HTTP\/1\.1 204/g)).toHaveLength(3);
  });

  it('drop the connection after some parts took effect', async () => {
    const sim = await start({ part: true, kind: 'drop', skip: 2 });
    await expect(sim.batch(three, goOn)).rejects.toThrow();
    expect((await sim.api('GET', path)).json).toMatchObject({ jobtitle: 'CTO', department: null });
  });

  it('need a kind or the name of a preset', async () => {
    const sim = await startSim();
    expect((await sim.admin('POST', '/faults', {})).message).toContain('Give a kind or a preset.');
    const unknown = await sim.admin('POST', '/faults', { preset: 'earthquake' });
    expect(unknown.message).toContain('choose one of throttledRequests');
  });
});
