import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { adminDoors, type AdminRecord } from '../../simulators/admin-doors.js';
import { holdFolder } from '../../simulators/state-lock.js';

const root = join(import.meta.dirname, '../..');
const runner = join(root, 'test/support/run-typescript.mjs');
const program = join(root, 'test/simulators/fixtures/run-simulators.ts');
const ANY_PORTS = ['--marketo-port', '0', '--dataverse-port', '0'];

interface Ready {
  readonly marketo: string;
  readonly dataverse: string;
  readonly environment: Record<string, string>;
}

const children = new Set<ChildProcess>();
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

function run(...args: string[]) {
  const child = fork(runner, [program, ...args], { cwd: root, silent: true });
  children.add(child);
  const output = { stdout: '', stderr: '' };
  const read = async (name: 'stdout' | 'stderr'): Promise<void> => {
    for await (const chunk of child[name] ?? []) output[name] += String(chunk);
  };
  // Not the event 'close', which never comes once the parent has disconnected.
  const closed = Promise.all([once(child, 'exit'), read('stdout'), read('stderr')]).then(([[code]]) => {
    children.delete(child);
    return code as number | null;
  });
  const message = async (): Promise<Record<string, unknown>> => {
    const ended = closed.then((code) => {
      throw new Error(`The simulators ended with ${code}: ${output.stderr}`);
    });
    const [first] = (await Promise.race([once(child, 'message'), ended])) as [Record<string, unknown>];
    return first;
  };
  return { child, output, closed, message };
}

async function started(...args: string[]) {
  const process = run(...ANY_PORTS, ...args);
  const { ready } = (await process.message()) as { ready: Ready };
  return { ...process, ready };
}

async function all(pages: AsyncGenerator<readonly AdminRecord[]>): Promise<AdminRecord[]> {
  const records: AdminRecord[] = [];
  for await (const page of pages) records.push(...page);
  return records;
}

async function recordsOf(ready: Ready): Promise<{ persons: number; rows: number }> {
  const doors = adminDoors(ready);
  const leads = await all(doors.rows('leads'));
  const contacts = await all(doors.rows('contacts'));
  return { persons: (await all(doors.persons())).length, rows: leads.length + contacts.length };
}

