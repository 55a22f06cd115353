import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { startScratchPostgres } from '../support/scratch-postgres.js';
import { play } from './run.js';
import type { Script } from './scenario.js';
import { script, stormScript } from './storms.js';
import { openStage, type Stage } from './stage.js';
import { story } from './story.js';
import { Uncertain } from './verdict.js';

// Plays random scripts on the real system and the model:
// npm run model -- [--runs N] [--seed S] [--path P] [--workers W] [--storms]

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    runs: { type: 'string', default: '500' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    path: { type: 'string' },
    workers: { type: 'string', default: '1' },
    /** Storms alone: a failure's path counts among them then. */
    storms: { type: 'boolean', default: false },
  },
});
const options = {
  runs: Number(values.runs),
  seed: Number(values.seed),
  path: values.path,
  workers: Number(values.workers),
  storms: values.storms,
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs between two lines of progress. */
const TELL_AFTER = 100;

const runHere = async (): Promise<boolean> => {
  const stage = await openStage();
  return runOn(stage).finally(stage.close);
};

const runOn = async (stage: Stage): Promise<boolean> => {
  const { runs, seed, path, storms } = options;
  const began = performance.now();
  let done = 0;
  let uncertain = 0;
  const perRun = (): number => Math.round((performance.now() - began) / Math.max(1, done));
  const property = fc.asyncProperty(storms ? stormScript : script, async (each: Script) => {
    await play(stage, each).catch((error: unknown) => {
      if (!(error instanceof Uncertain)) throw error;
      uncertain += 1;
    });
    done += 1;
    if (done % TELL_AFTER === 0)
      say(`seed ${String(seed)}: ${String(done)} runs, ${String(perRun())} ms each`);
  });
  const result = await fc.check(property, { numRuns: runs, seed, ...(path !== undefined && { path }) });
  if (!result.failed) {
    say(
      `seed ${String(seed)}: ${String(done)} runs, ${String(perRun())} ms each, ${String(uncertain)} too uncertain to judge. The real system does what the model says.`,
    );
    return true;
  }
  const [found] = result.counterexample ?? [];
  const { errorInstance } = result;
  say(
    `\nThe real system and the model part, seed ${String(seed)}, after ${String(result.numShrinks)} steps of shrinking:\n`,
  );
  if (found !== undefined) say(story(found));
  say(
    `\n${errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance)}`,
  );
  say(
    `\nAgain: npm run model -- --seed ${String(seed)} --path ${result.counterexamplePath ?? ''} --runs 1${storms ? ' --storms' : ''}`,
  );
  return false;
};

/** Each worker is a process of its own with a world of its own; their seeds follow each other. */
const runInWorkers = async (): Promise<boolean> => {
  const [node, program, file] = [process.execPath, process.argv[1] ?? '', process.argv[2] ?? ''];
  const runs = Math.ceil(options.runs / options.workers);
  const codes = Array.from({ length: options.workers }, (_, worker) => {
    const args = [program, file, '--runs', String(runs), '--seed', String(options.seed + worker)];
    if (options.storms) args.push('--storms');
    const child = spawn(node, args, { stdio: 'inherit' });
    return new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve(code ?? 1));
    });
  });
  return (await Promise.all(codes)).every((code) => code === 0);
};

const stopPostgres = await startScratchPostgres();
const passed = await (options.workers > 1 ? runInWorkers() : runHere());
await stopPostgres();
// The server that loads TypeScript would keep the process.
process.exit(passed ? 0 : 1);
