import { ConfigurationError } from '../config/configuration-error.js';
import { FAILURES, RemoteFailure, type FailureType } from '../rules/failures.js';
import { EXIT, type ExitCode } from './io.js';

interface Details {
  readonly exitCode?: ExitCode;
  /** Several things that are wrong, or what to do about the one; a line each. */
  readonly hints?: readonly string[];
  readonly cause?: unknown;
}

/** A command that cannot do what it was asked for, in words for the operator. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: ExitCode;
  readonly hints: readonly string[];

  constructor(message: string, { exitCode = EXIT.failed, hints = [], cause }: Details = {}) {
    super(message, { cause });
    this.exitCode = exitCode;
    this.hints = hints;
  }
}

/** Something that an operator has to mend before the command can work. */
export const refusal = (message: string, ...hints: readonly string[]): CommandFailure =>
  new CommandFailure(message, { exitCode: EXIT.usage, hints });

export interface Explanation {
  readonly message: string;
  readonly hints: readonly string[];
  readonly exitCode: ExitCode;
}

/** Time does not heal these: somebody has to change a setting or a right. */
const TO_MEND: ReadonlySet<FailureType> = new Set([
  FAILURES.unauthorized,
  FAILURES.forbidden,
  FAILURES.misconfigured,
]);

/** One line, hints and an exit code for anything that a command may throw. */
export const explain = (error: unknown): Explanation => {
  if (error instanceof CommandFailure) {
    return { message: error.message, hints: error.hints, exitCode: error.exitCode };
  }
  if (error instanceof ConfigurationError) {
    const [message = ''] = error.message.split('\n', 1);
    return { message, hints: error.problems, exitCode: EXIT.usage };
  }
  if (error instanceof RemoteFailure) {
    const exitCode = TO_MEND.has(error.type) ? EXIT.usage : EXIT.failed;
    return { message: error.message, hints: [], exitCode };
  }
  const [message = '', ...hints] = (error instanceof Error ? error.message : String(error)).split('\n');
  return { message, hints, exitCode: EXIT.failed };
};
