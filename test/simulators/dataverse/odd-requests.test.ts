import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { id, startSim, type Answer, type Sim } from './client.js';

const contacts = [1, 2, 3].map((n) => ({ contactid: id(n), lastname: `N${n}` }));
const leads = [{ leadid: id(8), lastname: 'L' }];
const tracked = { Prefer: 'odata.track-changes' };
const tooDeep = { status: 400, code: '0x80060888', message: 'Recursion depth exceeded allowed limit.' };

/** Calls with a body as it stands, and a content type. */
const send = async (sim: Sim, method: string, path: string, body: string, type: string): Promise<Response> =>
  await fetch(`${sim.origin}/api/data/v9.2/${path}`, {
    method,
    body,
    headers: { Authorization: `Bearer ${await sim.token()}`, 'Content-Type': type },
  });

describe('Queries in another language', () => {
  it.each(['fetchXml=%3Cfetch%2F%3E', 'FetchXML=x', `savedQuery=${id(1)}`, `userQuery=${id(1)}`, '$apply=x'])(
    'are refused, not answered with every row: %s',
    async (query) => {
      const sim = await startSim({ contacts });
      const answer = await sim.api('GET', `contacts?${query}`);
      expect(answer).toMatchObject({ status: 400, code: '0x80060888' });
      expect(answer.message).toBe(`The query parameter ${query.split('=')[0] ?? ''} is not supported.`);
    },
  );
});

