// Programs under npm end with it. No dependencies.
import process from 'node:process';
import { clearInterval, setInterval } from 'node:timers';

const LOOK_MS = 500;
/** Noted at once: whoever started us may be gone before there is something to stop. */
const launcher = process.ppid;

/**
 * `npm` passes SIGTERM on to the shell in between, which ends without a word to us: then the program is asked to stop,
 * as nobody else will. Started by hand it may well outlive the shell.
 */
export const endWithNpm = () => {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const look = setInterval(() => {
    if (process.ppid === launcher) return;
    clearInterval(look);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_MS).unref();
};
