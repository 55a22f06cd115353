import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type ChangePage, createDynamics, type Dynamics, type RowWrite } from '../../dynamics/index.js';
import { type DataverseSimulator, startDataverseSimulator } from '../../simulators/dataverse/index.js';
import { id } from './fake-dataverse.js';
import { recordedBudget } from './recorded-budget.js';

let simulator: DataverseSimulator;
let dynamics: Dynamics;
const budget = recordedBudget();

beforeAll(async () => {
  simulator = await startDataverseSimulator({ limits: 'off' });
  const environment = (name: string): string => simulator.environment[name] ?? '';
  dynamics = createDynamics(
    {
      url: environment('DATAVERSE_URL'),
      tenantId: environment('ENTRA_TENANT_ID'),
      clientId: environment('DATAVERSE_CLIENT_ID'),
      clientSecret: environment('DATAVERSE_CLIENT_SECRET'),
      tokenEndpoint: environment('ENTRA_TOKEN_ENDPOINT'),
    },
    { budget },
  );
});
afterAll(async () => {
  dynamics.close();
  await simulator.close();
});

async function admin(method: string, path: string, body?: unknown): Promise<void> {
  const answer = await fetch(`${simulator.origin}/admin/${path}`, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  });
  expect(answer.status, await answer.text()).toBe(200);
}

const SELECT = ['firstname', 'lastname', 'emailaddress1', 'statecode'];
async function changes(from: Parameters<Dynamics['changes']>[1]): Promise<ChangePage[]> {
  const pages: ChangePage[] = [];
  for await (const page of dynamics.changes('lead', from)) pages.push(page);
  return pages;
}
const cursor = (pages: readonly ChangePage[]): string => pages.at(-1)?.deltaLink ?? '';
const create = (number: number): RowWrite => ({
  type: 'create',
  kind: 'lead',
  id: id(number),
  returnEtag: true,
  values: { firstname: 'Ana', lastname: `Ruiz ${number}`, emailaddress1: `Ana${number}@example.com` },
});
const etagOf = async (number: number): Promise<string> =>
  (await dynamics.readRow('lead', id(number), SELECT))?.etag ?? '';

