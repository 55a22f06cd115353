import { example, type Add, type Json } from './command.js';

export const addStatus: Add = (program, context, finish) => {
  program
    .command('status')
    .summary('what the sync is doing, and what is set aside')
    .description(
      'Shows what the sync is doing, what the last cycle did, and what is set aside. Calls neither Marketo nor Dynamics.',
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('status --json | jq .cycle.number'))
    .action(async (options: Json) => {
      const { runStatus } = await import('../status/status.js');
      finish(await runStatus(context, options));
    });
};
