import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { pinned } from '../../launch/temporal-download.js';
import { findTemporalServer, startDevServer } from '../../launch/temporal-server.js';
import { isAlive } from '../../store/embedded-lock.js';

const runner = fileURLToPath(new URL('../support/run-typescript.mjs', import.meta.url));
const program = fileURLToPath(new URL('fixtures/start-server.ts', import.meta.url));

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contact-sync-temporal-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const fakeProgram = (path: string, text = '#!/bin/sh\n'): string => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
};

describe("finding one of Temporal's servers", () => {
  it('takes what the environment variable names before anything else', async () => {
    const named = fakeProgram(join(folder, 'named', 'cli'));
    fakeProgram(join(folder, 'bin', 'temporal'));
    const environment = { TEMPORAL_CLI_PATH: named, PATH: join(folder, 'bin') };
    expect(await findTemporalServer('dev', { environment })).toBe(named);
  });

  it('says so when the variable names no program, instead of taking another one', async () => {
    const environment = { TEMPORAL_TEST_SERVER_PATH: join(folder, 'nothing'), PATH: '' };
    await expect(findTemporalServer('test', { environment })).rejects.toThrow(
      /TEMPORAL_TEST_SERVER_PATH is set to .*nothing, which is not an executable file/,
    );
  });

  it('takes the one on the PATH, then the one in the cache folder', async () => {
    const cached = fakeProgram(join(folder, 'contact-sync', `temporal-test-server-for-sdk-${pinned.sdk}`));
    const empty = { XDG_CACHE_HOME: folder, PATH: join(folder, 'empty') };
    expect(await findTemporalServer('test', { environment: empty })).toBe(cached);

    const installed = fakeProgram(join(folder, 'bin', 'temporal-test-server'));
    const environment = { ...empty, PATH: ['', join(folder, 'empty'), join(folder, 'bin')].join(delimiter) };
    expect(await findTemporalServer('test', { environment })).toBe(installed);
  });

  it('is pinned to the SDK of package.json', () => {
    const Manifest = z.object({ dependencies: z.record(z.string(), z.string()) });
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    expect(Manifest.parse(JSON.parse(text)).dependencies['@temporalio/client']).toBe(pinned.sdk);
  });
});

describe("downloading one of Temporal's servers", () => {
  const unreachable = {
    name: 'a site out of reach',
    fetch: () => Promise.reject(new Error('no route to host')),
  };
  const working = {
    name: 'a site that works',
    fetch: (kind: string, into: string) => {
      const file = join(into, 'inner', 'program');
      mkdirSync(dirname(file));
      writeFileSync(file, `the ${kind} server`);
      return Promise.resolve(file);
    },
  };
  const environment = () => ({ XDG_CACHE_HOME: folder, PATH: '' });

  it('tries the next source when one fails, and keeps an executable file alone in the cache folder', async () => {
    const lines: string[] = [];
    const options = { environment: environment(), downloads: [unreachable, working] };
    const path = await findTemporalServer('test', { ...options, onProgress: (line) => lines.push(line) });

    expect(readFileSync(path, 'utf8')).toBe('the test server');
    expect(readdirSync(join(folder, 'contact-sync'))).toEqual([`temporal-test-server-for-sdk-${pinned.sdk}`]);
    expect(lines).toEqual([
      expect.stringMatching(/time-skipping test server .* by a site out of reach$/),
      expect.stringMatching(/by a site that works$/),
    ]);
    expect(await findTemporalServer('test', { environment: environment(), downloads: [unreachable] })).toBe(
      path,
    );
  });

  it('may be done by several processes at once', async () => {
    const options = { environment: environment(), downloads: [working] };
    const found = await Promise.all(Array.from({ length: 5 }, () => findTemporalServer('dev', options)));
    expect(new Set(found).size).toBe(1);
    expect(readdirSync(join(folder, 'contact-sync'))).toHaveLength(1);
  });

  it('ends, when everything fails, with one error that says what was tried and what to do', async () => {
    const options = {
      environment: environment(),
      downloads: [unreachable, { ...unreachable, name: 'another' }],
    };
    const message = await findTemporalServer('dev', options).catch((error: unknown) => String(error));

    expect(message).toContain('the variable TEMPORAL_CLI_PATH: not set');
    expect(message).toContain('a site out of reach: no route to host');
    expect(message).toContain('another: no route to host');
    expect(message).toMatch(/install the Temporal CLI .* or set TEMPORAL_CLI_PATH to its full path/);
    expect(readdirSync(join(folder, 'contact-sync'))).toEqual([]);
  });
});

