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

/** Seeds of one worker lie this far apart, so that workers never share one. */
const NEXT_SEED = 1_000;

/** Plays all the runs that were asked for; a difference is told in full and the rest goes on from a further seed. */
const runOn = async (stage: Stage): Promise<boolean> => {
  const began = performance.now();
  const counts = { runs: 0, uncertain: 0, differences: 0 };
  const sum = (seed: number): string => {
    const perRun = Math.round((performance.now() - began) / Math.max(1, counts.runs));
    return `seed ${String(seed)}: ${String(counts.runs)} runs, ${String(perRun)} ms each, ${String(counts.uncertain)} too uncertain to judge, ${String(counts.differences)} differences`;
  };
  for (let { seed } = options; counts.runs < options.runs; seed += NEXT_SEED) {
    // What is played while a difference is made smaller is no run.
    let shrinking = false;
    const property = fc.asyncProperty(options.storms ? stormScript : script, async (each: Script) => {
      const end = await play(stage, each).catch((error: unknown) => error);
      const parts = end instanceof Error && !(end instanceof Uncertain);
      if (!shrinking) {
        counts.runs += 1;
        if (parts) counts.differences += 1;
        else if (end !== undefined) counts.uncertain += 1;
        if (counts.runs % TELL_AFTER === 0) say(`${sum(seed)} so far`);
      }
      shrinking ||= parts;
      if (parts) throw end;
    });
    const result = await fc.check(property, {
      numRuns: options.runs - counts.runs,
      seed,
      ...(options.path !== undefined && { path: options.path }),
    });
    if (!result.failed) break;
    tell(seed, result);
  }
  say(`${sum(options.seed)}.${counts.differences === 0 ? ' The real system does what the model says.' : ''}`);
  return counts.differences === 0;
};

const tell = (seed: number, result: fc.RunDetails<[Script]>): void => {
  const { errorInstance, counterexample, counterexamplePath, numShrinks } = result;
  say(
    `\nThe real system and the model part, seed ${String(seed)}, after ${String(numShrinks)} steps of shrinking:\n`,
  );
  if (counterexample !== null) say(story(counterexample[0]));
  say(
    `\n${errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance)}`,
  );
  say(
    `\nAgain: npm run model -- --seed ${String(seed)} --path ${counterexamplePath ?? ''} --runs 1${options.storms ? ' --storms' : ''}\n`,
  );
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
