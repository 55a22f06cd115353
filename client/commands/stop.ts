import { readName } from '../arguments.js';
import { example, type Add, type Json } from './command.js';

export const addStop: Add = (program, context, finish) => {
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
      const { runStop } = await import('../stop.js');
      finish(await runStop(context, options));
    });
};
