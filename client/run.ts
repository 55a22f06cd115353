import { CommanderError } from 'commander';
import { explain } from './failure.js';
import { EXIT, printJson, type ExitCode, type Io } from './io.js';
import { buildProgram } from './program.js';

/**
 * Runs the command line `contact-sync`. Never throws.
 *
 * @param argv the arguments, without node and the script.
 * @returns the exit code for the process.
 */
export const run = async (argv: readonly string[], env: NodeJS.ProcessEnv, io: Io): Promise<ExitCode> => {
  let code: ExitCode = EXIT.ok;
  const program = buildProgram({ env, io }, (result) => void (code = result));
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    // Commander has written its own message.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (io.signal?.aborted === true) {
      io.err('contact-sync: interrupted');
      return EXIT.interrupted;
    }
    return report(error, argv.includes('--json'), env, io);
  }
};

const report = (error: unknown, json: boolean, env: NodeJS.ProcessEnv, io: Io): ExitCode => {
  const { message, hints, exitCode } = explain(error);
  if (json) printJson(io, { error: { message, hints } });
  io.err([`contact-sync: ${message}`, ...hints.map((hint) => `  - ${hint}`)].join('\n'));
  if (['debug', 'trace'].includes(env['LOG_LEVEL'] ?? '') && error instanceof Error)
    io.err(error.stack ?? '');
  return exitCode;
};
