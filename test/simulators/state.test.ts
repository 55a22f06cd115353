import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { adminDoors, type AdminRecord } from '../../simulators/admin-doors.js';
import { startRemotes, type Remotes, type RemotesOptions } from '../../simulators/start.js';
import { STATE_FILE, StateUnreadable } from '../../simulators/state-folder.js';
import { holdFolder, StateFolderUnusable } from '../../simulators/state-lock.js';
import { linesOf, objectFrom } from '../../simulators/state-lines.js';

let stateDir = '';

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'contact-sync-state-'));
  const folder = stateDir;
  return () => rm(folder, { recursive: true, force: true });
});

async function remotes(options: Partial<RemotesOptions> = {}): Promise<Remotes> {
  const places = { marketoPort: 0, dataversePort: 0, people: 200, limits: 'off' as const, seed: 'state' };
  const started = await startRemotes({ ...places, stateDir, tell: () => undefined, ...options });
  onTestFinished(() => started.close().catch(() => undefined));
  return started;
}

const all = async (pages: AsyncGenerator<readonly AdminRecord[]>): Promise<AdminRecord[]> => {
  const records: AdminRecord[] = [];
  for await (const page of pages) records.push(...page);
  return records;
};

const everything = async (origins: Remotes) => {
  const doors = adminDoors(origins);
  return {
    persons: await all(doors.persons()),
    leads: await all(doors.rows('leads')),
    contacts: await all(doors.rows('contacts')),
  };
};

type Answer = Readonly<Record<string, unknown>>;

/** A caller of both APIs who signs in anew: tokens do not outlive a run. */
async function caller({ environment, marketo, dataverse }: Remotes) {
  const get = async (url: string, headers: Record<string, string> = {}) =>
    (await (await fetch(url, { headers })).json()) as Answer;
  const identity = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: environment['MARKETO_CLIENT_ID'] ?? '',
    client_secret: environment['MARKETO_CLIENT_SECRET'] ?? '',
  });
  const { access_token: person } = await get(
    `${environment['MARKETO_IDENTITY'] ?? ''}/oauth/token?${identity.toString()}`,
  );
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: environment['DATAVERSE_CLIENT_ID'] ?? '',
    client_secret: environment['DATAVERSE_CLIENT_SECRET'] ?? '',
    scope: `${dataverse}/.default`,
  });
  const signedIn = await fetch(environment['ENTRA_TOKEN_ENDPOINT'] ?? '', { method: 'POST', body });
  const { access_token: row } = (await signedIn.json()) as Answer;
  return {
    marketo: (path: string) =>
      get(`${marketo}/rest/v1/${path}`, { authorization: `Bearer ${String(person)}` }),
    dataverse: (pathOrLink: string, prefer = '') =>
      get(pathOrLink.startsWith('http') ? pathOrLink : `${dataverse}/api/data/v9.2/${pathOrLink}`, {
        authorization: `Bearer ${String(row)}`,
        ...(prefer === '' ? {} : { prefer }),
      }),
  };
}

const first = (records: readonly AdminRecord[]): AdminRecord => records[0] ?? {};

test('a restart finds every person and row as they were left', async () => {
  const before = await remotes();
  const doors = adminDoors(before);
  const { persons, leads, contacts } = await everything(before);
  await doors.editPerson(Number(first(persons)['id']), { firstName: 'Čestmír', unsubscribed: true });
  await doors.deletePerson(Number(persons.at(-1)?.['id']));
  await doors.editRow('leads', String(first(leads)['leadid']), { lastname: '周', jobtitle: null });
  await doors.deleteRow('contacts', String(first(contacts)['contactid']));
  await doors.createRows('leads', [{ lastname: 'Added' }]);
  const left = await everything(before);
  await before.close();
  const after = await remotes({ people: 5 });
  expect(await everything(after)).toEqual(left);
  const [id] = await adminDoors(after).createPersons([{ lastName: 'Next' }]);
  expect(id).toBe(Number(persons.at(-1)?.['id']) + 1);
});

