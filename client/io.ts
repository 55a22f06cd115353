/** Where a command writes, and how it is told to stop: given by the process entry, or by a test. */
export interface Io {
  /** Results, for people or for programs (`--json`). */
  out(text: string): void;
  /** What went wrong. */
  err(text: string): void;
  readonly color: boolean;
  /** Aborts when the operator stops the command. */
  readonly signal?: AbortSignal;
}

/** What every command is given. */
export interface Context {
  readonly env: NodeJS.ProcessEnv;
  readonly io: Io;
}

/** Exit codes of every command; docs/command-line.md lists them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** Wrong arguments, or a configuration that somebody has to mend first. */
  usage: 2,
  /** The request was answered, and the answer is that there is no record in Dynamics. */
  notDone: 3,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const printJson = (io: Io, value: unknown): void => io.out(JSON.stringify(value, null, 2));
