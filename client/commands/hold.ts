import { readName, readRecord } from '../arguments.js';
import type { HoldOptions } from '../hold/run.js';
import { example, type Add, type Json } from './command.js';

const RECORD = "Marketo's id of a person, or the id of a lead or contact";

export const addHold: Add = (program, context, finish) => {
  program
    .command('hold')
    .summary('set a single record aside')
    .description(
      'Sets a record aside, at once: until it is released, nothing of its pair is written to either side, and a person without a record gets none. What is edited meanwhile is merged afterwards. Calls neither Marketo nor Dynamics.',
    )
    .argument('<record>', RECORD, readRecord)
    .option('--note <text>', 'why; shown by contact-sync why', readName)
    .option('--by <name>', 'who; the name of the account otherwise', readName)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('hold 1042 --note "under legal review"'))
    .action(async (record: ReturnType<typeof readRecord>, options: HoldOptions) => {
      const { runHold } = await import('../hold/run.js');
      finish(await runHold(context, record, options));
    });
};

export const addRelease: Add = (program, context, finish) => {
  program
    .command('release')
    .summary('end the hold on a record')
    .description(
      'Ends the hold on a record: the next cycle merges what was edited meanwhile. Calls neither Marketo nor Dynamics.',
    )
    .argument('<record>', RECORD, readRecord)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', example('release 1042'))
    .action(async (record: ReturnType<typeof readRecord>, options: Json) => {
      const { runRelease } = await import('../hold/run.js');
      finish(await runRelease(context, record, options));
    });
};