test('paging tokens and delta links of the last run bring what changed since, and no more', async () => {
  const before = await remotes();
  const { persons, leads, contacts } = await everything(before);
  const old = await caller(before);
  const { nextPageToken } = await old.marketo(
    `activities/pagingtoken.json?sinceDatetime=${new Date(Date.now() - 1_000).toISOString()}`,
  );
  const tracked = 'odata.track-changes,odata.maxpagesize=5000';
  const load = await old.dataverse('leads?$select=lastname', tracked);
  const doors = adminDoors(before);
  const [edited, gone] = [first(persons), first(leads)];
  await doors.editPerson(Number(edited['id']), { lastName: 'Moved' });
  await doors.deleteRow('leads', String(gone['leadid']));
  await before.close();

  const port = Number(new URL(before.dataverse).port);
  const after = await remotes({ dataversePort: port });
  await adminDoors(after).editRow('leads', String(leads[1]?.['leadid']), { lastname: 'Later' });
  const again = await caller(after);
  const changes = await again.marketo(
    `activities/leadchanges.json?fields=lastName&nextPageToken=${encodeURIComponent(String(nextPageToken))}`,
  );
  expect(changes['result']).toMatchObject([{ leadId: edited['id'], fields: [{ newValue: 'Moved' }] }]);
  const delta = await again.dataverse(String(load['@odata.deltaLink']));
  expect(delta['value']).toMatchObject([
    { leadid: leads[1]?.['leadid'], lastname: 'Later' },
    { id: gone['leadid'], reason: 'deleted' },
  ]);
  expect((await everything(after)).contacts).toHaveLength(contacts.length);
});

