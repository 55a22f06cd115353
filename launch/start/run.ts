import { relative } from 'node:path';
import { runBounded } from './bounded.js';
import { openCycleFeed } from './cycle-feed.js';
import { cycleLine, type EndedCycle } from './cycles.js';
import { followEdits } from './edits.js';
import { ENV_FILE } from './environment.js';
import { messageOf, StartFailure } from './failure.js';
import { prepareFolder, releaseFolder, removeFolder, type Folder } from './folder.js';
import { orAborted } from '../../rules/or-aborted.js';
import { listenForStop, Stopped } from './halt.js';
import { drawLive } from './live-view.js';
import { PRODUCT_REST, type StartOptions } from './options.js';
import { portsOf } from './simulators.js';
import { startStack, type Stack } from './stack.js';
import { createTeardown, type Teardown } from './teardown.js';
import type { Terminal } from './terminal.js';

interface Run {
  readonly options: StartOptions;
  readonly env: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
  readonly folder: Folder;
  readonly halt: AbortController;
  readonly teardown: Teardown;
}

/** As people type it, seen from where they are. */
const shownPath = (path: string): string => {
  const from = relative(process.cwd(), path);
  return from.startsWith('..') ? path : from;
};

const introduce = ({ options, folder, terminal }: Run): void => {
  if (folder.notice !== undefined) terminal.say(folder.notice);
  terminal.say(
    `Data folder: ${shownPath(folder.path)}${folder.goesOn ? ', going on from the last start' : ''}`,
  );
  if (options.rest.ms < PRODUCT_REST.ms) {
    terminal.say(
      `Demo: rests between cycles are shortened to ${options.rest.text}; the product rests ${PRODUCT_REST.text}.`,
    );
  }
};

const tellLinks = ({ folder, terminal }: Run, { workflowUrl, simulators }: Stack): void => {
  const place = shownPath(folder.path);
  for (const line of [
    `The cycles in Temporal UI: ${workflowUrl}`,
    `Doors of the simulators (docs/simulators.md): ${simulators.marketo}/admin`,
    `                                              ${simulators.dataverse}/admin`,
    `Logs: ${place}/logs. The command line, in another terminal:`,
    `  node --env-file=${place}/${ENV_FILE} dist/client/contact-sync.js status`,
  ]) {
    terminal.say(line);
  }
};

const start = async ({ options, env, terminal, folder, halt, teardown }: Run): Promise<Stack> => {
  const tell = (line: string): void => terminal.say(line);
  const onCrash = (error: Error): void => halt.abort(error);
  const starting = startStack({ options, folder, env, teardown, tell, onCrash });
  try {
    return await orAborted(starting, halt.signal);
  } catch (error) {
    // Ends what runs so far, so that the rest of the start gives up; then what came up meanwhile.
    await teardown.run(tell);
    await starting.catch(() => undefined);
    throw error;
  }
};

/** Runs cycles, until it is stopped or, in a bounded run, until the comparison. Answers the exit code. */
const work = async (run: Run, stack: Stack): Promise<number> => {
  const { options, terminal, halt } = run;
  const { signal } = halt;
  const feed = await openCycleFeed(stack.store.db, signal);
  const edits = await followEdits(stack.simulators, options.editsPerMinute);
  const bounded = options.cycles !== null;
  const shown = {
    last: null as EndedCycle | null,
    footer: 'Ctrl-C stops; the next npm start goes on from here.',
  };
  let completed = 0;
  const onCycle = (cycle: EndedCycle): void => {
    shown.last = cycle;
    if (cycle.outcome === 'failed') return;
    completed += 1;
    if (completed > 1) return;
    const took = ((cycle.endedAt - cycle.startedAt) / 1000).toFixed(1);
    const since = (performance.now() / 1000).toFixed(1);
    terminal.say(`First cycle completed ${since} s after the start; it took ${took} s itself.`);
  };
  const over = new AbortController();
  const drawn = drawLive(
    stack,
    terminal,
    () => ({ ...shown, edits: edits.now() }),
    AbortSignal.any([signal, over.signal]),
  );
  try {
    if (options.cycles !== null) {
      const stopEdits = async (): Promise<number> => {
        await orAborted(edits.stop(), signal);
        return edits.now().total;
      };
      const tell = (line: string): void => terminal.say(line);
      const onStage = (stage: string): void => void (shown.footer = stage);
      const parts = { options, stack, feed, tell, onCycle, onStage, stopEdits };
      return (await orAborted(runBounded(parts, options.cycles), signal)) ? 0 : 1;
    }
    for (;;) {
      const cycle = await feed.next(Infinity);
      if (cycle === undefined) continue;
      onCycle(cycle);
      if (!terminal.live || cycle.outcome === 'failed') terminal.say(cycleLine(cycle));
    }
  } finally {
    over.abort();
    await drawn;
    if (bounded) terminal.endView();
  }
};

const finish = async (run: Run, stack: Stack | undefined, code: number): Promise<void> => {
  const { options, terminal, folder, teardown } = run;
  terminal.endView();
  terminal.say('Stopping worker, gateway, simulators, Temporal and store.');
  await teardown.run((line) => terminal.say(line));
  await releaseFolder(folder, stack === undefined ? folder.ports : portsOf(stack.simulators));
  if (options.cycles === null) {
    terminal.say('Stopped. The next npm start goes on from here.');
  } else if (code === 0 && !options.keep) {
    await stack?.database.remove();
    await removeFolder(folder);
  } else {
    terminal.say(`Everything of this run is in ${shownPath(folder.path)}`);
  }
};

const perform = async (run: Run): Promise<number> => {
  let stack: Stack | undefined;
  let code = 1;
  try {
    introduce(run);
    stack = await start(run);
    tellLinks(run, stack);
    code = await work(run, stack);
  } catch (error) {
    run.terminal.endView();
    // Stopping is how an unbounded run ends; a bounded one has missed its comparison.
    if (error instanceof Stopped) code = run.options.cycles === null ? 0 : 1;
    else run.terminal.say(error instanceof StartFailure ? error.message : messageOf(error));
  } finally {
    await finish(run, stack, code);
  }
  return code;
};

/** Runs what the options ask for, to its end. Answers the exit code. */
export const runStart = async (
  options: StartOptions,
  env: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<number> => {
  const halt = new AbortController();
  const teardown = createTeardown();
  const kill = (): void => {
    terminal.endView();
    terminal.say('Killed.');
    process.exit(130);
  };
  const ignoreStops = listenForStop(halt, kill);
  try {
    const bounded = options.cycles !== null;
    const folder = await prepareFolder({ dataDir: options.dataDir, bounded, fresh: options.fresh });
    return await perform({ options, env, terminal, folder, halt, teardown });
  } finally {
    ignoreStops();
  }
};
