import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSyncConfig } from '../../config/sync-config.js';
import { forDemo } from '../../launch/start/demo-config.js';
import { neutralEnvironment } from '../../launch/start/environment.js';
import { noteProcesses, prepareFolder, releaseFolder } from '../../launch/start/folder.js';

let dataDir = '';

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'contact-sync-folder-'));
});

afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const prepare = (options: { bounded?: boolean; fresh?: boolean } = {}) =>
  prepareFolder({ dataDir, bounded: false, fresh: false, ...options });

const ports = { marketo: 4010, dataverse: 4020 };

/** As an earlier start would have left it. */
const leave = (names: readonly string[]) => {
  for (const name of names) writeFileSync(join(dataDir, name), name);
};

describe('the data folder', () => {
  it('is made, and goes on from what an earlier start has left', async () => {
    const first = await prepare();
    expect(first).toMatchObject({ goesOn: false, wasKilled: false, ports: { marketo: 0, dataverse: 0 } });
    mkdirSync(join(dataDir, 'postgres'));
    leave(['simulators.jsonl']);
    await releaseFolder(first, ports);
    expect(await prepare()).toMatchObject({ goesOn: true, wasKilled: false, ports, notice: undefined });
  });

  it('knows when the last start was killed, and waits for its processes', async () => {
    const child = spawn(process.execPath, ['--eval', 'setTimeout(() => {}, 60_000)', dataDir]);
    await once(child, 'spawn');
    const first = await prepare();
    await noteProcesses(first, [child.pid ?? 0], ports);
    setTimeout(() => child.kill(), 300);
    expect((await prepare()).wasKilled).toBe(true);
    expect(child.killed).toBe(true);
  });

  it('is refused while another start runs on it', async () => {
    const other = spawn(process.execPath, ['--eval', 'setTimeout(() => {}, 60_000)', 'start']);
    await once(other, 'spawn');
    const note = { owner: other.pid, processes: [], ports };
    writeFileSync(join(dataDir, 'demo.json'), JSON.stringify(note));
    await expect(prepare()).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/already runs on .*--data-dir/) as string,
    });
    other.kill();
    await once(other, 'exit');
    await expect(prepare()).resolves.toMatchObject({ goesOn: false });
  });

  it('is refused when it holds a store that is not a demo', async () => {
    mkdirSync(join(dataDir, 'postgres'));
    for (const fresh of [false, true]) {
      await expect(prepare({ fresh })).rejects.toMatchObject({
        exitCode: 2,
        message: expect.stringMatching(/did not make/) as string,
      });
    }
    expect(existsSync(join(dataDir, 'postgres'))).toBe(true);
  });

  it('moves a store without its people aside, says so, and begins anew', async () => {
    await releaseFolder(await prepare(), ports);
    mkdirSync(join(dataDir, 'postgres'));
    leave(['temporal.db']);
    const folder = await prepare();
    expect(folder.notice).toContain('moved to');
    expect(folder.goesOn).toBe(false);
    const [aside = ''] = readdirSync(join(dataDir, 'old'));
    expect(readdirSync(join(dataDir, 'old', aside)).sort()).toEqual(['logs', 'postgres', 'temporal.db']);
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
  });

  it('forgets everything of a demo with --fresh, but what was moved aside', async () => {
    await releaseFolder(await prepare(), ports);
    mkdirSync(join(dataDir, 'postgres'));
    mkdirSync(join(dataDir, 'old'));
    leave(['simulators.jsonl', 'temporal.db']);
    expect(await prepare({ fresh: true })).toMatchObject({
      goesOn: false,
      notice: expect.stringMatching(/--fresh/) as string,
    });
    expect(readdirSync(dataDir).sort()).toEqual(['demo.json', 'logs', 'old']);
  });

  it('holds a folder of its own for each bounded run', async () => {
    const [one, two] = [await prepare({ bounded: true }), await prepare({ bounded: true })];
    expect(one.path).not.toBe(two.path);
    expect(readdirSync(join(dataDir, 'runs'))).toHaveLength(2);
  });
});

describe('what the processes of a demo are given', () => {
  it('is nothing of a real installation that the shell or a profile may name', () => {
    const real = {
      ...{ MARKETO_CLIENT_SECRET: 'real', DATAVERSE_URL: 'https://real', ENTRA_TENANT_ID: 'real' },
      ...{ TEMPORAL_API_KEY: 'real', SYNC_DATA_DIR: 'real', DATABASE_URL: 'real' },
    };
    const env = neutralEnvironment({ ...real, PATH: '/bin', no_proxy: 'intranet' });
    expect(env).toEqual({
      PATH: '/bin',
      NO_PROXY: 'intranet,127.0.0.1,localhost',
      no_proxy: 'intranet,127.0.0.1,localhost',
    });
  });

  it("is the repository's field selection, valid, with all of Marketo's limit and short spans of time", () => {
    const text = readFileSync(join(import.meta.dirname, '../../sync.config.yaml'), 'utf8');
    const original = parseSyncConfig(text, 'sync.config.yaml');
    const demo = parseSyncConfig(forDemo(text, true), 'demo');
    expect(demo.fields).toEqual(original.fields);
    expect(demo.timing).toEqual({ ...original.timing, overlap: 10_000, doubt: 5_000 });
    expect(demo.budget.marketo.share).toBe(1);
    expect(parseSyncConfig(forDemo(text, false), 'demo').timing).toEqual(original.timing);
  });
});