test('fields and activity types made through the API, rights and settings outlive a restart', async () => {
  const patch = async (url: string, body: object, method = 'PATCH') => {
    const init = { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    expect((await fetch(url, init)).status).toBe(200);
  };
  const before = await remotes();
  const token = async ({ environment }: Remotes): Promise<string> => {
    const query = `grant_type=client_credentials&client_id=${environment['MARKETO_CLIENT_ID'] ?? ''}&client_secret=${environment['MARKETO_CLIENT_SECRET'] ?? ''}`;
    const answer = await fetch(`${environment['MARKETO_IDENTITY'] ?? ''}/oauth/token?${query}`);
    return String(((await answer.json()) as Answer)['access_token']);
  };
  const post = async (origins: Remotes, path: string, body: object) => {
    const headers = {
      authorization: `Bearer ${await token(origins)}`,
      'content-type': 'application/json',
    };
    const url = `${origins.marketo}/rest/v1/${path}`;
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    expect((await answer.json()) as Answer).toMatchObject({ success: true });
  };
  const field = { name: 'dynamicsId', displayName: 'Dynamics Id', dataType: 'string' };
  await post(before, 'leads/schema/fields.json', { input: [field] });
  await adminDoors(before).createPersons([{ lastName: 'Linked', dynamicsId: 'abc' }]);
  await patch(`${before.dataverse}/admin/columns/lead/fax`, { secured: true, canRead: false });
  await patch(`${before.dataverse}/admin/privileges`, { contact: { write: false } });
  await patch(`${before.marketo}/admin/settings`, { blockedFields: ['fax'] });
  await before.close();

  const after = await remotes({ limits: 'real' });
  const { marketo } = await caller(after);
  const found = await marketo('leads.json?filterType=dynamicsId&filterValues=abc&fields=lastName');
  expect(found['result']).toMatchObject([{ lastName: 'Linked' }]);
  const get = async (url: string) => (await (await fetch(url)).json()) as Answer;
  const { columns } = await get(`${after.dataverse}/admin/columns/lead`);
  expect(columns).toContainEqual(
    expect.objectContaining({ logicalName: 'fax', secured: true, canRead: false }),
  );
  expect(await get(`${after.dataverse}/admin/privileges`)).toMatchObject({ contact: { write: false } });
  expect(await get(`${after.marketo}/admin/settings`)).toMatchObject({
    blockedFields: ['fax'],
    limits: 'real',
  });
  expect(await get(`${after.dataverse}/admin/settings`)).toMatchObject({ limits: 'real' });
});

test('the state is there as soon as the simulators are, so that kill -9 loses seconds at most', async () => {
  await remotes();
  expect(await readdir(stateDir)).toEqual([STATE_FILE, expect.stringMatching(/^simulators\.lock\./)]);
  expect(await readFile(join(stateDir, STATE_FILE), 'utf8')).toContain('"persons"');
});

test('life after a restart is another one: nobody is made twice', async () => {
  const firstCreated = async (): Promise<string> => {
    const told: { edit?: (email: string) => void } = {};
    const created = new Promise<string>((resolve) => (told.edit = resolve));
    const running = await remotes({
      onEdit: (edit) => {
        if (edit.what === 'create') told.edit?.(String(edit.values['emailaddress1']));
      },
    });
    await running.setLife(60_000);
    const email = await created;
    await running.close();
    return email;
  };
  expect(await firstCreated()).not.toBe(await firstCreated());
});

test('a file that this version did not write is one clear error', async () => {
  await writeFile(join(stateDir, STATE_FILE), '{"format":"something else"}\n');
  await expect(remotes()).rejects.toThrow(StateUnreadable);
  await expect(remotes()).rejects.toThrow(/simulators\.jsonl cannot be read: .* Move it away/);
});

test.each([
  ['', 'it is empty'],
  ['{"format":"something else"}\n', 'it is no state of the simulators'],
  ['{"format":"contact-sync simulators","version":0}\n', 'it was kept by another version'],
])('the message tells what is wrong with a file that holds %j', async (text, why) => {
  await writeFile(join(stateDir, STATE_FILE), text);
  await expect(remotes()).rejects.toThrow(why);
});

test('a start tells what it goes on with', async () => {
  const before = await remotes({ people: 20 });
  expect(before.begin).toEqual({ people: 20 });
  await adminDoors(before).createRows('contacts', [{ lastname: 'Added' }]);
  const { persons, leads, contacts } = await everything(before);
  await before.close();
  const { begin } = await remotes();
  expect(begin).toEqual({ persons: persons.length, rows: leads.length + contacts.length });
});

test('a start that fails lets go of the folder', async () => {
  await writeFile(join(stateDir, STATE_FILE), '');
  await expect(remotes()).rejects.toThrow(StateUnreadable);
  expect(await readdir(stateDir)).toEqual([STATE_FILE]);
});

describe('a folder', () => {
  const held = async (): Promise<() => Promise<void>> => {
    const release = await holdFolder(stateDir, 0);
    onTestFinished(release);
    return release;
  };
  const lockedBy = async (pid: number, host = hostname(), silentMs = 0): Promise<void> => {
    const ticket = join(stateDir, `simulators.lock.${pid}.0f0e`);
    const beat = new Date(Date.now() - silentMs);
    await writeFile(ticket, host);
    await utimes(ticket, beat, beat);
  };
  const deadPid = (): number => spawnSync(process.execPath, ['--version']).pid;

  test('is held by one at a time, and free again afterwards', async () => {
    const release = await held();
    await expect(holdFolder(stateDir, 0)).rejects.toThrow(
      `${stateDir} is in use by process ${process.pid}: end that one first, or name another folder`,
    );
    await release();
    await held();
  });

  test('is not taken from another process that runs', async () => {
    await lockedBy(process.ppid);
    await expect(held()).rejects.toThrow(StateFolderUnusable);
    await expect(held()).rejects.toThrow(`in use by process ${process.ppid}`);
  });

  test('is not taken from another host whose process shows itself', async () => {
    await lockedBy(deadPid(), 'elsewhere');
    await expect(held()).rejects.toThrow(StateFolderUnusable);
  });

  test.each([
    ['died', deadPid, hostname(), 0],
    ['had the process id that is ours now', () => process.pid, hostname(), 0],
    ['has not shown itself for long, whoever has its process id now', () => process.ppid, hostname(), 60_000],
    ['was on another host and is silent', () => process.ppid, 'elsewhere', 60_000],
  ])('is taken from one that %s', async (_what, pid, host, silentMs) => {
    await lockedBy(pid(), host, silentMs);
    await held();
    expect(await readdir(stateDir)).toEqual([
      expect.stringMatching(new RegExp(`^simulators\\.lock\\.${process.pid}\\.[0-9a-f]{8}-`)),
    ]);
  });

  test('is waited for a moment: who held it may be writing its last state', async () => {
    const release = await held();
    const waiting = holdFolder(stateDir, 30_000);
    await release();
    await (
      await waiting
    )();
  });

  test('is made with all that is above it', async () => {
    const release = await holdFolder(join(stateDir, 'one', 'two'), 0);
    await release();
    expect(await readdir(join(stateDir, 'one', 'two'))).toEqual([]);
  });

  test('that cannot be made is one clear error', async () => {
    const file = join(stateDir, 'file');
    await writeFile(file, '');
    const impossible = process.platform === 'linux' ? ['/proc/nothing'] : [];
    for (const folder of [file, join(file, 'below'), ...impossible])
      await expect(holdFolder(folder, 0)).rejects.toThrow(`${folder} cannot keep a state (`);
  });
});

describe('lines of a state', () => {
  test('give the object back, however long its arrays are', () => {
    const state = {
      count: 3,
      empty: {},
      side: { none: [], many: Array.from({ length: 1201 }, (_, id) => ({ id })), deep: { a: { b: null } } },
    };
    const lines = linesOf(state);
    expect(objectFrom(lines)).toEqual(state);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(10_000);
  });
});
