/** Something that the person at the terminal has to know or mend, in words that need no stack. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure';
  readonly exitCode: 1 | 2;

  /** @param exitCode 2 for what was asked for wrongly, 1 for everything else. */
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
