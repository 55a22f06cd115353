import { example, type Add, type Json } from './command.js';

export const addSetup: Add = (program, context, finish) => {
  program
    .command('setup')
    .summary('check both systems and make what the sync needs there; repeatable')
    .description(
      'Checks both systems and the field selection, then makes what the sync needs: person fields and activity types in Marketo, and the record of this installation. What is in order already stays as it is.',
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('setup'))
    .action(async (options: Json) => {
      const { runSetup } = await import('../setup-command.js');
      finish(await runSetup(context, options));
    });
};
