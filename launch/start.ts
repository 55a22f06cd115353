import { CommanderError } from 'commander';
import { neutralEnvironment } from './start/environment.js';
import { messageOf, StartFailure } from './start/failure.js';
import { parseOptions, type StartOptions } from './start/options.js';
import { openTerminal } from './start/terminal.js';

const readOptions = (): StartOptions | number => {
  try {
    return parseOptions(process.argv.slice(2), process.env, {
      out: (text) => void process.stdout.write(text),
      err: (text) => void process.stderr.write(text),
    });
  } catch (error) {
    // Commander has written its line or the help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
};

const main = async (): Promise<number> => {
  const options = readOptions();
  if (typeof options === 'number') return options;
  const terminal = openTerminal(process.stdout);
  terminal.say('Contact Sync: starting Temporal, store, worker, gateway and both systems, simulated');
  // Loopback must not go through a proxy, in this process as in those that it starts.
  const { NO_PROXY, no_proxy } = neutralEnvironment(process.env);
  Object.assign(process.env, { NO_PROXY, no_proxy });
  // Loaded after the first line: most of a second.
  const { runStart } = await import('./start/run.js');
  return runStart(options, process.env, terminal);
};

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`npm start: ${messageOf(error)}\n`);
  process.exitCode = error instanceof StartFailure ? error.exitCode : 1;
}
