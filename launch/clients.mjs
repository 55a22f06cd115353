// `npm run test:clients`: real public clients of both systems' APIs, unchanged, against the simulators. Their packages
// are no part of the product; they are installed beside their tests. No dependencies.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closingLine, runTests, timed } from './checks.mjs';
import { ensureNpmPackages, readText, root, run } from './prepare.mjs';

const folder = join(root, 'test', 'public-clients');
const environment = join(folder, '.venv');
const requirements = join(folder, 'requirements.txt');
const stamp = join(environment, '.contact-sync-requirements');
const oldestPython = '3.10';

const inEnvironment =
  process.platform === 'win32'
    ? join(environment, 'Scripts', 'python.exe')
    : join(environment, 'bin', 'python');

/** Version of an interpreter that can make virtual environments, or what is wrong with it. */
const pythonVersion = (command) => {
  const program = 'import ensurepip, platform, venv; print(platform.python_version())';
  const { status, stdout, error } = spawnSync(command, ['-c', program], { encoding: 'utf8' });
  if (error) return { problem: `${command} was not found` };
  if (status !== 0) return { problem: `${command} cannot make virtual environments (no venv or ensurepip)` };
  const version = stdout.trim();
  const [major, minor] = version.split('.').map(Number);
  const isOld = major < 3 || (major === 3 && minor < Number(oldestPython.split('.')[1]));
  return isOld ? { problem: `${command} is Python ${version}` } : { version };
};

const findPython = () => {
  const command = process.env['PYTHON'] ?? 'python3';
  const { version, problem } = pythonVersion(command);
  if (version !== undefined) return { command, version };
  throw new Error(
    `Python ${oldestPython} or newer with venv is needed for the Python clients, and ${problem}. Install it ` +
      `(Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python3), or name another one in PYTHON.`,
  );
};

const must = async (what, command, args) => {
  const code = await run(command, args);
  if (code !== 0) throw new Error(`${what} failed with exit code ${code}; its message stands above`);
};

const ensurePythonPackages = async (say) => {
  const { command, version } = findPython();
  const hash = createHash('sha256').update(version).update(readFileSync(requirements)).digest('hex');
  if (readText(stamp) === hash) return;
  const startedAt = Date.now();
  say(`Installing the Python clients (Python ${version}, venv and pip)`);
  rmSync(environment, { recursive: true, force: true });
  await must('python -m venv', command, ['-m', 'venv', environment]);
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input'];
  await must('pip install', inEnvironment, ['-m', 'pip', 'install', ...quiet, '-r', requirements]);
  writeFileSync(stamp, hash);
  say(`Python clients installed in ${Math.round((Date.now() - startedAt) / 1000)} s`);
};

/** Installs those that run on Node, where they are missing or out of date. */
export const ensureNodeClients = (say) => ensureNpmPackages(folder, say, { what: 'the public clients' });

/** Installs the clients where they are missing or out of date. @throws Error that says what to do */
export const ensureClients = async (say) => {
  await ensureNodeClients(say);
  await ensurePythonPackages(say);
};

/** Runs the flows; answers the exit code. `args` go to vitest. Ends with the line that `npm test` ends with. */
export const runFlows = async (say, args) => {
  const config = ['--config', join(root, 'vitest.clients.config.ts')];
  const { code, counts } = await timed(say, 'public clients', () => runTests([...config, ...args]));
  say(closingLine(counts));
  return code;
};
