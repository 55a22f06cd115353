import { example, type Add, type Json } from './command.js';

export const addStart: Add = (program, context, finish) => {
  program
    .command('start')
    .summary('start the sync')
    .description(
      'Starts the sync: one cycle after another, and the backfill lane beside them, until it is stopped. If it runs already, nothing changes.',
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('start'))
    .action(async (options: Json) => {
      const { runStart } = await import('../start.js');
      finish(await runStart(context, options));
    });
};
