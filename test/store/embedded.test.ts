import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openEmbeddedPostgres } from '../../store/embedded.js';
import { isAlive } from '../../store/embedded-lock.js';

const runner = fileURLToPath(new URL('../support/run-typescript.mjs', import.meta.url));
const program = fileURLToPath(new URL('fixtures/open-embedded.ts', import.meta.url));
const Opened = z.object({ url: z.string(), started: z.boolean() });
const Runtime = z.object({ url: z.string(), pid: z.number(), port: z.number() });

let home = '';
let dataDir = '';
let processes: ChildProcess[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'contact-sync-embedded-'));
  dataDir = join(home, 'data');
  processes = [];
});

afterEach(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await (await openEmbeddedPostgres({ dataDir })).stop();
  await rm(home, { recursive: true, force: true });
});

/** Another process that opens the store of the same folder. */
const openElsewhere = async (): Promise<{ child: ChildProcess; url: string; started: boolean }> => {
  const child = spawn(process.execPath, [runner, program, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] });
  processes.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, ...Opened.parse(JSON.parse(line)) };
  }
  throw new Error('the other process ended without a word');
};

const killHard = async (child: ChildProcess): Promise<void> => {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
};

const query = async (url: string, text: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows.map((row) => Object.values(row)[0]);
  } finally {
    await client.end();
  }
};

const readRuntime = async () =>
  Runtime.parse(JSON.parse(await readFile(join(dataDir, 'postgres.json'), 'utf8')));

const untilDead = (pid: number): Promise<void> =>
  expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);

describe('the private PostgreSQL of a data folder', () => {
  it('starts with UTF-8, full durability and little memory', async () => {
    const { url, started, stop } = await openEmbeddedPostgres({ dataDir });

    expect(started).toBe(true);
    expect(new URL(url).hostname).toBe('127.0.0.1');
    expect(await query(url, 'select current_database()')).toEqual(['contact_sync']);
    expect(await query(url, "select lower('ÄŁΩ')")).toEqual(['äłω']);
    for (const [setting, value] of Object.entries({
      server_encoding: 'UTF8',
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      shared_buffers: '64MB',
      max_connections: '60',
    })) {
      expect(await query(url, `show ${setting}`), setting).toEqual([value]);
    }
    await stop();
  });

  it('keeps its password in files that only their owner may read', async () => {
    const { url, stop } = await openEmbeddedPostgres({ dataDir });

    for (const file of ['postgres.password', 'postgres.json']) {
      expect((await stat(join(dataDir, file))).mode & 0o777, file).toBe(0o600);
    }
    const wrong = new URL(url);
    wrong.password = 'guess';
    await expect(query(wrong.href, 'select 1')).rejects.toThrow(/password authentication failed/);
    await stop();
  });

  it('ends with the last one who uses it, whoever started it', async () => {
    const first = await openEmbeddedPostgres({ dataDir });
    const second = await openEmbeddedPostgres({ dataDir });
    const { pid } = await readRuntime();
    expect([first.started, second.started]).toEqual([true, false]);
    expect(second.url).toBe(first.url);

    await first.stop();
    expect(await query(second.url, 'select 1')).toEqual([1]);
    await second.stop();
    await untilDead(pid);
  });

  it('keeps what was committed over a stop and a start', async () => {
    const before = await openEmbeddedPostgres({ dataDir });
    await query(before.url, 'create table kept as select 42 as answer');
    await before.stop();

    const after = await openEmbeddedPostgres({ dataDir });
    expect(await query(after.url, 'select answer from kept')).toEqual([42]);
    await after.stop();
  });

  it('is started by one of several processes that open it at the same moment; the others attach', async () => {
    const opened = await Promise.all([openElsewhere(), openElsewhere(), openElsewhere()]);

    expect(opened.map(({ started }) => started).sort()).toEqual([false, false, true]);
    expect(new Set(opened.map(({ url }) => url)).size).toBe(1);
  });
});

describe('after kill -9', () => {
  it('of the process that started it, the server goes on and the next process attaches', async () => {
    const killed = await openElsewhere();
    await query(killed.url, 'create table kept as select 42 as answer');
    const { pid } = await readRuntime();
    await killHard(killed.child);

    const next = await openEmbeddedPostgres({ dataDir });
    expect(next.started).toBe(false);
    expect(await query(next.url, 'select answer from kept')).toEqual([42]);
    await next.stop();
    await untilDead(pid);
  });

  it('of the server, the next process starts it again with everything committed', async () => {
    const first = await openElsewhere();
    await query(first.url, 'create table kept as select 42 as answer');
    process.kill((await readRuntime()).pid, 'SIGKILL');
    await killHard(first.child);

    const next = await openEmbeddedPostgres({ dataDir });
    expect(next.started).toBe(true);
    expect(await query(next.url, 'select answer from kept')).toEqual([42]);
    await next.stop();
  });

  it('of both while it was starting, the next process gets a whole server', async () => {
    for (const delay of [900, 1_100, 1_300, 1_500, 1_700, 2_000, 2_500]) {
      const child = spawn(process.execPath, [runner, program, dataDir], {
        stdio: ['pipe', 'ignore', 'inherit'],
      });
      await new Promise((resolve) => setTimeout(resolve, delay));
      expect(child.exitCode).toBeNull();
      await killHard(child);
    }
    const next = await openEmbeddedPostgres({ dataDir });
    expect(await query(next.url, 'select current_database()')).toEqual(['contact_sync']);
    await next.stop();
  }, 90_000);

  it.runIf(process.platform === 'linux')(
    'a postmaster.pid whose number another program has by now is no obstacle',
    async () => {
      await (await openEmbeddedPostgres({ dataDir })).stop();
      const folder = join(dataDir, 'postgres');
      const { uid, gid } = await stat(folder);
      const stranger = spawn('sleep', ['60'], { uid, gid });
      processes.push(stranger);
      await writeFile(
        join(folder, 'postmaster.pid'),
        `${String(stranger.pid)}\n${folder}\n1700000000\n1\n\n127.0.0.1\n`,
      );

      const next = await openEmbeddedPostgres({ dataDir });
      expect(next.started).toBe(true);
      await next.stop();
    },
  );
});

describe('on a machine that is not made for it', () => {
  it.runIf(process.getuid?.() === 0)(
    'works for root below a folder that is closed to everybody else',
    async () => {
      await chmod(home, 0o700);
      const { url, stop } = await openEmbeddedPostgres({ dataDir });
      expect(await query(url, 'select 1')).toEqual([1]);
      expect((await stat(home)).mode & 0o777).toBe(0o700);
      await stop();
    },
  );

  it('says what is wrong and names DATABASE_URL when it cannot run', async () => {
    const blocked = join(home, 'file');
    await writeFile(blocked, '');
    await expect(openEmbeddedPostgres({ dataDir: join(blocked, 'data') })).rejects.toThrow(
      /cannot be run: .*(ENOTDIR|EEXIST)[^]*Set DATABASE_URL/,
    );
  });

  it('refuses a folder whose server does not take the password on file', async () => {
    const first = await openEmbeddedPostgres({ dataDir });
    const password = await readFile(join(dataDir, 'postgres.password'), 'utf8');
    await writeFile(join(dataDir, 'postgres.password'), 'another');
    await expect(openEmbeddedPostgres({ dataDir })).rejects.toThrow(/refuses the password[^]*DATABASE_URL/);
    await writeFile(join(dataDir, 'postgres.password'), password);
    await first.stop();
  });
});
