import { Command, InvalidArgumentError, Option } from 'commander';
import { readDuration } from '../../config/duration.js';

/** What `npm start -- <options>` was asked for. */
export interface StartOptions {
  /** Cycles of a bounded run, which ends with a comparison; null runs until it is stopped. */
  readonly cycles: number | null;
  /** Between the end of a cycle and the start of the next, as written and in milliseconds. */
  readonly rest: { readonly text: string; readonly ms: number };
  /** Distinct humans over both sides, in a new population. */
  readonly people: number;
  /** Whether the simulators enforce the remotes' own limits. */
  readonly limits: 'real' | 'off';
  readonly seed: string;
  /** Edits that simulated people make. */
  readonly editsPerMinute: number;
  /** Percentage of these edits that are forms which somebody fills in: campaigns sync these people to Dynamics. */
  readonly forms: number;
  readonly dataDir: string;
  /** Forget what the data folder holds from earlier starts. */
  readonly fresh: boolean;
  /** Keep the folder of a bounded run that succeeded. */
  readonly keep: boolean;
  /** Milliseconds that a bounded run waits for one thing: its next cycle, or quiet. */
  readonly timeoutMs: number;
}

/** The product's own rest (rule 1); anything shorter is for the demo. */
export const PRODUCT_REST = { text: '5 minutes', ms: 300_000 } as const;

const count =
  (least: number) =>
  (text: string): number => {
    if (/^\d{1,7}$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`Expected a whole number from ${least} to 9999999.`);
  };

const percent = (text: string): number => {
  if (/^\d{1,3}$/.test(text) && Number(text) <= 100) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 0 to 100.');
};

const duration = (text: string): { text: string; ms: number } => {
  const ms = readDuration(text);
  if (ms !== undefined) return { text, ms };
  throw new InvalidArgumentError('Expected a number and a unit: 30s, 5m, 1h.');
};

const folder = (text: string): string => {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('Expected the path of a folder.');
};

const EXAMPLES = `
Options come after two dashes:
  $ npm start
  $ npm start -- --cycles 3 --rest 5s --people 2000

With --cycles the run has a fresh folder of its own, stops the simulated edits after
so many cycles, waits for quiet, compares both sides field by field, prints the result
and ends with exit code 0 (equal) or 1. Exit code 2: a wrong option.

Environment: SYNC_DATA_DIR, DATABASE_URL (a database of its own is made there),
TEMPORAL_CLI_PATH, LOG_LEVEL of the worker. Nothing else is read, also no .env.`;

const defined = (name: string): Command =>
  new Command(name)
    .description('Contact Sync on one machine: Temporal, both systems simulated, store, worker, cycle.')
    .option('--cycles <number>', 'run so many cycles, compare both sides, and end', count(1))
    .option('--rest <duration>', 'rest between two cycles', duration, duration('10s'))
    .option('--people <number>', 'distinct humans over both sides, in a new population', count(0), 2000)
    .addOption(
      new Option('--limits <real|off>', "the remotes' own rate limits")
        .choices(['real', 'off'])
        .default('real'),
    )
    .option('--seed <text>', 'the same seed makes the same people', 'contact-sync')
    .option('--edits-per-minute <number>', 'edits that simulated people make', count(0), 60)
    .option('--forms <percent>', 'how many of these edits are forms that somebody fills in', percent, 10)
    .addOption(
      new Option('--data-dir <folder>', 'where everything is kept (SYNC_DATA_DIR)').argParser(folder),
    )
    .option('--fresh', 'forget what earlier starts left in the data folder', false)
    .option('--keep', 'keep the folder of a bounded run', false)
    .option(
      '--timeout <duration>',
      'longest wait for the next cycle, or for quiet',
      duration,
      duration('10m'),
    )
    .configureHelp({ optionDescription: describeOption })
    .addHelpText('after', EXAMPLES);

const describeOption = (option: Option): string => {
  const { description } = option;
  const value: unknown = option.defaultValue;
  if (value === undefined || value === false) return description;
  const shown = typeof value === 'object' && value !== null && 'text' in value ? value.text : value;
  return `${description} (default: ${String(shown)})`;
};

type Parsed = Omit<StartOptions, 'cycles' | 'dataDir' | 'timeoutMs'> & {
  readonly cycles?: number;
  readonly dataDir?: string;
  readonly timeout: { readonly ms: number };
};

/** Where the parser writes its help and its one line about a mistake. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/**
 * Reads the command line.
 *
 * @throws {CommanderError} after it has written one line about a wrong option, or the help (exit code 0).
 */
export const parseOptions = (
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  output: Output,
): StartOptions => {
  const command = defined('npm start --')
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({
      writeOut: (text) => output.out(text),
      writeErr: (text) => output.err(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'npm start: ')),
    });
  const { cycles, dataDir, timeout, ...rest } = command.parse(argv, { from: 'user' }).opts<Parsed>();
  const fallback = env['SYNC_DATA_DIR'] ?? '';
  return {
    ...rest,
    cycles: cycles ?? null,
    dataDir: dataDir ?? (fallback === '' ? '.contact-sync' : fallback),
    timeoutMs: timeout.ms,
  };
};
