import { run } from '../../client/run.js';
import type { ExitCode } from '../../client/io.js';

export interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line in this process and records what it says. */
export const contactSync = async (
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
  signal?: AbortSignal,
): Promise<Ran> => {
  const out: string[] = [];
  const err: string[] = [];
  const io = {
    out: (text: string) => void out.push(text),
    err: (text: string) => void err.push(text),
    color: false,
    ...(signal === undefined ? {} : { signal }),
  };
  const code = await run(argv, env, io);
  return { code, out: out.join('\n'), err: err.join('\n') };
};
