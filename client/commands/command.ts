import type { Command } from 'commander';
import type { Context, ExitCode } from '../io.js';

/** Adds one command to the program; `finish` is told its exit code. */
export type Add = (program: Command, context: Context, finish: (code: ExitCode) => void) => void;

/** The option that every command has. */
export interface Json {
  readonly json: boolean;
}

export const EXITS = `
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration`;

/** What the help of a command ends with. */
export const example = (line: string, exits = EXITS): string =>
  `\nExample:\n  $ contact-sync ${line}\n${exits}`;