describe('with the simulated Dataverse', () => {
  it('learns who it is, what it may do, and how parallel to be', async () => {
    const me = await dynamics.whoAmI();
    expect(me.parallelism).toBe(4);
    expect(budget.advice).toEqual([4]);
    const traits = await dynamics.tableTraits('lead');
    expect(traits).toEqual({ changeTracking: true, optimisticConcurrency: true });
    const columns = await dynamics.columns('lead', me.userId);
    expect(columns.find(({ name }) => name === 'firstname')).toEqual({
      name: 'firstname',
      type: 'string',
      maxLength: 50,
      secured: false,
      readable: true,
      creatable: true,
      updatable: true,
    });
    expect(columns.find(({ name }) => name === 'leadsourcecode')?.options).toContainEqual({
      value: 8,
      label: 'Web',
    });
    expect(columns.filter(({ type }) => type === 'unknown')).toEqual([]);
    const initial = columns.flatMap(({ name, initial: value }) =>
      value === undefined ? [] : [[name, value]],
    );
    expect(initial).toEqual(
      expect.arrayContaining([
        ['preferredcontactmethodcode', 1],
        ['followemail', true],
      ]),
    );
    expect(initial.map(([name]) => name)).not.toContain('donotbulkemail');
  });

  it('creates once, updates only what it knows, and reads its rows back', async () => {
    const created = await dynamics.write(Array.from({ length: 600 }, (_row, at) => create(at)));
    expect(created.every((outcome) => outcome.status === 'done' && outcome.etag !== undefined)).toBe(true);
    const again = await dynamics.write([create(1), create(2)]);
    expect(again).toMatchObject([{ status: 'exists' }, { status: 'exists' }]);

    const etag = await etagOf(1);
    const change = { type: 'update', kind: 'lead', id: id(1), values: { firstname: 'Eva' } } as const;
    expect(await dynamics.writeOne({ ...change, etag, returnEtag: true })).toEqual({
      status: 'done',
      etag: await etagOf(1),
    });
    expect(await dynamics.writeOne({ ...change, etag })).toEqual({ status: 'changed' });
    expect(await dynamics.writeOne({ ...change, id: id(9999), etag })).toEqual({ status: 'gone' });

    const found = await dynamics.readRows('lead', [id(0), id(1), id(9999)], SELECT);
    expect(found.map((row) => [row.id, row.values['firstname']]).sort()).toEqual([
      [id(0), 'Ana'],
      [id(1), 'Eva'],
    ]);
    expect(
      (await dynamics.findByEmail('lead', ['ANA3@example.com', "o'x@example.com"], SELECT)).map(
        (row) => row.id,
      ),
    ).toEqual([id(3)]);
    const since: string[] = [];
    for await (const rows of dynamics.modifiedSince('lead', '2020-01-01T00:00:00Z', SELECT))
      since.push(...rows.map((row) => row.id));
    expect(since).toHaveLength(600);
  });

  it('tells refusals apart from each other', async () => {
    const etag = await etagOf(5);
    const values = (change: object): RowWrite => ({
      type: 'update',
      kind: 'lead',
      id: id(5),
      etag,
      values: { ...change },
    });
    expect(await dynamics.writeOne(values({ firstname: 'x'.repeat(51) }))).toMatchObject({
      status: 'refused',
      code: '0x80044331',
      column: 'firstname',
      scope: 'record',
    });
    expect(await dynamics.writeOne(values({ nosuchcolumn: 1 }))).toMatchObject({
      status: 'refused',
      scope: 'schema',
    });
    await admin('PATCH', 'columns/lead/firstname', {
      secured: true,
      canRead: false,
      canUpdate: false,
      canCreate: false,
    });
    expect(await dynamics.writeOne(values({ firstname: 'Eva' }))).toMatchObject({
      status: 'refused',
      scope: 'column-rights',
    });
    const { userId } = await dynamics.whoAmI();
    expect((await dynamics.access(userId, ['lead'])).lead['firstname']).toEqual({
      readable: false,
      creatable: false,
      updatable: false,
      secured: true,
    });
    await admin('PATCH', 'columns/lead/firstname', { secured: false });
    expect((await dynamics.access(userId, ['lead'])).lead['firstname']).toMatchObject({
      readable: true,
      updatable: true,
    });
  });

  it('reads all rows, then what changed, what was deleted, and nothing more', async () => {
    const first = await changes({ select: SELECT });
    expect(first.flatMap((page) => page.rows)).toHaveLength(600);
    const quiet = await changes({ link: cursor(first) });
    expect(quiet.flatMap((page) => [...page.rows, ...page.deleted])).toEqual([]);
    await admin('PATCH', `rows/lead/${id(7)}`, { firstname: 'Zoe' });
    await admin('DELETE', `rows/lead/${id(8)}`);
    const next = await changes({ link: cursor(quiet) });
    expect(next.flatMap((page) => page.rows)).toMatchObject([{ id: id(7), values: { firstname: 'Zoe' } }]);
    expect(next.flatMap((page) => page.deleted)).toEqual([id(8)]);
    await expect(changes({ link: `${cursor(next)}garbage` })).rejects.toMatchObject({
      details: { type: 'CursorInvalid' },
    });
  });

  it.each([
    ['drop', 'unknown'],
    ['dropAfterWrite', 'unknown'],
    ['garbage', 'unknown'],
  ])('survives the fault "%s" in a batch', async (kind, effect) => {
    const etag = await etagOf(10);
    await admin('POST', 'faults', { path: '$batch', kind, ...(kind === 'garbage' && { status: 200 }) });
    const write: RowWrite = {
      type: 'update',
      kind: 'lead',
      id: id(10),
      etag,
      values: { firstname: kind },
    };
    const outcomes = await dynamics.write([write, { ...write, id: id(11), etag: await etagOf(11) }]);
    expect(outcomes).toMatchObject([
      { status: 'transient', failure: { effect } },
      { status: 'transient', failure: { effect } },
    ]);
  });

  it('leaves the row of a missing part in doubt, and it alone', async () => {
    const write = async (number: number): Promise<RowWrite> => ({
      type: 'update',
      kind: 'lead',
      id: id(number),
      etag: await etagOf(number),
      values: { firstname: 'Late' },
      returnEtag: true,
    });
    const writes = [await write(30), await write(31), await write(32)];
    await admin('POST', 'faults', { path: id(31), kind: 'missingPart' });
    expect(await dynamics.write(writes)).toMatchObject([
      { status: 'done' },
      { status: 'transient', failure: { type: 'Unavailable', effect: 'unknown' } },
      { status: 'done' },
    ]);
    await dynamics.write([await write(31)]);
    const rows = await dynamics.readRows('lead', [id(30), id(31), id(32)], SELECT);
    expect(rows.map(({ values }) => values['firstname'])).toEqual(['Late', 'Late', 'Late']);
  });

  it('obeys a 429 of a part, whose row goes again, and of the whole batch', async () => {
    const write = async (number: number): Promise<RowWrite> => ({
      type: 'update',
      kind: 'lead',
      id: id(number),
      etag: await etagOf(number),
      values: { firstname: 'Slow' },
    });
    const writes = [await write(20), await write(21)];
    budget.pauses.length = 0;
    const throttle = {
      path: 'leads',
      method: 'PATCH',
      kind: 'refuse',
      status: 429,
      code: '0x80072321',
      retryAfter: 3,
    };
    await admin('POST', 'faults', { ...throttle, part: true });
    expect(await dynamics.write(writes)).toMatchObject([{ status: 'done' }, { status: 'done' }]);
    await admin('POST', 'faults', { ...throttle, path: '$batch', method: 'POST' });
    expect(await dynamics.write([await write(22), await write(23)])).toMatchObject([
      { status: 'transient', failure: { type: 'RateLimited' } },
      { status: 'transient', failure: { type: 'RateLimited' } },
    ]);
    expect(budget.pauses).toEqual([3000, 3000]);
  });
});
