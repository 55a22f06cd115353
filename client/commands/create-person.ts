import { Option } from 'commander';
import { readGuid, readMarketoId, readName, readTimeout } from '../arguments.js';
import type { CreatePersonOptions } from '../create-person.js';
import { example, type Add } from './command.js';

export const addCreatePerson: Add = (program, context, finish) => {
  const exits = `
Exit codes: 0 requested, or with --wait: there is a record in Dynamics; 1 failed; 2 wrong usage or configuration;
            3 with --wait: there is none (refused, ambiguous, out of scope, not found)`;
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
      const { runCreatePerson } = await import('../create-person.js');
      finish(await runCreatePerson(context, marketoId, options));
    });
};