async function stateDir(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'contact-sync-simulators-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const isUp = (origin: string): Promise<boolean> =>
  fetch(origin).then(
    () => true,
    () => false,
  );

test('both remotes answer with the people asked for, and one line of JSON says where', async () => {
  const { child, closed, output, ready } = await started('--people', '300', '--limits', 'off');
  const doors = adminDoors(ready);
  expect((await all(doors.persons())).length).toBeGreaterThanOrEqual(165);
  expect((await all(doors.rows('leads'))).length).toBeGreaterThanOrEqual(144);
  expect((await all(doors.rows('contacts'))).length).toBeGreaterThanOrEqual(96);
  child.kill('SIGTERM');
  expect(await closed).toBe(0);
  expect(output.stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(JSON.parse(output.stdout)).toEqual(ready.environment);
  expect(ready.environment).toMatchObject({
    MARKETO_ENDPOINT: `${ready.marketo}/rest`,
    MARKETO_IDENTITY: `${ready.marketo}/identity`,
    DATAVERSE_URL: ready.dataverse,
  });
  expect(await isUp(ready.marketo)).toBe(false);
  expect(await isUp(ready.dataverse)).toBe(false);
});

test('a parent starts and stops life; after stopping nothing changes any more', async () => {
  const { child, closed, message, output, ready } = await started('--people', '200', '--life', '60000');
  const doors = adminDoors(ready);
  const everything = async () => [
    await all(doors.persons()),
    await all(doors.rows('leads')),
    await all(doors.rows('contacts')),
  ];
  const ask = async (life: number) => {
    const answer = message();
    child.send({ life });
    return (await answer) as { life: number; edits: number };
  };
  // The pace asked for on the command line is under way: wait until it shows, however slow this machine is.
  let first = await ask(0);
  while (first.edits < 20) {
    await ask(60_000);
    await fetch(`${ready.marketo}/admin/persons?afterId=0&limit=1000`);
    first = await ask(0);
  }
  const quiet = await everything();
  expect(await everything()).toEqual(quiet);
  expect(await ask(0)).toEqual({ life: 0, edits: first.edits });
  expect(output.stderr).not.toContain('An edit failed');
  child.kill('SIGINT');
  expect(await closed).toBe(0);
});

test('with --exit-with-parent the simulators end when the parent is gone', async () => {
  const { child, closed } = await started('--people', '10', '--exit-with-parent');
  child.disconnect();
  expect(await closed).toBe(0);
});

test('without it they stay', async () => {
  const { child, closed, ready } = await started('--people', '10');
  child.disconnect();
  expect(await isUp(ready.marketo)).toBe(true);
  child.kill('SIGINT');
  expect(await closed).toBe(0);
});

test.each(['--marketo-port', '--dataverse-port'])(
  'a port in use for %s is one clear error',
  async (option) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { closed, output } = run(
      ...ANY_PORTS,
      option,
      String(port),
      '--people',
      '10',
      '--exit-with-parent',
    );
    expect(await closed).toBe(2);
    expect(output.stderr).toBe(
      `Port ${port} is already in use: choose another with ${option}, or 0 for any free one.\n`,
    );
    expect(output.stdout).toBe('');
    taken.close();
  },
);

test('the last line tells what is there: people asked for, then what a folder kept of them', async () => {
  const folder = await stateDir();
  const first = await started('--people', '50', '--state-dir', folder);
  const { persons, rows } = await recordsOf(first.ready);
  first.child.kill('SIGTERM');
  expect(await first.closed).toBe(0);
  expect(first.output.stderr).toContain(', 50 people. Ctrl-C ends both.');
  const second = await started('--state-dir', folder);
  second.child.kill('SIGTERM');
  expect(await second.closed).toBe(0);
  expect(second.output.stderr).toContain(
    `, ${persons} persons and ${rows} leads and contacts as kept. Ctrl-C ends both.`,
  );
});

test('a state folder that another process uses is one clear error, and stays as it is', async () => {
  const folder = await stateDir();
  onTestFinished(await holdFolder(folder));
  const { closed, output } = run(...ANY_PORTS, '--people', '10', '--state-dir', folder, '--exit-with-parent');
  expect(await closed).toBe(2);
  expect(output.stderr).toMatch(/^\S+ is in use by process \d+: .*\n$/);
  expect(output.stdout).toBe('');
  expect(await readdir(folder)).toEqual([expect.stringContaining(`.${process.pid}.`)]);
});

test('a state folder that is a file is one clear error', async () => {
  const file = join(await stateDir(), 'file');
  await writeFile(file, '');
  const { closed, output } = run(...ANY_PORTS, '--people', '10', '--state-dir', file, '--exit-with-parent');
  expect(await closed).toBe(2);
  expect(output.stderr).toMatch(/^\S+file cannot keep a state \(.*--state-dir\.\n$/);
});

test.each([
  [['--people', 'many'], '--people'],
  [['--marketo-port', '70000'], '--marketo-port'],
  [['--limits', 'some'], '--limits'],
  [['--life', '-1'], '--life'],
  [['--colour'], '--colour'],
  [['extra'], 'too many arguments'],
])('%j is one clear error', async (args, named) => {
  const { closed, output } = run(...args);
  expect(await closed).toBe(2);
  expect(output.stderr).toContain(named);
  expect(output.stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(output.stdout).toBe('');
});

test('--help tells the options and ends well', async () => {
  const { closed, output } = run('--help');
  expect(await closed).toBe(0);
  expect(output.stdout).toContain('--dataverse-port <port>');
});
