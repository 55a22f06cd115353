import { describe, expect, it } from 'vitest';

import { lookupColumn } from '../../dynamics/index.js';
import { API, errorReply, type Heard, id, type Reply } from './fake-dataverse.js';
import { scene } from './scene.js';

const at = scene();

const query = ({ url }: Heard): URLSearchParams => new URL(url, at.fake.url).searchParams;
const contact = (contactid: string, values: object = {}): object => ({
  '@odata.etag': 'W/"1"',
  contactid,
  ...values,
});
const rows = (value: readonly object[], nextLink?: string): Reply => ({
  status: 200,
  body: { value, ...(nextLink !== undefined && { '@odata.nextLink': nextLink }) },
});
/** The values of an `In` filter. */
const valuesIn = (request: Heard): string[] =>
  JSON.parse(/PropertyValues=(\[.*\])\)$/.exec(query(request).get('$filter') ?? '')?.[1] ?? '[]') as string[];

describe('reading one row', () => {
  it('keeps numbers and booleans what they are, tells null from absent, drops what was not selected', async () => {
    at.fake.answer = () => ({
      status: 200,
      body: contact(id(1), {
        firstname: 'Ana',
        annualincome: 5000000.0,
        donotbulkemail: false,
        statecode: 0,
        birthdate: null,
        _parentcustomerid_value: id(7),
        '_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname': 'account',
        address1_composite: 'x',
        odd: { nested: true },
      }),
    });
    const parent = lookupColumn('parentcustomerid');
    const select = [
      'firstname',
      'annualincome',
      'donotbulkemail',
      'statecode',
      'birthdate',
      parent,
      'odd',
      'jobtitle',
    ];
    expect(await at.dynamics.readRow('contact', id(1).toUpperCase(), select)).toEqual({
      id: id(1),
      etag: 'W/"1"',
      values: {
        firstname: 'Ana',
        annualincome: 5000000,
        donotbulkemail: false,
        statecode: 0,
        birthdate: null,
        [parent]: id(7),
      },
    });
    expect(at.fake.heard[0]?.url).toBe(`${API}contacts(${id(1)})?$select=${select.join(',')}`);
    expect(at.fake.heard[0]?.headers).toMatchObject({
      accept: 'application/json',
      'odata-version': '4.0',
      'odata-maxversion': '4.0',
      'if-none-match': 'null',
    });
  });

  it('finds nothing only where Dataverse itself says so', async () => {
    at.fake.answer = () => errorReply(404, '0x80040217', 'contact With Id = … Does Not Exist');
    expect(await at.dynamics.readRow('contact', id(1), ['firstname'])).toBeUndefined();
    at.fake.answer = () => ({ status: 404, body: '<html>No such site</html>' });
    await expect(at.dynamics.readRow('contact', id(1), ['firstname'])).rejects.toMatchObject({
      details: { type: 'Misconfigured' },
    });
  });
});

describe('reading rows by id', () => {
  it('asks for each id once, in addresses of a bearable length', async () => {
    at.fake.answer = (request) =>
      rows(valuesIn(request).map((value) => contact(value, { firstname: 'Ana' })));
    const ids = Array.from({ length: 1000 }, (_row, at) => id(at));
    const found = await at.dynamics.readRows('contact', [...ids, ...ids], ['firstname']);
    expect(found.map((row) => row.id).sort()).toEqual([...ids].sort());
    expect(at.fake.heard.flatMap(valuesIn).sort()).toEqual([...ids].sort());
    expect(Math.max(...at.fake.heard.map(({ url }) => url.length))).toBeLessThan(10_000);
    expect(at.fake.heard.length).toBeLessThanOrEqual(7);
  });

  it('leaves out an id without a row, and asks nothing for nothing', async () => {
    at.fake.answer = () => rows([contact(id(2))]);
    expect(
      (await at.dynamics.readRows('contact', [id(1), id(2)], ['firstname'])).map((row) => row.id),
    ).toEqual([id(2)]);
    at.fake.heard.length = 0;
    expect(await at.dynamics.readRows('contact', [], ['firstname'])).toEqual([]);
    expect(at.fake.heard).toEqual([]);
  });

  it('follows pages', async () => {
    at.fake.answer = ({ url }) =>
      url.includes('skiptoken')
        ? rows([contact(id(2))])
        : rows([contact(id(1))], `${at.fake.url}${API}contacts?$skiptoken=2`);
    expect(await at.dynamics.readRows('contact', [id(1), id(2)], ['firstname'])).toHaveLength(2);
  });
});

describe('finding rows by e-mail', () => {
  it('asks for each address once, whatever its case, and escapes what would break the filter', async () => {
    at.fake.answer = () => rows([contact(id(1)), contact(id(2))]);
    const found = await at.dynamics.findByEmail(
      'contact',
      ['Ana+1@Example.com', ' ana+1@example.com', '', "o'brien@example.com"],
      ['statecode'],
    );
    expect(found.map((row) => row.id)).toEqual([id(1), id(2)]);
    expect(at.fake.heard.map((request) => query(request).get('$filter')).sort()).toEqual([
      `Microsoft.Dynamics.CRM.In(PropertyName='emailaddress1',PropertyValues=["ana+1@example.com"])`,
      `emailaddress1 eq 'o''brien@example.com'`,
    ]);
  });
});

describe('reading rows modified since an instant', () => {
  it('reads oldest first, in whole seconds, page by page', async () => {
    at.fake.answer = ({ url }) =>
      url.includes('skiptoken')
        ? rows([contact(id(2))])
        : rows([contact(id(1))], `${at.fake.url}${API}contacts?$skiptoken=2`);
    const pages: string[][] = [];
    for await (const page of at.dynamics.modifiedSince('contact', '2026-01-05T09:12:44.900Z', [
      'firstname',
    ])) {
      pages.push(page.map((row) => row.id));
    }
    expect(pages).toEqual([[id(1)], [id(2)]]);
    const [first] = at.fake.heard;
    expect(first && query(first).get('$filter')).toBe('modifiedon ge 2026-01-05T09:12:44Z');
    expect(first && query(first).get('$orderby')).toBe('modifiedon asc,contactid asc');
  });
});

describe('the environment', () => {
  it('tells who we are and how parallel to be', async () => {
    at.fake.answer = () => ({
      status: 200,
      headers: { 'x-ms-dop-hint': '6', 'x-ms-ratelimit-time-remaining-xrm-requests': '1,187.25' },
      body: { BusinessUnitId: id(3), UserId: id(1).toUpperCase(), OrganizationId: id(2) },
    });
    expect(await at.dynamics.whoAmI()).toEqual({ userId: id(1), organizationId: id(2), parallelism: 6 });
    expect(at.fake.heard[0]).toMatchObject({ method: 'GET', url: `${API}WhoAmI` });
  });

  it('tells whether a table tracks changes and takes versions of rows', async () => {
    const traits = { ChangeTrackingEnabled: false, IsOptimisticConcurrencyEnabled: true };
    at.fake.answer = () => ({ status: 200, body: { ...traits, LogicalName: 'lead' } });
    const read = await at.dynamics.tableTraits('lead');
    expect(read).toEqual({ changeTracking: false, optimisticConcurrency: true });
  });
});
