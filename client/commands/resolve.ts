import { readName, readRecord } from '../arguments.js';
import type { ResolveOptions } from '../resolve/run.js';
import { example, type Add } from './command.js';

type Read = ReturnType<typeof readRecord>;

export const addResolve: Add = (program, context, finish) => {
  program
    .command('resolve')
    .summary('list ambiguous groups, and decide about them')
    .description(
      'Lists the records that cannot be told apart, with all candidates and what may be decided; with a record, the groups that it is of. A decision counts from the next cycle on, and is kept with who decided and when. Calls neither Marketo nor Dynamics. Prints e-mail addresses.',
    )
    .argument('[record]', "Marketo's id of a person, or the id of a lead or contact", readRecord)
    .option(
      '--link <ids...>',
      'this person and this row are one: a Marketo id and a row id',
      (text: string, before: readonly Read[] | undefined) => [...(before ?? []), readRecord(text)],
    )
    .option('--separate', 'none of its rows belongs to any of its persons', false)
    .option('--by <name>', 'who decides; the name of the account otherwise', readName)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('resolve 1042 --link 1042 7d1e2c4a-0b5f-ee11-a204-000d3a1b2c3d'))
    .action(async (record: Read | undefined, options: ResolveOptions) => {
      const { runResolve } = await import('../resolve/run.js');
      finish(await runResolve(context, record, options));
    });
};
