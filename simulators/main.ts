import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { LifeEdit } from './life.js';
import { PortInUse, startRemotes, type Remotes } from './start.js';
import { StateUnreadable } from './state-folder.js';
import { StateFolderUnusable } from './state-lock.js';

/** Exit code of a mistake in the call: a bad option, a port that is taken, a folder that cannot be used. */
const MISTAKE = 2;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function port(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= 65_535) return number;
  throw new InvalidArgumentError('Expected a port from 0 (any free one) to 65535.');
}

function count(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 0 to 9999999.');
}

function percent(text: string): number {
  const number = Number(text);
  if (/^\d{1,3}$/.test(text) && number <= 100) return number;
  throw new InvalidArgumentError('Expected a whole number from 0 to 100.');
}

interface Options {
  readonly marketoPort: number;
  readonly dataversePort: number;
  readonly people: number;
  readonly limits: 'real' | 'off';
  readonly seed: string;
  readonly life: number;
  readonly forms: number;
  readonly stateDir?: string;
  readonly exitWithParent: boolean;
}

function optionsFrom(argv: readonly string[]): Options {
  const limits = new Option('--limits <real|off>', "the remotes' own rate limits").choices(['real', 'off']);
  return new Command('simulators')
    .description('Marketo and Dataverse over HTTP, with a population that is not synced yet.')
    .option('--marketo-port <port>', 'where Marketo listens, 0 for any free port', port, 4010)
    .option('--dataverse-port <port>', 'where Dataverse listens, 0 for any free port', port, 4020)
    .option('--people <number>', 'distinct humans over both sides', count, 2000)
    .addOption(limits.default('real'))
    .option('--seed <text>', 'the same seed makes the same people', 'contact-sync')
    .option('--life <edits per minute>', 'edits that simulated people make, 0 for none', count, 0)
    .option('--forms <percent>', 'how many of these edits are forms that somebody fills in', percent, 0)
    .option('--state-dir <folder>', 'keep everything there, and go on from there at the next start')
    .option('--exit-with-parent', 'end when the process that started this one ends (IPC channel)', false)
    .exitOverride()
    .parse(argv, { from: 'user' })
    .opts<Options>();
}

/** What a parent process may send: `{ life: editsPerMinute }`, `{ tellEdits }`. Anything else is not for us. */
function lifeIn(message: unknown): number | null {
  if (typeof message !== 'object' || message === null || !('life' in message)) return null;
  return typeof message.life === 'number' && message.life >= 0 ? message.life : null;
}

const answer = (message: object): void => {
  if (process.connected) process.send?.(message);
};

/** Told of each edit; a parent that wants to know them sends `{ tellEdits: true }`. */
const edits = { told: false };
const tellEdit = (edit: LifeEdit): void => {
  if (edits.told) answer({ edit });
};

/** Answers a parent over IPC: first `{ ready }`, then `{ life, edits }` for each `{ life }`. */
function obeyParent(remotes: Remotes): void {
  if (process.send === undefined) return;
  process.on('message', (message) => {
    if (typeof message === 'object' && message !== null && 'tellEdits' in message)
      edits.told = message.tellEdits === true;
    const life = lifeIn(message);
    if (life === null) return;
    void remotes.setLife(life).then(({ edits }) => answer({ life, edits }));
  });
  const { marketo, dataverse, environment } = remotes;
  answer({ ready: { marketo, dataverse, environment } });
}

function untilAsked(exitWithParent: boolean): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    if (exitWithParent) process.once('disconnect', () => resolve());
  });
}

const beginOf = ({ begin }: Remotes): string =>
  'people' in begin
    ? `${begin.people} people`
    : `${begin.persons} persons and ${begin.rows} leads and contacts as kept`;

const isMistake = (error: unknown): error is Error =>
  [PortInUse, StateUnreadable, StateFolderUnusable].some((kind) => error instanceof kind);

async function run(argv: readonly string[]): Promise<void> {
  const options = optionsFrom(argv);
  const asked = untilAsked(options.exitWithParent);
  const remotes = await startRemotes({
    ...options,
    forms: options.forms / 100,
    tell: say,
    onEdit: tellEdit,
  });
  await remotes.setLife(options.life);
  process.stdout.write(`${JSON.stringify(remotes.environment)}\n`);
  say(`Marketo ${remotes.marketo}, Dataverse ${remotes.dataverse}, ${beginOf(remotes)}. Ctrl-C ends both.`);
  obeyParent(remotes);
  await asked;
  await remotes.close();
}

try {
  await run(process.argv.slice(2));
  process.exitCode = 0;
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has already written its message.
    process.exitCode = error.exitCode === 0 ? 0 : MISTAKE;
  } else if (isMistake(error)) {
    say(error.message);
    process.exitCode = MISTAKE;
  } else {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = 1;
  }
} finally {
  // An open channel to the parent would keep this process alive.
  if (process.connected) process.disconnect();
}
