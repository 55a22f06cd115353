import { Command, Help, type Option } from 'commander';
import { addCreatePerson } from './commands/create-person.js';
import { addErase } from './commands/erase.js';
import { addGuard } from './commands/guard.js';
import { addHold, addRelease } from './commands/hold.js';
import { addPerson } from './commands/person.js';
import { addReconcile } from './commands/reconcile.js';
import { addReleaseField } from './commands/release-field.js';
import { addResolve } from './commands/resolve.js';
import { addSetup } from './commands/setup.js';
import { addStart } from './commands/start.js';
import { addStatus } from './commands/status.js';
import { addStop } from './commands/stop.js';
import { addWhy } from './commands/why.js';
import { EXITS, type Add } from './commands/command.js';
import type { Context, ExitCode } from './io.js';

/** In the order of the help. */
const COMMANDS: readonly Add[] = [
  ...[addSetup, addStart, addStop, addStatus, addWhy, addPerson],
  ...[addGuard, addResolve, addHold, addRelease, addReleaseField, addErase],
  ...[addReconcile, addCreatePerson],
];

/** The commands and their arguments; `finish` is told the exit code of the one that ran. Each loads only what it needs. */
export const buildProgram = (context: Context, finish: (code: ExitCode) => void): Command => {
  const { io } = context;
  const program = new Command('contact-sync')
    .description('Two-way sync of Marketo Engage persons with Dynamics 365 leads and contacts.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'contact-sync: ')),
      getOutHasColors: () => io.color,
      getErrHasColors: () => io.color,
    })
    .configureHelp({ optionDescription: describeOption })
    .showHelpAfterError('Add --help for what is possible.')
    .addHelpText(
      'after',
      `${EXITS}\nThe environment that commands read is described in docs/configuration.md.`,
    );
  for (const add of COMMANDS) add(program, context, finish);
  return program;
};

/** A switch is off unless it is given: that need not be said. */
const describeOption = (option: Option): string =>
  option.defaultValue === false ? option.description : new Help().optionDescription(option);
