import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { contactSync } from './recording.js';

const COMMANDS = ['setup', 'start', 'stop', 'status', 'why', 'create-person'] as const;

/** Nothing but what the commands need to get past the environment; nothing answers at these addresses. */
const unreachable = {
  MARKETO_ENDPOINT: 'http://127.0.0.1:9/rest',
  MARKETO_IDENTITY: 'http://127.0.0.1:9/identity',
  MARKETO_CLIENT_ID: 'client',
  MARKETO_CLIENT_SECRET: 'marketo-secret',
  DATAVERSE_URL: 'http://127.0.0.1:9',
  ENTRA_TENANT_ID: 'contoso.example',
  DATAVERSE_CLIENT_ID: 'client',
  DATAVERSE_CLIENT_SECRET: 'dataverse-secret',
  DATABASE_URL: 'postgres://operator:store-secret@127.0.0.1:9/contact_sync',
  TEMPORAL_ADDRESS: '127.0.0.1:9',
  SYNC_CONFIG: join(tmpdir(), 'there', 'is', 'no', 'such', 'sync.config.yaml'),
};

const folderWith = (config: string): string => {
  const folder = mkdtempSync(join(tmpdir(), 'contact-sync-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'sync.config.yaml');
  writeFileSync(file, config);
  return file;
};

const emptyStore = async (): Promise<string> => {
  const { url, drop } = await freshDatabase();
  onTestFinished(drop);
  return url;
};

/** `called` resolves when somebody connects. */
const listen = async (server: Server): Promise<{ port: number; called: Promise<void> }> => {
  const called = new Promise<void>((resolve) => void server.once('connection', () => resolve()));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, called };
};

describe('contact-sync', () => {
  it.each(COMMANDS)('%s has help with an example and its exit codes', async (command) => {
    const { code, out, err } = await contactSync([command, '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`$ contact-sync ${command}`);
    expect(out).toContain('--json');
    expect(out).toMatch(/Exit codes: 0 .*1 failed.*2 wrong usage or configuration/s);
  });

  it('without a command shows what there is, as an error', async () => {
    const { code, out, err } = await contactSync([]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    for (const command of COMMANDS) expect(err).toContain(`\n  ${command} `);
  });
});

describe('Wrong usage ends with 2 and one line that says what is wrong', () => {
  it.each([
    [['nonsense'], "unknown command 'nonsense'"],
    [['statsu'], "unknown command 'statsu'"],
    [['status', '--jsno'], "unknown option '--jsno'"],
    [['status', 'please'], 'too many arguments'],
    [['create-person', '--as', 'lead'], "missing required argument 'marketoId'"],
    [['create-person', '1042'], "required option '--as <lead|contact>' not specified"],
    [['create-person', '1042', '--as', 'account'], 'Allowed choices are lead, contact'],
    [['create-person', 'ada@acme.example', '--as', 'lead'], 'a whole number like 1042'],
    [['create-person', '0', '--as', 'lead'], 'a whole number like 1042'],
    [['create-person', '-5', '--as', 'lead'], 'a whole number like 1042'],
    [['create-person', '12345678901234567890', '--as', 'lead'], 'a whole number like 1042'],
    [['create-person', '7', '--as', 'lead', '--owner', 'ada'], 'Expected an id like'],
    [['create-person', '7', '--as', 'lead', '--timeout', '60'], 'Expected a number and a unit'],
    [['create-person', '7', '--as', 'lead', '--request-id', ''], 'Expected 1 to 255 characters'],
    [['stop', '--reason', 'x'.repeat(256)], 'Expected 1 to 255 characters'],
  ])('%j', async (argv, expected) => {
    const { code, out, err } = await contactSync(argv, unreachable);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    const [line = ''] = err.split('\n');
    expect(line).toMatch(/^contact-sync: /);
    expect(line).toContain(expected);
  });
});

describe('A configuration that cannot be used ends with 2', () => {
  it.each(COMMANDS)('%s lists every variable that is missing', async (command) => {
    const rest = { 'create-person': ['7', '--as', 'lead'], why: ['7'] }[command as string] ?? [];
    const env = { TEMPORAL_ADDRESS: 'http://somewhere', SYNC_REST: 'soon' };
    const { code, err } = await contactSync([command, ...rest], env);
    expect(code).toBe(2);
    expect(err).toMatch(/^contact-sync: The environment cannot be used/);
    expect(err).toContain('  - SYNC_REST');
    if (command === 'setup') {
      for (const name of ['MARKETO_ENDPOINT', 'MARKETO_CLIENT_SECRET', 'DATAVERSE_URL', 'ENTRA_TENANT_ID']) {
        expect(err).toContain(`  - ${name} is missing`);
      }
    } else expect(err.includes('  - TEMPORAL_ADDRESS')).toBe(command !== 'why');
  });

  it('names file, line and key of a mistake in the field selection, before anything is called', async () => {
    const file = folderWith('fields:\n  - { marketo: firstName, laed: firstname }\n');
    const { code, err } = await contactSync(['setup'], { ...unreachable, SYNC_CONFIG: file });
    expect(code).toBe(2);
    expect(err).toContain(`  - ${file}:2:27: fields[0].laed: unknown key. Did you mean "lead"?`);
  });

  it('tells of a share that is too small to work with', async () => {
    const file = folderWith(
      'fields:\n  - { marketo: firstName, lead: firstname }\nbudget: { marketo: { share: 0.01 } }\n',
    );
    const env = { ...unreachable, SYNC_CONFIG: file, DATABASE_URL: await emptyStore() };
    const { code, err } = await contactSync(['setup'], env);
    expect(code).toBe(2);
    expect(err).toContain('budget: call limits: a share of 0.01 leaves too few calls');
  });

  it.each([
    ['start', []],
    ['create-person', ['7', '--as', 'lead']],
  ])('%s asks for setup first', async (command, rest) => {
    const { code, err } = await contactSync([command, ...rest], {
      ...unreachable,
      DATABASE_URL: await emptyStore(),
    });
    expect(code).toBe(2);
    expect(err).toBe(
      'contact-sync: The installation "default" is not set up.\n  - Run "contact-sync setup" first.',
    );
  });
});

describe('What is down is named, with what to do', () => {
  it.each(['setup', 'start', 'status'])('the store, by %s', async (command) => {
    const { code, err } = await contactSync([command], unreachable);
    expect(code).toBe(1);
    expect(err).toContain('127.0.0.1:9/contact_sync');
    expect(err).toContain('DATABASE_URL');
    expect(err).not.toContain('secret');
    expect(err.split('\n')).toHaveLength(1);
  });

  it('both remotes, in one error', async () => {
    const { code, err } = await contactSync(['setup'], { ...unreachable, DATABASE_URL: await emptyStore() });
    expect(code).toBe(1);
    expect(err).toContain('Neither Marketo nor Dynamics');
    expect(err).toContain('ECONNREFUSED');
    expect(err).not.toContain('secret');
  });

  it('Temporal', async () => {
    const { code, err } = await contactSync(['stop'], unreachable);
    expect(code).toBe(1);
    expect(err).toContain('contact-sync: Temporal at 127.0.0.1:9 does not answer.');
    expect(err).toContain('TEMPORAL_ADDRESS');
  });

  it('Temporal, where something else listens on its port', async () => {
    const { port } = await listen(createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    const env = { ...unreachable, TEMPORAL_ADDRESS: `127.0.0.1:${String(port)}` };
    const { code, err } = await contactSync(['stop'], env);
    expect(code).toBe(1);
    expect(err).toContain(`Temporal at 127.0.0.1:${String(port)} does not answer.`);
  });
});

describe('An operator who stops a command', () => {
  it('need not wait for a remote that hangs', async () => {
    const hung = createServer();
    const { port, called } = await listen(hung);
    const env = {
      ...unreachable,
      MARKETO_ENDPOINT: `http://127.0.0.1:${String(port)}/rest`,
      MARKETO_IDENTITY: `http://127.0.0.1:${String(port)}/identity`,
      DATABASE_URL: await emptyStore(),
    };
    const stop = new AbortController();
    const running = contactSync(['setup'], env, stop.signal);
    await called;
    stop.abort(new Error('interrupted'));
    expect(await running).toMatchObject({ code: 130, err: 'contact-sync: interrupted' });
  });
});

describe('--json', () => {
  it('prints failures as one object too', async () => {
    const { code, out, err } = await contactSync(['status', '--json'], unreachable);
    expect(code).toBe(1);
    const message = expect.stringContaining('The store at 127.0.0.1:9/contact_sync') as string;
    expect(JSON.parse(out)).toEqual({ error: { message, hints: [] } });
    expect(err).toMatch(/^contact-sync: The store/);
  });
});

describe('LOG_LEVEL=debug', () => {
  it('shows where an error comes from, which is hidden otherwise', async () => {
    const quiet = await contactSync(['status'], unreachable);
    expect(quiet.err).not.toMatch(/\n +at /);
    const loud = await contactSync(['status'], { ...unreachable, LOG_LEVEL: 'debug' });
    expect(loud.err).toMatch(/\n +at /);
  });
});