describe('Input that is nested too deeply', () => {
  it('is refused in a filter, but not before it is very deep', async () => {
    const sim = await startSim({ contacts });
    const filter = (depth: number): Promise<Answer> =>
      sim.api('GET', `contacts?$filter=${'('.repeat(depth)}lastname eq 'N1'${')'.repeat(depth)}`);
    expect((await filter(500)).rows).toHaveLength(1);
    expect(await filter(3000)).toMatchObject(tooDeep);
    expect(await sim.api('GET', `contacts?$filter=${'not '.repeat(3000)}`)).toMatchObject(tooDeep);
  });

  it('is refused in a body, alone or in a change set, and writes nothing', async () => {
    const sim = await startSim();
    const deep = `{"lastname":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const alone = await send(sim, 'POST', 'contacts', deep, 'application/json');
    expect([alone.status, await alone.text()]).toEqual([400, expect.stringContaining('0x80060888')]);
    const member = `Content-Type: application/http\r\nContent-ID: 1\r\n\r\nPOST /api/data/v9.2/contacts HTTP/1.1\r\nContent-Type: application/json\r\n\r\n${deep.replace('{', '{"a":"$",')}`;
    const set = `Content-Type: multipart/mixed; boundary=s\r\n\r\n--s\r\n${member}\r\n--s--\r\n`;
    const batch = await sim.batch([set]);
    expect(batch.parts).toMatchObject([{ status: 400, code: '0x80060888' }]);
    expect((await sim.admin('GET', '/stats')).json).toMatchObject({ contacts: 0 });
    const { calls } = (await sim.admin('GET', '/journal')).json;
    expect(calls).toContainEqual(expect.objectContaining({ code: '0x80060888', status: 400 }));
  });
});

describe('A defect of the simulator', () => {
  it("is answered as the product's own, and told to the process", async () => {
    const clock = { broken: false };
    const now = (): number => {
      if (clock.broken) throw new Error('The clock has stopped.');
      return Date.now();
    };
    const sim = await startSim({ now });
    await sim.api('GET', 'WhoAmI');
    clock.broken = true;
    const told = once(process, 'warning');
    const answer = await sim.api('GET', 'WhoAmI');
    expect(answer).toMatchObject({ status: 500, code: '0x80040216' });
    expect(answer.message).toBe('An unexpected error occurred.');
    expect(await told).toMatchObject([
      { name: 'DataverseSimulatorDefect', message: 'The clock has stopped.' },
    ]);
  });
});

describe('Addresses', () => {
  it.each([
    ['/api/data/v9.2/%zz', 400, '0x80060888'],
    ['//api/data/v9.2/contacts', 404, '0x8006088a'],
    ['/api/data/v9.1/contacts', 404, '0x8006088a'],
  ])("that lead nowhere are refused in the product's words: %s", async (path, status, code) => {
    const sim = await startSim({ contacts });
    const headers = { Authorization: `Bearer ${await sim.token()}` };
    const response = await fetch(`${sim.origin}${path}`, { headers });
    const body = (await response.json()) as { error: { code: string } };
    expect([response.status, body.error.code]).toEqual([status, code]);
    const anonymous = await fetch(`${sim.origin}${path}`);
    expect(anonymous.status).toBe(401);
  });

  it('of the environment itself tell its tables and its version', async () => {
    const sim = await startSim();
    const names = (await sim.api('GET', '')).rows.map(({ name }) => name);
    expect(names).toEqual(['accounts', 'contacts', 'leads', 'opportunities']);
    expect((await sim.api('GET', 'RetrieveVersion()')).json['Version']).toMatch(/^9\.2\.\d+\.\d+$/);
  });
});

describe('Bodies', () => {
  it('are JSON: another media type is a 415, and writes nothing', async () => {
    const sim = await startSim();
    const post = (type: string): Promise<Response> => send(sim, 'POST', 'contacts', '{"lastname":"A"}', type);
    const plain = await post('text/plain;charset=UTF-8');
    expect([plain.status, await plain.text()]).toEqual([415, expect.stringContaining("'text/plain'")]);
    expect((await post('application/x-www-form-urlencoded')).status).toBe(415);
    expect((await sim.admin('GET', '/stats')).json).toMatchObject({ contacts: 0 });
    expect((await post('application/json; odata.metadata=minimal')).status).toBe(204);
  });

  it.each([
    [
      `leads(${id(8)})/Microsoft.Dynamics.CRM.QualifyLead`,
      {},
      'missing parameters are: CreateAccount, Create',
    ],
    ['Merge', {}, 'missing parameters are: Target, Subordinate.'],
    ['Merge', [], "parameters of the operation 'Merge' were expected as a JSON object"],
    [
      'BulkDelete',
      { JobName: 5, QuerySet: [] },
      "parameter 'JobName' of the operation 'BulkDelete' is not valid",
    ],
    [
      'contacts/Microsoft.Dynamics.CRM.CreateMultiple',
      { Targets: [{}] },
      'parameters are: Targets[0].@odata.type.',
    ],
  ])("of actions are refused in the product's words: %s", async (path, body, words) => {
    const sim = await startSim({ leads });
    const answer = await sim.api('POST', path, body);
    expect(answer).toMatchObject({ status: 400, code: '0x80048d19' });
    expect(answer.message).toContain(words);
    expect(answer.message).not.toMatch(/✖|Invalid input/);
  });
});

describe('What an answer says of itself', () => {
  it('names a page size as followed only where it is', async () => {
    const sim = await startSim({ contacts });
    const applied = async (size: string): Promise<string | null> => {
      const headers = { Prefer: `odata.maxpagesize=${size}` };
      return (await sim.api('GET', 'contacts', undefined, headers)).headers.get('preference-applied');
    };
    for (const size of ['0', '-1', 'abc', '10000', '1e3', '']) expect(await applied(size), size).toBeNull();
    expect(await applied('5000')).toBe('odata.maxpagesize=5000');
  });

  it('names the chosen columns of small tables too', async () => {
    const sim = await startSim();
    const context = async (path: string): Promise<unknown> =>
      String((await sim.api('GET', path)).json['@odata.context']).split('$metadata')[1];
    expect(await context('systemusers?$select=fullname,isdisabled')).toBe(
      '#systemusers(fullname,isdisabled)',
    );
    expect(await context('organizations')).toBe('#organizations');
    const me = String((await sim.api('GET', 'WhoAmI')).json['UserId']);
    expect(await context(`systemusers(${me})?$select=fullname`)).toBe('#systemusers(fullname)/$entity');
  });
});

describe('A delta token', () => {
  const deltaLink = async (sim: Sim, path: string): Promise<string> =>
    String((await sim.api('GET', path, undefined, tracked)).json['@odata.deltaLink']);
  const invalid = { status: 400, code: '0x80040203', message: 'The delta token is not valid.' };

  it("that was given for another table's rows is refused", async () => {
    const sim = await startSim({ contacts, leads });
    const ofContacts = await deltaLink(sim, 'contacts?$select=lastname');
    expect(await sim.api('GET', ofContacts.replace('/contacts?', '/leads?'))).toMatchObject(invalid);
    expect((await sim.api('GET', ofContacts)).status).toBe(200);
    // Both tables may stand at one version.
    const ofLeads = await deltaLink(sim, 'leads?$select=lastname');
    expect((await sim.api('GET', ofLeads)).status).toBe(200);
  });

  it('of an earlier run goes on working, whatever other tables were given since', async () => {
    const sim = await startSim({ contacts, leads });
    const ofContacts = await deltaLink(sim, 'contacts?$select=lastname');
    const again = await startSim({ state: sim.state() });
    await deltaLink(again, 'leads?$select=lastname');
    const path = ofContacts.replace(sim.origin, again.origin);
    expect(await again.api('GET', path)).toMatchObject({ status: 200, rows: [] });
  });

  it('of the future was never given', async () => {
    const sim = await startSim({ contacts });
    const link = await deltaLink(sim, 'contacts?$select=lastname');
    expect(await sim.api('GET', link.replace(/deltatoken=\d+/, 'deltatoken=999999999'))).toMatchObject(
      invalid,
    );
    expect(await sim.api('GET', link.replace(/%2f\d{4}%20/, '%2f2999%20'))).toMatchObject(invalid);
  });
});
