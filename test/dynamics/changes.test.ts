import { describe, expect, it, vi } from 'vitest';

import type { ChangePage, ChangesFrom } from '../../dynamics/index.js';
import { API, errorReply, id, type Reply } from './fake-dataverse.js';
import { scene } from './scene.js';

const at = scene();

const link = (rest: string): string => `${at.fake.url}${API}leads?$select=firstname&${rest}`;
const row = (number: number, firstname: string | null = 'Ana'): object => ({
  '@odata.etag': `W/"${number}"`,
  leadid: id(number).toUpperCase(),
  firstname,
  'firstname@OData.Community.Display.V1.FormattedValue': 'Ana',
  _transactioncurrencyid_value: id(8),
});
const page = (value: readonly object[], links: object = {}): Reply => ({
  status: 200,
  body: { '@odata.context': '…', value, ...links },
});
async function all(from: ChangesFrom): Promise<ChangePage[]> {
  const pages: ChangePage[] = [];
  for await (const found of at.dynamics.changes('lead', from)) pages.push(found);
  return pages;
}
/** Answers by the query of the request. */
const serve = (answers: Readonly<Record<string, Reply>>): void => {
  at.fake.answer = ({ url }) => answers[url.slice(url.indexOf('?'))] ?? { status: 500 };
};

describe('a first read of changes', () => {
  it('follows the links as they came, and gives the cursor on the last page alone', async () => {
    const next = '$skiptoken=%3Ccookie%20pagenumber=%222%22%20istracking=%22True%22%20/%3E';
    const delta = '$deltatoken=919042%2108%2f22%2f2026%2008%3a10%3a44';
    serve({
      '?$select=firstname': page([row(1), row(2, null)], { '@odata.nextLink': link(next) }),
      [`?$select=firstname&${next}`]: page([row(3)], { '@odata.deltaLink': link(delta) }),
    });
    const pages = await all({ select: ['firstname'] });
    expect(pages).toMatchObject([
      {
        rows: [
          { id: id(1), etag: 'W/"1"', values: { firstname: 'Ana' } },
          { id: id(2), etag: 'W/"2"', values: { firstname: null } },
        ],
        deleted: [],
        nextLink: link(next),
      },
      { rows: [{ id: id(3) }], deltaLink: link(delta) },
    ]);
    expect(pages[0]).not.toHaveProperty('deltaLink');
    expect(Object.keys(pages[0]?.rows[0]?.values ?? {})).toEqual(['firstname']);
    expect(at.fake.heard.map(({ url }) => url)).toEqual([
      `${API}leads?$select=firstname`,
      `${API}leads?$select=firstname&${next}`,
    ]);
    expect(at.fake.heard.map(({ headers }) => headers['prefer'])).toEqual([
      'odata.track-changes,odata.maxpagesize=500',
      'odata.track-changes,odata.maxpagesize=500',
    ]);
  });

  it("tells the time of the server's clock", async () => {
    at.fake.answer = () => ({
      status: 200,
      headers: { date: 'Sat, 22 Aug 2026 08:10:44 GMT' },
      body: { value: [], '@odata.deltaLink': link('$deltatoken=1') },
    });
    expect((await all({ select: ['firstname'] }))[0]?.serverTime).toBe('2026-08-22T08:10:44.000Z');
    vi.stubEnv('TZ', 'America/New_York');
    at.fake.answer = () => ({
      status: 200,
      headers: { date: 'Sat Aug 22 08:10:44 2026' },
      body: { value: [], '@odata.deltaLink': link('$deltatoken=1') },
    });
    expect((await all({ select: ['firstname'] }))[0]?.serverTime).toBe('2026-08-22T08:10:44.000Z');
    vi.unstubAllEnvs();
  });

  it('fails rather than end without a cursor', async () => {
    at.fake.answer = () => page([row(1)]);
    await expect(all({ select: ['firstname'] })).rejects.toMatchObject({
      details: { type: 'Misconfigured', code: 'no-delta-link' },
    });
  });

  it('says what to do about a table without change tracking, or a right that is too small', async () => {
    at.fake.answer = () => errorReply(400, '0x80072491', "Entity lead isn't enabled for change tracking.");
    await expect(all({ select: ['firstname'] })).rejects.toMatchObject({
      details: {
        type: 'Misconfigured',
        message: expect.stringContaining('Turn on change tracking') as string,
      },
    });
    at.fake.answer = () =>
      errorReply(403, '0x80040220', 'SecLib::CheckPrivilege failed. Required Depth: Global');
    await expect(all({ select: ['firstname'] })).rejects.toMatchObject({
      details: { type: 'Forbidden', message: expect.stringContaining('organization level') as string },
    });
  });
});

