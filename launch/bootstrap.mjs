// Entry of `npm start`, `npm test`, `npm run test:clients`, `npm run simulators`, `npm run bench:remotes`,
// `npm run bench:ledger`, `npm run bench:create` and `npm run model`. Needs nothing but Node: it installs and builds what is
// missing, then hands over.
// Usage: node launch/bootstrap.mjs start|test|clients|simulators|bench-remotes|bench-ledger|bench-create|model [args...]
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { endWithNpm } from './launcher.mjs';
import { ensureBuild, ensureDependencies, root, run } from './prepare.mjs';

const needed = [20, 19];
const programs = {
  start: 'dist/launch/start.js',
  simulators: 'dist/simulators/main.js',
  'bench-remotes': 'dist/bench/remotes/main.js',
  'bench-ledger': 'dist/bench/ledger/main.js',
  'bench-create': 'dist/bench/create/main.js',
};
const firstLines = {
  start: 'Contact Sync: checking what is installed and built',
  simulators: 'Contact Sync simulators: checking what is installed and built',
  'bench-remotes': 'Contact Sync: connectors and public clients on the same simulators',
  'bench-ledger': 'Contact Sync: the size of the store',
  'bench-create': 'Contact Sync: creation on demand',
  clients: 'Contact Sync: public clients against the simulators',
  model: 'Contact Sync: the real system against the model',
  test: 'Contact Sync: format, lint, types, build, tests',
};

const isOldNode = () => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major < needed[0] || (major === needed[0] && minor < needed[1]);
};

/** The program runs in this very process, so signals, the terminal and the exit code are its own. */
const handOver = async (program, args) => {
  const file = join(root, program);
  process.argv = [process.execPath, file, ...args];
  // `npm start` watches by itself: it has more to stop, and says so.
  if (program !== programs.start) endWithNpm();
  await import(pathToFileURL(file).href);
};

/** Gets everything ready, and runs the checks when that is the command. Answers whether to hand over to a program. */
const prepare = async (command, args) => {
  // The simulators, and what is asked for JSON, print that and nothing else on standard output.
  const isForPrograms = command === 'simulators' || args.includes('--json');
  const stdout = isForPrograms ? 2 : 1;
  const say = isForPrograms ? console.error : console.log;
  say(firstLines[command]);
  if (isOldNode()) {
    throw new Error(
      `Node ${needed.join('.')} or newer is needed; this is ${process.version} (https://nodejs.org)`,
    );
  }
  await ensureDependencies(say, stdout);
  if (command === 'test') {
    const { runChecks } = await import('./checks.mjs');
    process.exitCode = await runChecks(say, args);
    return false;
  }
  if (command === 'model') {
    // TypeScript as it stands: no build is needed.
    const program = join(root, 'test', 'support', 'run-typescript.mjs');
    process.exitCode = await run(process.execPath, [program, 'test/model/main.ts', ...args]);
    return false;
  }
  if (command === 'clients') {
    const { ensureClients, runFlows } = await import('./clients.mjs');
    await ensureClients(say);
    // The gateway that they ask is the built one.
    await ensureBuild(say, stdout);
    process.exitCode = await runFlows(say, args);
    return false;
  }
  if (command === 'bench-remotes') {
    const { ensureNodeClients } = await import('./clients.mjs');
    await ensureNodeClients(say);
  }
  await ensureBuild(say, stdout);
  if (!existsSync(join(root, programs[command]))) {
    throw new Error(`${programs[command]} is missing although the build went through`);
  }
  return true;
};

const [command = '', ...args] = process.argv.slice(2);
if (Object.hasOwn(firstLines, command)) {
  const isReady = await prepare(command, args).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
    return false;
  });
  if (isReady) await handOver(programs[command], args);
} else {
  console.error(
    'Usage: node launch/bootstrap.mjs start|test|clients|simulators|bench-remotes|bench-ledger|bench-create|model [args...]',
  );
  process.exitCode = 2;
}
