import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type Dynamics, lookupColumn, lookupName, type Row } from '../../dynamics/index.js';
import {
  errorReply,
  type FakeDataverse,
  type Heard,
  id,
  type Reply,
  startFakeDataverse,
} from './fake-dataverse.js';

let fake: FakeDataverse;
let dynamics: Dynamics;
/** Who owns which lead; who has which name. */
let owners: Map<string, string | null>;
let names: Map<string, string>;
beforeAll(async () => {
  fake = await startFakeDataverse();
});
beforeEach(() => {
  fake.heard.length = 0;
  dynamics = fake.connect();
  owners = new Map([[id(1), id(90)]]);
  names = new Map([
    [id(90), 'Jane Roe'],
    [id(91), 'Maya Lindqvist'],
  ]);
  fake.answer = answer;
});
afterAll(() => fake.close());

const FORMATTED = 'OData.Community.Display.V1.FormattedValue';
const SELECT = ['lastname', lookupName('ownerid')];
const isTracked = ({ headers, url }: Heard): boolean =>
  headers['prefer']?.includes('track-changes') === true || url.includes('deltatoken');

/** As Dataverse: names come where they are asked for by annotation, never on a tracked read. */
const answer = (request: Heard): Reply => {
  const wanted = request.headers['prefer']?.includes(FORMATTED) === true;
  const asked = [...decodeURIComponent(request.url).matchAll(/"([0-9a-f-]{36})"|\(([0-9a-f-]{36})\)/g)].map(
    ([, one, other]) => one ?? other,
  );
  const found = [...owners].filter(([lead]) => asked.length === 0 || asked.includes(lead));
  const value = found.map(([leadid, owner]) => ({
    '@odata.etag': 'W/"1"',
    leadid,
    lastname: 'Ruiz',
    _ownerid_value: owner,
    ...(wanted && names.has(owner ?? '') && { [`_ownerid_value@${FORMATTED}`]: names.get(owner ?? '') }),
  }));
  if (request.url.includes('/leads(')) return { status: 200, body: value[0] ?? {} };
  const link = `${fake.url}/api/data/v9.2/leads?$select=lastname,_ownerid_value&$deltatoken=1`;
  return { status: 200, body: { value, ...(isTracked(request) && { '@odata.deltaLink': link }) } };
};

const link = (): string => `${fake.url}/api/data/v9.2/leads?$select=lastname,_ownerid_value&$deltatoken=1`;
const changes = async (
  from: Parameters<Dynamics['changes']>[1] = { link: link(), select: SELECT },
): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  for await (const page of dynamics.changes('lead', from)) rows.push(...page.rows);
  return rows;
};
const owned = async (rows: Promise<readonly Row[]> = changes()): Promise<readonly unknown[]> =>
  (await rows).map(({ values }) => values['ownerid']);
const untracked = (): readonly Heard[] => fake.heard.filter((request) => !isTracked(request));

describe('a lookup that is wanted by name', () => {
  it('is selected by its id on a tracked read, without annotations, and its name is read beside it', async () => {
    expect(await changes({ select: SELECT })).toEqual([
      { id: id(1), etag: 'W/"1"', values: { lastname: 'Ruiz', ownerid: 'Jane Roe' } },
    ]);
    const [tracked, beside] = fake.heard;
    expect(tracked?.url).toMatch(/\$select=lastname,_ownerid_value$/);
    expect(tracked?.headers['prefer']).not.toContain('annotations');
    expect(beside?.headers['prefer']).toContain(`odata.include-annotations="${FORMATTED}"`);
    expect(fake.heard).toHaveLength(2);
  });

  it('is read so again along a delta link', async () => {
    expect(await owned()).toEqual(['Jane Roe']);
  });

  it('has the same form wherever a row is read, at no further call', async () => {
    const reads = [
      async () => [await dynamics.readRow('lead', id(1), SELECT)],
      () => dynamics.readRows('lead', [id(1)], SELECT),
      () => dynamics.findByEmail('lead', ['a@example.com'], SELECT),
      async () => {
        const rows: Row[] = [];
        for await (const page of dynamics.modifiedSince('lead', '2026-01-05T09:12:44Z', SELECT))
          rows.push(...page);
        return rows;
      },
    ];
    for (const read of reads) {
      fake.heard.length = 0;
      expect((await read()).map((row) => row?.values)).toEqual([{ lastname: 'Ruiz', ownerid: 'Jane Roe' }]);
      expect(fake.heard).toHaveLength(1);
    }
  });

  it('is blank where it points at nothing, and absent where the name cannot be read', async () => {
    owners = new Map([
      [id(1), null],
      [id(2), id(99)],
      [id(3), id(90)],
    ]);
    const rows = await changes();
    expect(rows.map(({ values }) => values)).toEqual([
      { lastname: 'Ruiz', ownerid: null },
      { lastname: 'Ruiz' },
      { lastname: 'Ruiz', ownerid: 'Jane Roe' },
    ]);
    expect((await dynamics.readRow('lead', id(2), SELECT))?.values).toEqual({ lastname: 'Ruiz' });
  });

  it('may be wanted by id as well', async () => {
    const select = [...SELECT, lookupColumn('ownerid')];
    expect((await dynamics.readRow('lead', id(1), select))?.values).toEqual({
      lastname: 'Ruiz',
      ownerid: 'Jane Roe',
      _ownerid_value: id(90),
    });
  });
});

