import { Command, Help, Option } from 'commander';
import { readGuid, readMarketoId, readName, readRecord, readTimeout } from './arguments.js';
import type { CreatePersonOptions } from './create-person.js';
import type { Context, ExitCode } from './io.js';

interface Json {
  readonly json: boolean;
}

const EXITS = `
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration`;

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
  addSetup(program, context, finish);
  addStart(program, context, finish);
  addStop(program, context, finish);
  addStatus(program, context, finish);
  addWhy(program, context, finish);
  addCreatePerson(program, context, finish);
  return program;
};

/** A switch is off unless it is given: that need not be said. */
const describeOption = (option: Option): string =>
  option.defaultValue === false ? option.description : new Help().optionDescription(option);

type Add = (program: Command, context: Context, finish: (code: ExitCode) => void) => void;

const example = (line: string, exits = EXITS): string => `\nExample:\n  $ contact-sync ${line}\n${exits}`;

const addSetup: Add = (program, context, finish) => {
  program
    .command('setup')
    .summary('check both systems and make what the sync needs there; repeatable')
    .description(
      'Checks both systems and the field selection, then makes what the sync needs: person fields and activity types in Marketo, and the record of this installation. What is in order already stays as it is.',
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('setup'))
    .action(async (options: Json) => {
      const { runSetup } = await import('./setup-command.js');
      finish(await runSetup(context, options));
    });
};

const addStart: Add = (program, context, finish) => {
  program
    .command('start')
    .summary('start the sync')
    .description(
      'Starts the sync: one cycle after another, until it is stopped. If it runs already, nothing changes.',
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('start'))
    .action(async (options: Json) => {
      const { runStart } = await import('./start.js');
      finish(await runStart(context, options));
    });
};

const addStop: Add = (program, context, finish) => {
  program
    .command('stop')
    .summary('stop the sync')
    .description(
      'Stops the sync. Nothing is lost: the next start goes on where it was, and begins no cycle before the rest is over.',
    )
    .option('--reason <text>', "kept in Temporal's history", readName, 'stopped by an operator')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('stop --reason "maintenance of Dynamics"'))
    .action(async (options: Json & { readonly reason: string }) => {
      const { runStop } = await import('./stop.js');
      finish(await runStop(context, options));
    });
};

const addStatus: Add = (program, context, finish) => {
  program
    .command('status')
    .summary('what the sync is doing, and what is set aside')
    .description(
      'Shows what the sync is doing, what the last cycle did, and what is set aside. Calls neither Marketo nor Dynamics.',
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('status --json | jq .cycle.number'))
    .action(async (options: Json) => {
      const { runStatus } = await import('./status/status.js');
      finish(await runStatus(context, options));
    });
};

const addWhy: Add = (program, context, finish) => {
  program
    .command('why')
    .summary('why a record has the values it has')
    .description(
      "Explains a record's current values: what each side brought, which rule decided, who lost, in which cycle, and what became of it. Calls neither Marketo nor Dynamics. Prints values of the record.",
    )
    .argument('<record>', "Marketo's id of a person, or the id of a lead or contact", readRecord)
    .argument('[field]', 'one field, by its Marketo name, with the decisions before the last one')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('why 1042 title'))
    .action(async (record: ReturnType<typeof readRecord>, field: string | undefined, options: Json) => {
      const { runWhy } = await import('./why/why.js');
      finish(await runWhy(context, record, field, options));
    });
};

const addCreatePerson: Add = (program, context, finish) => {
  const exits = `
Exit codes: 0 requested, or with --wait: there is a record in Dynamics; 1 failed; 2 wrong usage or configuration;
            3 with --wait: there is none (refused, ambiguous, not found)`;
  program
    .command('create-person')
    .summary('create a Marketo person in Dynamics')
    .description(
      'Creates a Marketo person in Dynamics as a lead or contact, unless there is a record to link.',
    )
    .argument('<marketoId>', "Marketo's id of the person", readMarketoId)
    .addOption(
      new Option('--as <lead|contact>', 'what to create').choices(['lead', 'contact']).makeOptionMandatory(),
    )
    .option('--owner <guid>', 'Dynamics user who is to own the new record', readGuid)
    .option('--request-id <id>', 'name of this request; a random one otherwise', readName)
    .option('--campaign <id>', 'campaign that asks for it', readName)
    .option('--wait', 'wait for the outcome', false)
    .addOption(
      new Option('--timeout <duration>', 'how long to wait at most')
        .argParser(readTimeout)
        .default(60_000, '60s'),
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('create-person 1042 --as lead --wait', exits))
    .action(async (marketoId: number, options: CreatePersonOptions) => {
      const { runCreatePerson } = await import('./create-person.js');
      finish(await runCreatePerson(context, marketoId, options));
    });
};
