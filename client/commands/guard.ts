import { Argument } from 'commander';
import { readName } from '../arguments.js';
import type { GuardDecision } from '../../store/guard-stops.js';
import type { GuardOptions } from '../guard/guard.js';
import { example, type Add } from './command.js';

export const addGuard: Add = (program, context, finish) => {
  program
    .command('guard')
    .summary('what the guard on mass change holds back, and what to do with it')
    .description(
      'Shows why cycles are stopped before they push: too many blanks, deletes, writes, or one value everywhere. Prints a value that would go everywhere. With a decision, the next cycle carries it out: go-on lets through what is shown, discard gives it up.',
    )
    .addArgument(new Argument('[decision]', 'what to do with it').choices(['go-on', 'discard']))
    .option('--note <text>', 'why, kept with the decision', readName)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('guard go-on --note "new titles from HR, agreed with Jo"'))
    .action(async (decision: GuardDecision | undefined, options: GuardOptions) => {
      const { runGuard } = await import('../guard/guard.js');
      finish(await runGuard(context, decision, options));
    });
};
