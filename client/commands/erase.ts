import { readRecord } from '../arguments.js';
import { example, type Add, type Json } from './command.js';

export const addErase: Add = (program, context, finish) => {
  program
    .command('erase')
    .summary('strike out every value that the store holds of a person')
    .description(
      'Strikes out the values of a person that is no longer synced: on its former pairs, in the ledger, in rejections and in entries for its activity log. What happened stays on record, without values; that it was erased is noted. A person that is still synced is refused: delete it in Marketo and in Dynamics first. Calls neither of them.',
    )
    .argument('<record>', "Marketo's id of the person, or the id of a lead or contact", readRecord)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('erase 1042'))
    .action(async (record: ReturnType<typeof readRecord>, options: Json) => {
      const { runErase } = await import('../erase.js');
      finish(await runErase(context, record, options));
    });
};
