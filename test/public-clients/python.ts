import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const folder = import.meta.dirname;
const interpreter =
  process.platform === 'win32'
    ? join(folder, '.venv', 'Scripts', 'python.exe')
    : join(folder, '.venv', 'bin', 'python');

/** One line that a script printed: `{"step": "…", …}`. */
export type Step = Readonly<Record<string, unknown>> & { readonly step: string };

/** A Python script under way. It prints one JSON object a line, and may wait for a line before it goes on. */
export interface PythonRun {
  /** The next step; rejects, with what Python said, when the script ended or printed something else. */
  next(): Promise<Step>;
  /** Lets a script that waits in `input()` go on. */
  goOn(): void;
  /** Resolves when the script ended well; rejects with its error output otherwise. */
  ended(): Promise<void>;
  stop(): void;
}

/**
 * Runs a script of this folder with the interpreter of the clients' virtual environment.
 *
 * @param script file name beside this file
 * @param environment variables added to this process's own
 * @throws Error when the environment is not installed
 */
export function runPython(
  script: string,
  environment: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): PythonRun {
  if (!existsSync(interpreter)) {
    throw new Error('The Python clients are not installed: run `npm run test:clients` once.');
  }
  const child = spawn(interpreter, ['-u', '-X', 'utf8', join(folder, script), ...args], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const ended = async (): Promise<void> => {
    const ending = await code;
    if (ending !== 0) throw new Error(`${script} ended with ${String(ending)}:\n${said}`);
  };
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    next: async () => {
      const line = await lines.next();
      if (line.done !== true) return parsed(script, line.value);
      await ended();
      throw new Error(`${script} ended before its next step.`);
    },
    goOn: () => void child.stdin.write('\n'),
    ended,
    stop: () => void child.kill('SIGKILL'),
  };
}

/** Runs a script to its end; its steps by their names. */
export async function stepsOf(
  script: string,
  environment: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<ReadonlyMap<string, Step>> {
  const run = runPython(script, environment, args);
  const steps = new Map<string, Step>();
  try {
    for (;;) {
      const step = await run.next();
      steps.set(step.step, step);
      if (step.step === 'end') break;
    }
    await run.ended();
  } finally {
    run.stop();
  }
  return steps;
}

/**
 * Runs a module of the virtual environment to its end, in a folder of its own, since some leave files behind.
 *
 * @returns its exit code, and everything that it said
 */
export async function runModule(
  module: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly said: string }> {
  const cwd = await mkdtemp(join(tmpdir(), 'contact-sync-python-'));
  try {
    const child = spawn(interpreter, ['-X', 'utf8', '-m', module, ...args], {
      ...{
        cwd,
        env: {
          ...process.env,
          NO_COLOR: '1',
          PYTHONDONTWRITEBYTECODE: '1',
          PYTHONPATH: folder,
          ...environment,
        },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    return { code, said };
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

function parsed(script: string, line: string): Step {
  try {
    return JSON.parse(line) as Step;
  } catch {
    throw new Error(`${script} printed something that is no JSON: ${line}`);
  }
}
