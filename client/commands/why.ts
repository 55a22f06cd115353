import { readRecord } from '../arguments.js';
import { example, type Add, type Json } from './command.js';

export const addWhy: Add = (program, context, finish) => {
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
      const { runWhy } = await import('../why/why.js');
      finish(await runWhy(context, record, field, options));
    });
};
