import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Chunk } from '../../activities/contract.js';
import { begin, openChunks } from '../../activities/cycle.js';
import { diff } from '../../activities/diff.js';
import { fetchDynamics } from '../../activities/fetch-dynamics.js';
import { fetchMarketo } from '../../activities/fetch-marketo.js';
import { logRejections } from '../../activities/log-rejections.js';
import { pushToDynamics } from '../../activities/push-dynamics.js';
import { pushToMarketo } from '../../activities/push-marketo.js';
import { resolve } from '../../activities/resolve.js';
import type { Ports } from '../../activities/settings.js';
import { elapse } from '../support/elapse.js';
import { newAttempt, retried, startWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const HOUR = 3_600_000;
const COUNT = 20;

const leads = (): { leadid: string; lastname: string; jobtitle: string; emailaddress1: string }[] =>
  Array.from({ length: COUNT }, () => {
    const leadid = randomUUID();
    return { leadid, lastname: 'Ruiz', jobtitle: 'CTO', emailaddress1: `${leadid}@example.com` };
  });

const pairs = async () => {
  const rows = leads();
  await world.doors.createRows('leads', rows);
  await world.settled();
  const links = await world.links();
  return rows.map(({ leadid }) => ({
    leadid,
    marketoId: links.find(({ dynamicsId }) => dynamicsId === leadid)?.marketoId ?? 0,
  }));
};

/** A cycle up to its pushes. */
const decided = async (): Promise<{ cycle: number; at: string; chunk: Chunk }[]> => {
  const { ports } = world;
  const { cycle } = await begin(ports);
  const reference = { cycle, at: new Date().toISOString() };
  await fetchMarketo(ports, reference, newAttempt());
  await fetchDynamics(ports, 'lead', reference, newAttempt());
  await fetchDynamics(ports, 'contact', reference, newAttempt());
  const inputs = (await openChunks(ports, reference)).chunks.map((chunk) => ({ ...reference, chunk }));
  for (const input of inputs) {
    await diff(ports, input, newAttempt());
    await resolve(ports, input, newAttempt());
  }
  return inputs;
};

/** The writes that took effect in Marketo and in Dynamics, as both journals tell. */
const written = async (
  work: () => Promise<void>,
): Promise<{ persons: number; rows: number; log: number }> => {
  const origins = [world.marketo, world.dataverse];
  await Promise.all(origins.map((origin) => fetch(`${origin}/admin/journal`, { method: 'DELETE' })));
  await work();
  const calls = (await (await fetch(`${world.marketo}/admin/journal`)).json()) as {
    calls: { path: string; write: boolean; executed: boolean; records: number }[];
  };
  const recordsAt = (end: string): number =>
    calls.calls
      .filter(({ path, write, executed }) => write && executed && path.endsWith(end))
      .reduce((sum, { records }) => sum + records, 0);
  const { writes } = (await (await fetch(`${world.dataverse}/admin/journal/writes`)).json()) as {
    writes: { status: number }[];
  };
  return {
    persons: recordsAt('/v1/leads.json'),
    rows: writes.filter(({ status }) => status < 300).length,
    log: recordsAt('/activities/external.json'),
  };
};

describe('Two workers at once on one chunk', () => {
  it('write each change once, to either side', async () => {
    const all = await pairs();
    for (const { leadid } of all) await world.doors.editRow('leads', leadid, { jobtitle: 'CEO' });
    for (const { marketoId } of all) await world.doors.editPerson(marketoId, { phone: '+1 555 0100' });
    const [input] = await decided();
    if (input === undefined) throw new Error('no chunk');
    const counts = await written(async () => {
      const pushes = [pushToMarketo, pushToDynamics, pushToMarketo, pushToDynamics];
      await Promise.all(pushes.map((push) => push(world.ports, input, newAttempt())));
    });
    expect(counts).toEqual({ persons: COUNT, rows: COUNT, log: 0 });
    await world.settled();
    for (const { leadid } of all)
      expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: 'CEO', telephone1: '+1 555 0100' });
  });

  it('create each person once', async () => {
    await world.doors.createRows('leads', leads());
    const [input] = await decided();
    if (input === undefined) throw new Error('no chunk');
    const counts = await written(async () => {
      await Promise.all([1, 2, 3].map(() => pushToMarketo(world.ports, input, newAttempt())));
    });
    expect(counts).toEqual({ persons: COUNT, rows: 0, log: 0 });
    await world.settled();
    expect(await world.duplicates()).toEqual([]);
  });

  it('tell each refusal once', async () => {
    const all = await pairs();
    for (const { marketoId } of all) await world.doors.editPerson(marketoId, { title: 'Test Robot' });
    for (const input of await decided()) await pushToDynamics(world.ports, input, newAttempt());
    const reference = { cycle: 99, at: new Date().toISOString() };
    const counts = await written(async () => {
      await Promise.all([1, 2, 3].map(() => logRejections(world.ports, reference, newAttempt())));
    });
    expect(counts.log).toBe(COUNT);
    await world.settled();
  });

  it('read the same changes without judging any twice', async () => {
    const all = await pairs();
    for (const { marketoId } of all) await world.doors.editPerson(marketoId, { title: 'Chair' });
    const reference = { cycle: 99, at: new Date().toISOString() };
    await Promise.all(
      [1, 2, 3].flatMap(() => [
        retried((attempt) => fetchMarketo(world.ports, reference, attempt)),
        retried((attempt) => fetchDynamics(world.ports, 'lead', reference, attempt)),
      ]),
    );
    await world.settled();
    for (const { leadid } of all)
      expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: 'Chair' });
  });
});