describe('reading on from a link', () => {
  it('tells updates and deletions apart, deletions having no key column', async () => {
    const from = link('$deltatoken=1');
    serve({
      '?$select=firstname&$deltatoken=1': page(
        [
          row(1),
          {
            '@odata.context': `${at.fake.url}${API}$metadata#leads/$deletedEntity`,
            id: id(5).toUpperCase(),
            reason: 'deleted',
          },
          {
            '@odata.context': `${at.fake.url}${API}$metadata#leads/$deletedEntity`,
            id: id(6),
            reason: 'changed',
          },
        ],
        { '@odata.deltaLink': link('$deltatoken=2') },
      ),
    });
    expect(await all({ link: from })).toMatchObject([
      {
        rows: [{ id: id(1), values: { firstname: 'Ana' } }],
        deleted: [id(5), id(6)],
        deltaLink: link('$deltatoken=2'),
      },
    ]);
    expect(at.fake.heard[0]?.headers['prefer']).toBe('odata.maxpagesize=500');
  });

  it('ends quietly where nothing changed and no new cursor came', async () => {
    at.fake.answer = () => page([]);
    const [only, ...more] = await all({ link: link('$deltatoken=1') });
    expect(more).toEqual([]);
    expect(only).toMatchObject({ rows: [], deleted: [] });
    expect(only).not.toHaveProperty('deltaLink');
  });

  it.each([
    ['changes', [[row(1)]]],
    ['deletions', [[{ '@odata.context': '…/$deletedEntity', id: id(5), reason: 'deleted' }]]],
    ['changes before an empty last page', [[row(1)], []]],
  ])('fails rather than end without a cursor after %s', async (_what, pages: object[][]) => {
    at.fake.answer = () => {
      const [now = [], ...later] = pages.splice(0);
      pages.push(...later);
      return page(now, later.length === 0 ? {} : { '@odata.nextLink': link('$skiptoken=2') });
    };
    await expect(all({ link: link('$deltatoken=1') })).rejects.toMatchObject({
      details: {
        type: 'Unavailable',
        code: 'broken-answer',
        effect: 'none',
        message: expect.stringContaining('no new change link') as string,
      },
    });
  });

  it('fails where a first read, resumed at its last page, ends without a cursor', async () => {
    at.fake.answer = () => page([]);
    await expect(all({ link: link('$skiptoken=2') })).rejects.toMatchObject({
      details: { code: 'broken-answer' },
    });
  });

  it.each([
    [1, 1],
    [2, 2],
    [3, 3],
  ])('fails where next links lead in a ring of %s, after that many pages', async (ring, most) => {
    const numbers = { next: 0 };
    at.fake.answer = () =>
      page([], { '@odata.nextLink': link(`$skiptoken=${(numbers.next = (numbers.next + 1) % ring)}`) });
    await expect(all({ link: link('$skiptoken=0') })).rejects.toMatchObject({
      details: { type: 'Unavailable', code: 'broken-answer' },
    });
    expect(at.fake.heard).toHaveLength(most);
  });

  it('resumes a first read at a kept next link', async () => {
    at.fake.answer = () => page([row(4)], { '@odata.deltaLink': link('$deltatoken=1') });
    expect(await all({ link: link('$skiptoken=2') })).toMatchObject([
      { rows: [{ id: id(4), values: { firstname: 'Ana' } }] },
    ]);
    expect(at.fake.heard[0]?.headers['prefer']).toBe('odata.track-changes,odata.maxpagesize=500');
  });

  it.each([
    [
      'expired',
      errorReply(
        400,
        '0x80044352',
        'Version stamp associated with the client has expired. Please perform a full sync.',
      ),
    ],
    ['expired, by a server that answers otherwise', errorReply(500, '0x80044352', 'Version stamp …')],
    ['gone', { status: 410 }],
    ['malformed', errorReply(400, '0x80060888', 'The delta token is malformed.')],
    ['refused without a code', errorReply(400, undefined, 'Bad delta token.')],
  ] satisfies [string, Reply][])('finds a cursor that is %s invalid', async (_what, reply) => {
    at.fake.answer = () => reply;
    await expect(all({ link: link('$deltatoken=1') })).rejects.toMatchObject({
      details: { type: 'CursorInvalid', effect: 'none' },
    });
  });

  it('does not give a cursor up for an outage', async () => {
    at.fake.answer = () => ({ status: 503, body: '<html/>' });
    await expect(all({ link: link('$deltatoken=1') })).rejects.toMatchObject({
      details: { type: 'Unavailable' },
    });
  });
});

describe('links that lead elsewhere', () => {
  it.each(['https://evil.example/api/data/v9.2/leads?$deltatoken=1', 'not a link'])(
    'kept ones are invalid, and never asked: %s',
    async (from) => {
      await expect(all({ link: from })).rejects.toMatchObject({
        details: { type: 'CursorInvalid', code: 'foreign-link' },
      });
      expect(at.fake.heard).toEqual([]);
    },
  );

  it('the cursor of another table is none of this one', async () => {
    const other = `${at.fake.url}${API}contacts?$deltatoken=1`;
    await expect(all({ link: other })).rejects.toMatchObject({ details: { type: 'CursorInvalid' } });
  });

  it('answered ones are not followed, and the address to set is named', async () => {
    at.fake.answer = () =>
      page([], { '@odata.nextLink': 'https://contoso.crm.dynamics.com/api/data/v9.2/leads?$skiptoken=2' });
    await expect(all({ select: ['firstname'] })).rejects.toMatchObject({
      details: {
        type: 'Misconfigured',
        message: expect.stringContaining('https://contoso.crm.dynamics.com') as string,
      },
    });
    expect(at.fake.heard).toHaveLength(1);
  });

  it('a page that is its own next page is not read for ever', async () => {
    const same = link('$skiptoken=2');
    at.fake.answer = () => page([], { '@odata.nextLink': same });
    await expect(all({ link: same })).rejects.toMatchObject({ details: { type: 'Unavailable' } });
    expect(at.fake.heard).toHaveLength(1);
  });
});

it.each([
  ['no list', { status: 200, body: { hello: 1 } }],
  ['no JSON', { status: 200, body: '<html/>' }],
  ['a row without an etag', page([{ leadid: id(1) }])],
  ['a row without a key', page([{ '@odata.etag': 'W/"1"' }])],
] satisfies [string, Reply][])('%s is a broken answer, not an empty page', async (_what, reply) => {
  at.fake.answer = () => reply;
  await expect(all({ link: link('$deltatoken=1') })).rejects.toMatchObject({
    details: { type: 'Unavailable', code: expect.any(String) as string },
  });
});
