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
});