/** What others do between a page of changes and the first reading of names beside it. */
const meanwhile = (change: () => unknown): void => {
  let done = false;
  fake.answer = (request) => {
    if (!isTracked(request) && !done) {
      done = true;
      change();
    }
    return answer(request);
  };
};

describe('names beside a page of changes', () => {
  it('are read for one row of each id, however many rows point at it', async () => {
    owners = new Map(Array.from({ length: 400 }, (_row, at) => [id(at), id(at % 2 === 0 ? 90 : 91)]));
    expect(new Set(await owned())).toEqual(new Set(['Jane Roe', 'Maya Lindqvist']));
    expect(untracked()).toHaveLength(1);
    expect(decodeURIComponent(untracked()[0]?.url ?? '').match(/"[0-9a-f-]{36}"/g)).toHaveLength(2);
  });

  it('are as new as the page: a row that changes gets the name of now, however often the old one was read', async () => {
    await owned();
    names.set(id(90), 'Jane Doe');
    expect(await owned()).toEqual(['Jane Doe']);
    expect(untracked()).toHaveLength(2);
  });

  it('that cannot be read are asked for once, however many rows point there', async () => {
    owners = new Map(Array.from({ length: 20 }, (_row, at) => [id(at), id(99)]));
    expect(new Set(await owned())).toEqual(new Set([undefined]));
    expect(untracked()).toHaveLength(1);
  });

  it('cost nothing where every lookup of the page is blank', async () => {
    owners = new Map([[id(1), null]]);
    expect(await owned()).toEqual([null]);
    expect(untracked()).toEqual([]);
  });

  it('are left out where the row moved on meanwhile, and come with its next change', async () => {
    meanwhile(() => owners.set(id(1), id(91)));
    expect(await owned()).toEqual([undefined]);
    expect(await owned()).toEqual(['Maya Lindqvist']);
  });

  it.each([
    ['moved on', () => owners.set(id(1), id(91))],
    ['is gone', () => owners.delete(id(1))],
  ])('are asked of another row where the one that was asked %s meanwhile', async (_what, change) => {
    owners = new Map([1, 2, 3].map((lead) => [id(lead), id(90)]));
    meanwhile(change);
    expect(await owned()).toEqual(['Jane Roe', 'Jane Roe', 'Jane Roe']);
    expect(untracked()).toHaveLength(2);
  });

  it('are found for every row that stayed, and no row is read twice, whichever moved or went meanwhile', async () => {
    const fates = fc.array(
      fc.record({
        from: fc.constantFrom(null, 90, 91, 92),
        now: fc.constantFrom('stays', 'stays', 'moves', 'goes'),
      }),
      { minLength: 1, maxLength: 60 },
    );
    names.set(id(92), 'Noor Haddad');
    await fc.assert(
      fc.asyncProperty(fates, async (rows) => {
        fake.heard.length = 0;
        const before = rows.map(({ from }) => (from === null ? null : id(from)));
        owners = new Map(before.map((owner, at) => [id(at), owner]));
        meanwhile(() =>
          rows.forEach(({ now }, at) => {
            if (now === 'moves') owners.set(id(at), id(93));
            if (now === 'goes') owners.delete(id(at));
          }),
        );
        const found = await owned();
        rows.forEach(({ from, now }, at) => {
          const name = from === null ? null : names.get(id(from));
          if (now === 'stays' || from === null) expect(found[at]).toBe(name);
          else expect([name, undefined]).toContain(found[at]);
        });
        const asked = untracked().flatMap(({ url }) => decodeURIComponent(url).match(/"[0-9a-f-]{36}"/g));
        expect(new Set(asked).size).toBe(asked.length);
        expect(untracked().length).toBeLessThanOrEqual(3);
      }),
      { numRuns: 60 },
    );
  });

  it('fail the page where their reading fails, so that nothing is taken without them', async () => {
    fake.answer = (request) => (isTracked(request) ? answer(request) : errorReply(503, undefined));
    await expect(changes()).rejects.toMatchObject({ details: { type: 'Unavailable' } });
  });

  it('cost nothing where no lookup is wanted', async () => {
    await changes({ link: link() });
    await changes({ select: ['lastname', lookupColumn('ownerid')] });
    expect(untracked()).toEqual([]);
    expect((await changes({ link: link() }))[0]?.values).toEqual({
      lastname: 'Ruiz',
      _ownerid_value: id(90),
    });
  });
});