/** A worker that stalls right before its first call of this kind, for as long as `meanwhile` takes. */
const stalling = (part: 'marketo' | 'dynamics', call: string, meanwhile: () => Promise<void>): Ports => {
  let stalled = false;
  const port = new Proxy(world.ports[part], {
    get: (target, name, receiver) => {
      const original: unknown = Reflect.get(target, name, receiver);
      if (name !== call || typeof original !== 'function') return original;
      return async (...args: unknown[]) => {
        if (!stalled) {
          stalled = true;
          await meanwhile();
        }
        return (await Reflect.apply(original, target, args)) as unknown;
      };
    },
  });
  return { ...world.ports, [part]: port };
};

/** Time passes until every claim and deadline is over, and other workers go on with the cycle. */
const othersGoOn = async (): Promise<void> => {
  await elapse(world.db, HOUR);
  await world.settled();
};

describe('A worker that stalls and wakes when others have long gone on', () => {
  it('changes nothing with the rows that it had read', async () => {
    const [pair] = await pairs();
    const leadid = pair?.leadid ?? '';
    await world.doors.editRow('leads', leadid, { jobtitle: 'before' });
    const input = { cycle: 99, at: new Date().toISOString() };
    // It stalls with a page in its hands: rights are asked after each page.
    const ports = stalling('dynamics', 'access', async () => {
      await world.doors.editRow('leads', leadid, { jobtitle: 'after' });
      await world.settled();
    });
    await expect(fetchDynamics(ports, 'lead', input, newAttempt())).rejects.toMatchObject({ type: 'Busy' });
    await world.settled();
    expect(await world.person(pair?.marketoId ?? 0)).toMatchObject({ title: 'after' });
    expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: 'after' });
  });

  it('changes nothing with the persons that it had read', async () => {
    const [pair] = await pairs();
    const marketoId = pair?.marketoId ?? 0;
    await world.doors.editPerson(marketoId, { title: 'before' });
    const { marketo } = world.ports;
    const ports: Ports = {
      ...world.ports,
      marketo: {
        ...marketo,
        readPersons: async (...args) => {
          const read = await marketo.readPersons(...args);
          await world.doors.editPerson(marketoId, { title: 'after' });
          await world.settled();
          return read;
        },
      },
    };
    await fetchMarketo(ports, { cycle: 99, at: new Date().toISOString() }, newAttempt());
    await world.settled();
    expect(await world.row('leads', pair?.leadid ?? '')).toMatchObject({ jobtitle: 'after' });
    expect(await world.person(marketoId)).toMatchObject({ title: 'after' });
  });

  it('judges no log entry again', async () => {
    const [pair] = await pairs();
    const marketoId = pair?.marketoId ?? 0;
    await world.doors.editPerson(marketoId, { title: 'before' });
    const { marketo } = world.ports;
    const ports: Ports = {
      ...world.ports,
      marketo: {
        ...marketo,
        personChanges: async (...args) => {
          const page = await marketo.personChanges(...args);
          await world.settled();
          await world.doors.editPerson(marketoId, { title: 'after' });
          await world.settled();
          return page;
        },
      },
    };
    await fetchMarketo(ports, { cycle: 99, at: new Date().toISOString() }, newAttempt());
    await world.settled();
    expect(await world.row('leads', pair?.leadid ?? '')).toMatchObject({ jobtitle: 'after' });
  });

  it.each([
    { side: 'Marketo', push: pushToMarketo, part: 'marketo', call: 'syncPersons' },
    { side: 'Dynamics', push: pushToDynamics, part: 'dynamics', call: 'write' },
  ] as const)('before a call to $side leaves later edits alone', async ({ push, part, call }) => {
    const [pair] = await pairs();
    const { leadid = '', marketoId = 0 } = pair ?? {};
    if (part === 'marketo') await world.doors.editRow('leads', leadid, { jobtitle: 'before' });
    else await world.doors.editPerson(marketoId, { title: 'before' });
    const [input] = await decided();
    if (input === undefined) throw new Error('no chunk');
    const stalled = stalling(part, call, async () => {
      await othersGoOn();
      await world.doors.editRow('leads', leadid, { jobtitle: 'after' });
      await othersGoOn();
    });
    // Long over when it wakes.
    const timing = { ...stalled.timing, marketoDeadlineMs: 20, dynamicsDeadlineMs: 20 };
    await expect(push({ ...stalled, timing }, input, newAttempt())).rejects.toThrow();
    await othersGoOn();
    expect(await world.row('leads', leadid)).toMatchObject({ jobtitle: 'after' });
    expect(await world.person(marketoId)).toMatchObject({ title: 'after' });
  });

  it('with a log entry to tell does not tell it again', async () => {
    const [pair] = await pairs();
    const marketoId = pair?.marketoId ?? 0;
    await world.doors.editPerson(marketoId, { title: 'Test Robot' });
    for (const input of await decided()) await pushToDynamics(world.ports, input, newAttempt());
    const reference = { cycle: 99, at: new Date().toISOString() };
    // The first call's answer is lost; a worker looks for the entry, finds nothing, and stalls.
    await world.fault('marketo', { method: 'POST', path: '/activities/external.json', kind: 'drop' });
    await expect(logRejections(world.ports, reference, newAttempt())).rejects.toMatchObject({
      type: 'Unavailable',
    });
    await elapse(world.db, HOUR);
    const { marketo } = world.ports;
    const ports: Ports = {
      ...world.ports,
      marketo: {
        ...marketo,
        activities: async (...args) => {
          const page = await marketo.activities(...args);
          await world.fault('marketo', {
            method: 'POST',
            path: '/activities/external.json',
            kind: 'dropAfterWrite',
          });
          await logRejections(world.ports, reference, newAttempt()).catch(() => undefined);
          await elapse(world.db, HOUR);
          return page;
        },
      },
    };
    const counts = await written(async () => {
      await logRejections(ports, reference, newAttempt());
      await othersGoOn();
    });
    expect(counts.log).toBe(1);
  });
});
