import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { isAlive } from '../store/embedded-lock.js';

const run = promisify(execFile);

/** True when that process runs and its command line holds the text: a pid alone may belong to anybody by now. */
export const runsCommand = async (pid: number, text: string): Promise<boolean> => {
  if (!isAlive(pid)) return false;
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
    return (await run('ps', ['-p', String(pid), '-o', 'command='])).stdout.includes(text);
  } catch {
    return false;
  }
};