const describeDefault = async (address: string): Promise<string | undefined | null> => {
  const connection = await Connection.connect({ address, connectTimeout: 1_000 });
  try {
    const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace: 'default' });
    return namespaceInfo?.name;
  } finally {
    await connection.close();
  }
};

describe("Temporal's development server", () => {
  const path = process.env['TEMPORAL_CLI_PATH'] ?? '';
  const files = () => ({
    dbFile: join(folder, 'temporal.db'),
    logFile: join(folder, 'logs', 'temporal.log'),
  });
  const onFreePorts = () => ({ path, port: 0, uiPort: 0 });

  it('serves clients and its UI, keeps workflows over a restart, and stops', async () => {
    const first = await startDevServer({ ...onFreePorts(), ...files() });
    expect(await describeDefault(first.address)).toBe('default');
    expect(await (await fetch(first.uiUrl)).text()).toContain('<html');
    const connection = await Connection.connect({ address: first.address });
    const options = { taskQueue: 'nobody', workflowId: 'kept' };
    await new Client({ connection }).workflow.start('anything', options);
    await connection.close();
    await first.stop();
    await first.stop();
    await expect(describeDefault(first.address)).rejects.toThrow();

    const second = await startDevServer({ ...onFreePorts(), ...files() });
    const again = await Connection.connect({ address: second.address });
    const { status } = await new Client({ connection: again }).workflow.getHandle('kept').describe();
    expect(status.name).toBe('RUNNING');
    await again.close();
    await second.stop();
  });

  it('tells when it ends without having been stopped', async () => {
    const server = await startDevServer({ ...onFreePorts(), ...files() });
    const [, pid] = readFileSync(join(folder, 'temporal.db.running'), 'utf8').split(' ').map(Number);
    process.kill(pid ?? 0, 'SIGKILL');
    expect((await server.crashed).message).toMatch(/ended \(SIGKILL\)/);
    await server.stop();
    expect(existsSync(join(folder, 'temporal.db.running'))).toBe(false);
  });

  it('says what the server said when it does not start', async () => {
    const broken = fakeProgram(join(folder, 'broken'), '#!/bin/sh\necho "unknown flag" >&2\nexit 1\n');
    const starting = startDevServer({ ...onFreePorts(), ...files(), path: broken });
    await expect(starting).rejects.toThrow(/does not start: unknown flag/);
    const missing = startDevServer({ ...onFreePorts(), ...files(), path: join(folder, 'missing') });
    await expect(missing).rejects.toThrow(/does not start/);
  });
});

describe('a development server whose starter is another process', () => {
  const path = process.env['TEMPORAL_CLI_PATH'] ?? '';
  let starter: ChildProcess | undefined;

  afterEach(() => starter?.kill('SIGKILL'));

  const startElsewhere = async (dbFile: string, logFile: string): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [runner, program, path, dbFile, logFile], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    starter = child;
    await once(createInterface({ input: child.stdout }), 'line');
    return child;
  };

  it('is left alone while that one lives, and replaced after its kill -9', async () => {
    const [dbFile, logFile] = [join(folder, 'temporal.db'), join(folder, 'temporal.log')];
    const elsewhere = await startElsewhere(dbFile, logFile);
    const [, pid = 0] = readFileSync(`${dbFile}.running`, 'utf8').split(' ').map(Number);
    const options = { path, port: 0, uiPort: 0, dbFile, logFile };
    await expect(startDevServer(options)).rejects.toThrow(/already runs a Temporal server on .*temporal.db/);

    const ended = once(elsewhere, 'exit');
    elsewhere.kill('SIGKILL');
    await ended;
    expect(isAlive(pid)).toBe(true);
    const server = await startDevServer(options);
    expect(isAlive(pid)).toBe(false);
    expect(await describeDefault(server.address)).toBe('default');
    await server.stop();
  });
});
