import { readRecord } from '../arguments.js';
import { example, type Add, type Json } from './command.js';

export const addReleaseField: Add = (program, context, finish) => {
  program
    .command('release-field')
    .summary('take up a field that both sides keep rewriting')
    .description(
      "Ends the quarantine of one field of one record that was set aside because both systems kept rewriting each other's value (status: Swinging). The next cycle decides it as any other edit. Make sure first that one of the two rewrites no more: else it is set aside again.",
    )
    .argument('<record>', "Marketo's id of a person, or the id of a lead or contact", readRecord)
    .argument('<field>', 'the field, by its Marketo name')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('release-field 1042 phone'))
    .action(async (record: ReturnType<typeof readRecord>, field: string, options: Json) => {
      const { runReleaseField } = await import('../release-field.js');
      finish(await runReleaseField(context, record, field, options));
    });
};
