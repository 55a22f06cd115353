import { example, type Add, type Json } from './command.js';

export const addReconcile: Add = (program, context, finish) => {
  program
    .command('reconcile')
    .summary('look over all records for what no change feed told')
    .description(
      'Asks for a pass over all records of both sides, now. It only reads, slowly, beside the cycles; what it finds is merged by the next cycle, by the same rules, when its rest is over. Passes also run by themselves (reconciliation.every).',
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('reconcile'))
    .action(async (options: Json) => {
      const { runReconcile } = await import('../reconcile.js');
      finish(await runReconcile(context, options));
    });
};
