import { userInfo } from 'node:os';

/** Who is at the command line, as the store notes it beside a decision. */
export const operatorName = (): string => {
  try {
    return userInfo().username;
  } catch {
    // A container may run under an id without a name.
    return 'unknown';
  }
};
