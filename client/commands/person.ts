import { readMarketoId } from '../arguments.js';
import { example, type Add, type Json } from './command.js';

export const addPerson: Add = (program, context, finish) => {
  program
    .command('person')
    .summary('where a person stands: its record, its requests, what waits')
    .description(
      "Shows a person's record in Dynamics, the requests of campaigns for it with what became of each, and the place in the queue of one that waits. Calls neither Marketo nor Dynamics.",
    )
    .argument('<marketoId>', "Marketo's id of the person", readMarketoId)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('person 1042'))
    .action(async (marketoId: number, options: Json) => {
      const { runPerson } = await import('../person/person.js');
      finish(await runPerson(context, marketoId, options));
    });
};
